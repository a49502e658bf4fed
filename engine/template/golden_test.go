package template

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"qwill/engine/proto"
	"qwill/engine/template/jinja"
	"qwill/engine/tokenizer"
)

// deps is where build/setup.sh puts the pinned tokenizer.
const deps = "../../build/.deps/tokenizer"

type goldenFile struct {
	SmolLM2 string `json:"smollm2"`
	Chats   [][]struct {
		Role      string `json:"role"`
		Content   string `json:"content"`
		Reasoning string `json:"reasoning_content"`
	} `json:"chats"`
	Rows []struct {
		Template string `json:"template"`
		Chat     int    `json:"chat"`
		Thinking bool   `json:"thinking"`
		Mode     string `json:"mode"`
		Text     string `json:"text"`
		IDs      []int  `json:"ids"`
	} `json:"rows"`
	Data     json.RawMessage `json:"data"`
	Snippets []struct {
		Source string  `json:"source"`
		Text   *string `json:"text"`
		Error  string  `json:"error"`
	} `json:"snippets"`
}

var golden = sync.OnceValues(func() (*goldenFile, error) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		return nil, err
	}
	g := &goldenFile{}
	return g, json.Unmarshal(data, g)
})

func mustGolden(t testing.TB) *goldenFile {
	t.Helper()
	g, err := golden()
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Rows) < 200 || len(g.Snippets) < 80 {
		t.Fatalf("testdata/golden.json has %d renderings and %d snippets", len(g.Rows), len(g.Snippets))
	}
	return g
}

func (g *goldenFile) messages(i int) []proto.Message {
	out := make([]proto.Message, len(g.Chats[i]))
	for j, m := range g.Chats[i] {
		out[j] = proto.Message{Role: m.Role, Content: m.Content, Reasoning: m.Reasoning}
	}
	return out
}

var qwenTokenizer = sync.OnceValues(func() (*tokenizer.Tokenizer, error) { return tokenizer.Load(deps) })

func qwen(t testing.TB) (*tokenizer.Tokenizer, *Template) {
	t.Helper()
	tok, err := qwenTokenizer()
	if err != nil {
		t.Fatalf("the pinned Qwen3 tokenizer is missing (run build/setup.sh): %v", err)
	}
	tmpl, err := Load(deps, tok)
	if err != nil {
		t.Fatal(err)
	}
	return tok, tmpl
}

func TestRenderingEqualsTransformers(t *testing.T) {
	g := mustGolden(t)
	tok, qwen3 := qwen(t)
	smol, err := Parse(g.SmolLM2, nil)
	if err != nil {
		t.Fatal(err)
	}
	templates := map[string]*Template{"qwen3": qwen3, "smollm2": smol}
	withIDs := 0
	for _, r := range g.Rows {
		o := Options{Thinking: r.Thinking, AddGenerationPrompt: r.Mode == "generate", ContinueAssistant: r.Mode == "continue"}
		prompt, err := templates[r.Template].Render(g.messages(r.Chat), o)
		if err != nil {
			t.Errorf("%s chat %d %s: %v", r.Template, r.Chat, r.Mode, err)
			continue
		}
		if got := Text(prompt); got != r.Text {
			t.Errorf("%s chat %d %s thinking %v:\n got %q\nwant %q", r.Template, r.Chat, r.Mode, r.Thinking, got, r.Text)
			continue
		}
		if r.IDs == nil {
			continue
		}
		withIDs++
		// The reference turns the tags in an assistant's own text into control
		// tokens, which we do not: compare only where no message holds one.
		if holdsTag(g.messages(r.Chat)) {
			continue
		}
		if got := Encode(tok, prompt); !slices.Equal(got, r.IDs) {
			t.Errorf("%s chat %d %s thinking %v: ids differ\n got %v\nwant %v", r.Template, r.Chat, r.Mode, r.Thinking, got, r.IDs)
		}
	}
	if withIDs < 150 {
		t.Errorf("only %d renderings came with ids", withIDs)
	}
}

func holdsTag(messages []proto.Message) bool {
	for _, m := range messages {
		for _, tag := range []string{"<think>", "</think>", "<tool_response>"} {
			if bytes.Contains([]byte(m.Content), []byte(tag)) {
				return true
			}
		}
	}
	return false
}

// value reads JSON as Python would, keys in order.
func value(t testing.TB, d *json.Decoder) jinja.Value {
	t.Helper()
	tok, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := tok.(type) {
	case json.Delim:
		if v == '[' {
			l := &jinja.List{}
			for d.More() {
				l.Items = append(l.Items, value(t, d))
			}
			_, _ = d.Token()
			return l
		}
		m := jinja.NewDict()
		for d.More() {
			key, _ := d.Token()
			m.Set(key.(string), value(t, d))
		}
		_, _ = d.Token()
		return m
	case string:
		return jinja.Untrusted(v)
	case json.Number:
		if i, err := v.Int64(); err == nil && v != "-0" {
			return i
		}
		f, _ := v.Float64()
		return f
	default:
		return v
	}
}

func TestInterpreterEqualsJinja2(t *testing.T) {
	g := mustGolden(t)
	for _, s := range g.Snippets {
		vars := map[string]jinja.Value{}
		d := json.NewDecoder(bytes.NewReader(g.Data))
		d.UseNumber()
		_, _ = d.Token()
		for d.More() {
			key, _ := d.Token()
			vars[key.(string)] = value(t, d)
		}
		got, err := renderSnippet(s.Source, vars)
		switch {
		case s.Text == nil && err == nil:
			t.Errorf("%s\n got %q\nwant an error like %s", s.Source, got, s.Error)
		case s.Text != nil && err != nil:
			t.Errorf("%s\n got the error %v\nwant %q", s.Source, err, *s.Text)
		case s.Text != nil && got != *s.Text:
			t.Errorf("%s\n got %q\nwant %q", s.Source, got, *s.Text)
		}
	}
}

func renderSnippet(source string, vars map[string]jinja.Value) (string, error) {
	parsed, err := jinja.Parse(source)
	if err != nil {
		return "", err
	}
	out, err := parsed.Render(vars, jinja.Limits{Steps: 1e6, Bytes: 64 << 20, Output: 1 << 20, Time: 5 * time.Second}, time.Now)
	return out.String(), err
}

func TestFolderOfPinnedModelIsComplete(t *testing.T) {
	if _, err := os.Stat(filepath.Join(deps, "tokenizer_config.json")); err != nil {
		t.Fatalf("run build/setup.sh: %v", err)
	}
	_, tmpl := qwen(t)
	if !tmpl.CanThink || tmpl.OpensThinking {
		t.Errorf("CanThink %v, OpensThinking %v; Qwen3 has a switch and lets the model open", tmpl.CanThink, tmpl.OpensThinking)
	}
}
