package generate

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"qwill/engine/proto"
	"qwill/engine/reasoning"
)

func ptr[T any](v T) *T { return &v }

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDecide(t *testing.T) {
	seed := func() uint64 { return 99 }
	for _, c := range []struct {
		name     string
		asked    proto.Sampling
		file     string
		arch     string
		thinking bool
		want     Settings
	}{
		{"qwen3 thinking", proto.Sampling{}, ``, "qwen3", true, Settings{Temperature: 0.6, TopP: 0.95, TopK: 20, RepetitionPenalty: 1, Seed: 99}},
		{"qwen3 plain", proto.Sampling{}, ``, "qwen3", false, Settings{Temperature: 0.7, TopP: 0.8, TopK: 20, RepetitionPenalty: 1, Seed: 99}},
		{"other", proto.Sampling{}, ``, "llama", false, Settings{Temperature: 0.6, TopP: 0.9, RepetitionPenalty: 1, Seed: 99}},
		{"asked wins", proto.Sampling{Temperature: ptr(0.0), TopK: ptr(0), TopP: ptr(1.0), MinP: ptr(0.1), PresencePenalty: ptr(1.5), RepetitionPenalty: ptr(1.1), Seed: ptr(uint64(7))},
			`{"temperature":0.3}`, "qwen3", true, Settings{TopP: 1, MinP: 0.1, PresencePenalty: 1.5, RepetitionPenalty: 1.1, Seed: 7}},
		{"file", proto.Sampling{}, `{"do_sample":true,"temperature":0.3,"top_k":5,"top_p":0.5,"repetition_penalty":1.2}`, "qwen3", true,
			Settings{Temperature: 0.3, TopK: 5, TopP: 0.5, RepetitionPenalty: 1.2, Seed: 99}},
		{"greedy file", proto.Sampling{}, `{"do_sample":false,"eos_token_id":2}`, "llama", false, Settings{TopK: 50, TopP: 1, RepetitionPenalty: 1, Seed: 99}},
		{"file without sampling", proto.Sampling{}, `{"eos_token_id":[1,2],"transformers_version":"4"}`, "qwen3", true,
			Settings{Temperature: 0.6, TopP: 0.95, TopK: 20, RepetitionPenalty: 1, Seed: 99}},
		{"nonsense in the file", proto.Sampling{}, `{"temperature":-3}`, "qwen3", true, Settings{Temperature: 0.6, TopP: 0.95, TopK: 20, RepetitionPenalty: 1, Seed: 99}},
	} {
		dir := t.TempDir()
		if c.file != "" {
			write(t, dir, "generation_config.json", c.file)
		}
		file, err := LoadConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := Decide(c.asked, file, c.arch, c.thinking, seed); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for content, field := range map[string]string{
		`{"temperature":`:                                "",
		`{"temperature":"hot"}`:                          "temperature",
		`{"eos_token_id":"end"}`:                         "",
		`{"x":"` + strings.Repeat("x", maxConfig) + `"}`: "",
	} {
		dir := t.TempDir()
		write(t, dir, "generation_config.json", content)
		_, err := LoadConfig(dir)
		var e *proto.Error
		if !errors.As(err, &e) || e.Code != proto.CodeModel || !strings.HasSuffix(e.File, "generation_config.json") || e.Field != field {
			t.Errorf("%.30s: %v", content, err)
		}
	}
}

type words map[string]int

func (w words) ID(s string) (int, bool) { id, ok := w[s]; return id, ok }

func TestEOS(t *testing.T) {
	qwen := words{"<|im_end|>": 151645, "<|endoftext|>": 151643, "hello": 1, "<stop>": 5}
	for _, c := range []struct {
		generation, config, tokenizer string
		want                          []int
	}{
		{"", "", "", []int{151643, 151645}},
		{`{"eos_token_id":[7,8]}`, `{"eos_token_id":9}`, `{"eos_token":"<stop>"}`, []int{5, 7, 8, 9, 151643, 151645}},
		{"", `{"eos_token_id":null}`, `{"eos_token":{"content":"<stop>","special":true}}`, []int{5, 151643, 151645}},
		{"", "", `{"eos_token":null}`, []int{151643, 151645}},
		{"", "", `{"eos_token":["odd"]}`, []int{151643, 151645}},
	} {
		dir := t.TempDir()
		for name, content := range map[string]string{"generation_config.json": c.generation, "config.json": c.config, "tokenizer_config.json": c.tokenizer} {
			if content != "" {
				write(t, dir, name, content)
			}
		}
		file, err := LoadConfig(dir)
		if err != nil {
			t.Fatal(err)
		}
		set, err := EOS(dir, file, qwen)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(set)); !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// pieces decodes token i as the i-th piece; half characters are held as the
// real decoder does.
type pieces struct {
	text []string
	held string
}

func (p *pieces) Push(id int) string {
	s := p.held + p.text[id]
	n := len(s)
	for n > 0 && !utf8.ValidString(s[:n]) {
		n--
	}
	p.held = s[n:]
	return s[:n]
}

func (p *pieces) Flush() string {
	if p.held == "" {
		return ""
	}
	p.held = ""
	return "\uFFFD"
}

func TestOutput(t *testing.T) {
	for _, c := range []struct {
		name       string
		pieces     []string
		split      bool
		stops      []string
		think, ans string
		thought    int
		stopped    bool
	}{
		{"plain", []string{"Hel", "lo"}, true, nil, "", "Hello", 0, false},
		{"thinking", []string{"<think>", "\n", "so", "</think>", "\n\n", "yes"}, true, nil, "so", "yes", 4, false},
		{"no splitting", []string{"<think>", "x"}, false, nil, "", "<think>x", 0, false},
		{"half characters", []string{"a\xe4\xbd", "\xa0b", "\xf0\x9f"}, true, nil, "", "a你b\uFFFD", 0, false},
		{"stop", []string{"one ST", "O", "P two"}, true, []string{"STOP"}, "", "one ", 0, true},
		{"nearly a stop", []string{"one ST", "O"}, true, []string{"STOP"}, "", "one STO", 0, false},
		{"stop only in the answer", []string{"<think>", "STOP", "</think>", "a", "STOP"}, true, []string{"STOP"}, "STOP", "a", 3, true},
		{"unclosed thinking", []string{"<think>", "hm"}, true, []string{"STOP"}, "hm", "", 2, false},
		{"control token", []string{"a", "#", "b"}, true, nil, "", "ab", 0, false},
	} {
		var think, ans string
		o := &output{id: 3, text: &pieces{text: c.pieces}, stop: stopMatcher{stops: c.stops}, hidden: func(i int) bool { return c.pieces[i] == "#" },
			emit: func(e proto.Event) {
				if e.ID != 3 || !utf8.ValidString(e.Text) || !utf8.ValidString(e.Reasoning) {
					t.Errorf("%s: event %+v", c.name, e)
				}
				think += e.Reasoning
				ans += e.Text
			}}
		if c.split {
			o.split = reasoning.New(false)
		}
		stopped := false
		for i := 0; i < len(c.pieces) && !stopped; i++ {
			stopped = o.token(i, nil)
		}
		if !stopped {
			o.end()
		}
		if think != c.think || ans != c.ans || o.thought != c.thought || stopped != c.stopped || o.tokens != len(c.pieces) {
			t.Errorf("%s: %q %q, %d thought of %d, stopped %v", c.name, think, ans, o.thought, o.tokens, stopped)
		}
	}
}
