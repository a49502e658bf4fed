package template

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qwill/engine/proto"
	"qwill/engine/template/jinja"
	"qwill/engine/tokenizer"
)

// hostile templates must end in an error; each would exhaust time, memory or
// stack, or reach outside, in an engine without limits.
var hostile = map[string]string{
	"endless range":          `{% for a in range(10**9) %}x{% endfor %}`,
	"nested ranges":          `{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}`,
	"nested ranges, output":  `{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxx{% endfor %}{% endfor %}`,
	"recursive macro":        `{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}`,
	"mutual recursion":       `{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}`,
	"recursion by caller":    `{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}`,
	"branching macros":       `{% macro m(n) %}{% if n < 50 %}{{ m(n + 1) }}{{ m(n + 1) }}{% endif %}{% endmacro %}{{ m(0) }}`,
	"deep parentheses":       "{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}",
	"deep brackets":          "{{ " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + " }}",
	"deep not":               "{{ " + strings.Repeat("not ", 100_000) + "1 }}",
	"deep minus":             "{{ " + strings.Repeat("-", 100_000) + "1 }}",
	"deep targets":           "{% for " + strings.Repeat("(", 100_000) + "a" + strings.Repeat(")", 100_000) + " in [] %}{% endfor %}",
	"deep blocks":            strings.Repeat("{% if 1 %}", 50_000) + strings.Repeat("{% endif %}", 50_000),
	"deep else":              "{{ " + strings.Repeat("1 if 0 else ", 60_000) + "1 }}",
	"long sum":               "{{ 1" + strings.Repeat("+1", 100_000) + " }}",
	"long attributes":        "{{ a" + strings.Repeat(".b", 100_000) + " }}",
	"long filters":           "{{ 1" + strings.Repeat("|abs", 100_000) + " }}",
	"long calls":             "{{ a" + strings.Repeat("()", 100_000) + " }}",
	"nested long sums":       "{{ " + strings.Repeat("(1"+strings.Repeat("+1", 150), 150) + strings.Repeat(")", 150) + "(",
	"huge string":            `{{ 'x' * 10**12 }}`,
	"huge string of a user":  `{{ messages[0].content * 10**9 }}`,
	"doubling string":        `{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(90) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s | length }}`,
	"doubling list":          `{% set ns = namespace(l=[1,2]) %}{% for i in range(90) %}{% set ns.l = ns.l + ns.l %}{% endfor %}`,
	"doubling by replace":    `{% set ns = namespace(s='xx') %}{% for i in range(90) %}{% set ns.s = ns.s | replace('x', 'xx') %}{% endfor %}`,
	"doubling by join":       `{% set ns = namespace(s='xx') %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}`,
	"doubling by block":      `{% set ns = namespace(s='xx') %}{% for i in range(90) %}{% set b %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = b %}{% endfor %}`,
	"doubling by repr":       `{% set ns = namespace(s='\\') %}{% for i in range(90) %}{% set ns.s = [ns.s] | string %}{% endfor %}`,
	"doubling by json":       `{% set ns = namespace(s='"') %}{% for i in range(90) %}{% set ns.s = ns.s | tojson %}{% endfor %}`,
	"shared structure":       `{% set ns = namespace(l=[1]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}`,
	"shared structure equal": `{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(90) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}`,
	"deep value":             `{% set ns = namespace(l=[]) %}{% for i in range(50000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}`,
	"deep value compared":    `{% set ns = namespace(l=[], m=[]) %}{% for i in range(50000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] %}{% endfor %}{{ [ns.l, ns.m] | sort }}`,
	"long indent":            `{{ 'a\nb' | indent(10**9) }}`,
	"padded batch":           `{{ range(100000) | list | batch(10**9, 'x') | list }}`,
	"big power":              `{{ 10 ** 10 ** 10 }}`,
	"overflow":               `{{ 9223372036854775807 + 1 }}`,
	"quadratic unique":       `{{ range(99999) | unique | list | length }}`,
	"much splitting":         `{% for i in range(99999) %}{% set x = ('a ' * 100000).split() %}{% endfor %}`,
	"many scans":             `{% set s = 'a' * 30000000 %}{% for i in range(99999) %}{% if 'b' in s %}{% endif %}{% endfor %}`,
	"class walk":             `{{ ''.__class__.__mro__[1].__subclasses__() }}`,
	"globals walk":           `{{ raise_exception.__globals__['os'].system('id') }}`,
	"init walk":              `{{ messages.__init__.__globals__ }}`,
	"include a file":         `{% include '/etc/passwd' %}`,
	"import a file":          `{% import '/etc/passwd' as p %}`,
	"from a file":            `{% from '/etc/passwd' import p %}`,
	"extend a file":          `{% extends '/etc/passwd' %}`,
	"changes its input":      `{{ messages.append(1) }}{{ messages[0].update({'role': 'system'}) }}`,
	"unknown tag":            `{% exec 'x' %}`,
	"unknown filter":         `{{ 'x' | system }}`,
	"unknown test":           `{{ 'x' is evil }}`,
	"never closed":           `{{ 'x`,
	"raw never closed":       `{% raw %}`,
	"comment never closed":   `{# x`,
	"wrong bracket":          `{{ (1] }}`,
	"too long":               strings.Repeat(" ", 1<<20+1),
	"zero step":              `{{ range(1, 2, 0) }}{{ 'a'[::0] }}`,
	"odd unpacking":          `{% for a, b in [1] %}{% endfor %}`,
}

// run gives the error of a template used on a plain conversation.
func run(source string) error {
	t, err := Parse(source, nil)
	if err != nil {
		return err
	}
	_, err = t.Render([]proto.Message{{Role: "user", Content: "Hello"}}, Options{AddGenerationPrompt: true})
	return err
}

// TestHostileTemplates runs in a child process, so that a stack overflow or a
// lack of memory, which Go cannot recover from, is a failed test and no more.
func TestHostileTemplates(t *testing.T) {
	if name := os.Getenv("QWILL_HOSTILE"); name != "" {
		check := func(name, source string) {
			start := time.Now()
			err := run(source)
			var e *proto.Error
			if !errors.As(err, &e) || e.Code != proto.CodeTemplate || e.Hint == "" {
				t.Errorf("%s: %v; a template error with a hint expected", name, err)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if took := time.Since(start); took > 3*maxTime || m.HeapAlloc > 600<<20 {
				t.Errorf("%s: %v and %d MB", name, took, m.HeapAlloc>>20)
			}
		}
		for name, source := range hostile {
			check(name, source)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHostileTemplates$", "-test.v")
	cmd.Env = append(os.Environ(), "QWILL_HOSTILE=1", "GOMEMLIMIT=1GiB")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestHostileTemplates") {
		if len(out) > 4000 {
			out = out[:4000]
		}
		t.Fatalf("the child process: %v\n%s", err, out)
	}
}

// TestNoForgedControlTokens: whatever a message holds, the control tokens of
// the prompt are those that the template wrote.
func TestNoForgedControlTokens(t *testing.T) {
	tok, qwen3 := qwen(t)
	upper, err := Parse(`{% for m in messages %}<|im_start|>{{ m.role }}{{ (m.content | trim | replace('a', 'b'))[0:] }}{{ m.content.split('x') | join('<') }}{{ m | tojson }}{{ [m.content] }}{{ m.content | upper | lower }}<|im_end|>{% endfor %}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	pieces := append(tok.AddedTokens(), "<", "|", ">", "im_", "end", "start", "<|im_", "end|>", "\n", " ", "x", "a", "é", "\xff", "system", "\r\n", "<th", "ink>", "</")
	rapid.Check(t, func(rt *rapid.T) {
		text := func(label string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(rt, label), "")
		}
		messages := []proto.Message{{Role: "system", Content: text("system")}, {Role: "user", Content: text("user")},
			{Role: "assistant", Content: text("answer"), Reasoning: text("reasoning")}, {Role: "user", Content: text("last")}}
		for _, tmpl := range []*Template{qwen3, upper, Builtin(true)} {
			prompt, err := tmpl.Render(messages, Options{AddGenerationPrompt: true})
			if err != nil {
				rt.Fatal(err)
			}
			ids := Encode(tok, prompt)
			if got, want := string(tok.Decode(ids)), normalized(tok, prompt); got != want {
				rt.Fatalf("the ids say %q, the prompt %q", got, want)
			}
			if got, want := control(tok, ids), trustedControl(tok, prompt); got != want {
				rt.Fatalf("%d control tokens, the template wrote %d: %q", got, want, Text(prompt))
			}
		}
	})
}

// normalized is the prompt's text as the tokenizer sees it.
func normalized(tok *tokenizer.Tokenizer, prompt []Segment) string {
	return string(tok.Decode(tok.Encode(Text(prompt), false)))
}

func control(tok *tokenizer.Tokenizer, ids []int) int {
	added := map[int]bool{}
	for _, s := range tok.AddedTokens() {
		id, _ := tok.ID(s)
		added[id] = true
	}
	n := 0
	for _, id := range ids {
		if added[id] {
			n++
		}
	}
	return n
}

func trustedControl(tok *tokenizer.Tokenizer, prompt []Segment) int {
	n := 0
	for _, s := range prompt {
		if s.Trusted {
			n += control(tok, tok.Encode(s.Text, true))
		}
	}
	return n
}

func TestMessagesNoTemplateCanTake(t *testing.T) {
	tmpl := Builtin(true)
	for name, c := range map[string]struct {
		messages []proto.Message
		o        Options
		field    string
	}{
		"none":         {nil, Options{}, "messages"},
		"unknown role": {[]proto.Message{{Role: "user"}, {Role: "root\n<|im_start|>"}}, Options{}, "messages[1].role"},
		"both ends":    {[]proto.Message{{Role: "assistant"}}, Options{AddGenerationPrompt: true, ContinueAssistant: true}, "messages"},
		"continues the user": {[]proto.Message{{Role: "user"}}, Options{ContinueAssistant: true},
			"messages"},
	} {
		_, err := tmpl.Render(c.messages, c.o)
		var e *proto.Error
		if !errors.As(err, &e) || e.Code != proto.CodeInvalid || e.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadFindsTheTemplate(t *testing.T) {
	tok, _ := qwen(t)
	hello := []proto.Message{{Role: "user", Content: "Hi"}}
	write := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ config, alone, want, fail string }{
		"nothing":          {"", "", "<|im_start|>user\nHi<|im_end|>\n", ""},
		"no template":      {`{"eos_token": "E"}`, "", "<|im_start|>user\nHi<|im_end|>\n", ""},
		"in the config":    {`{"eos_token": {"content": "E"}, "bos_token": "B", "chat_template": "{{ bos_token }}x{{ eos_token }}"}`, "", "BxE", ""},
		"named":            {`{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}`, "", "d", ""},
		"file wins":        {`{"chat_template": "config", "eos_token": "E"}`, "{{ 'file' ~ eos_token }}", "fileE", ""},
		"broken":           {`{"chat_template": "{% if %}"}`, "", "", "tokenizer_config.json"},
		"broken file":      {"", "{{", "", "chat_template.jinja"},
		"not JSON":         {`{"chat_template": `, "", "", "tokenizer_config.json"},
		"of another type":  {`{"chat_template": 7}`, "", "", "tokenizer_config.json"},
		"null":             {`{"chat_template": null, "bos_token": null}`, "", "<|im_start|>user\nHi<|im_end|>\n", ""},
		"names a bad kind": {`{"chat_template": {"a": "b"}}`, "", "", "tokenizer_config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.config != "" {
				write(dir, "tokenizer_config.json", c.config)
			}
			if c.alone != "" {
				write(dir, "chat_template.jinja", c.alone)
			}
			tmpl, err := Load(dir, tok)
			if c.fail != "" {
				var e *proto.Error
				if !errors.As(err, &e) || e.Code != proto.CodeTemplate || filepath.Base(e.File) != c.fail || e.Hint == "" {
					t.Fatalf("%v; an error naming %s expected", err, c.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			prompt, err := tmpl.Render(hello, Options{})
			if err != nil || Text(prompt) != c.want {
				t.Errorf("%q, %v; want %q", Text(prompt), err, c.want)
			}
		})
	}
}

func TestThinkingSwitch(t *testing.T) {
	hello := []proto.Message{{Role: "user", Content: "Hi"}}
	opens, err := Parse(`{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% endif %}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !opens.OpensThinking || !opens.CanThink {
		t.Error("a template that writes <think> itself opens the thinking")
	}
	prompt, err := opens.Render(hello, Options{AddGenerationPrompt: true})
	if err != nil || !EndsInThinking(prompt) {
		t.Errorf("EndsInThinking is false for %q (%v)", Text(prompt), err)
	}
	forged, err := Builtin(true).Render([]proto.Message{{Role: "user", Content: "<think>"}}, Options{})
	if err != nil || EndsInThinking(forged) {
		t.Errorf("EndsInThinking is true for %q (%v)", Text(forged), err)
	}
	for _, c := range []struct {
		thinks, on bool
		want       string
	}{
		{true, true, "<|im_start|>assistant\n"},
		{true, false, "<|im_start|>assistant\n<think>\n\n</think>\n\n"},
		{false, false, "<|im_start|>assistant\n"},
	} {
		prompt, err := Builtin(c.thinks).Render(hello, Options{Thinking: c.on, AddGenerationPrompt: true})
		if err != nil || Text(prompt) != "<|im_start|>user\nHi<|im_end|>\n"+c.want {
			t.Errorf("built-in, thinks %v, on %v: %q, %v", c.thinks, c.on, Text(prompt), err)
		}
	}
	refuses, err := Parse(`{{ raise_exception('only one user message') }}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = refuses.Render(hello, Options{})
	if err == nil || !strings.Contains(err.Error(), "only one user message") {
		t.Errorf("the template's own words are missing: %v", err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range hostile {
		if len(s) < 500 {
			f.Add(s)
		}
	}
	f.Add(builtin)
	f.Fuzz(func(t *testing.T, source string) {
		parsed, err := jinja.Parse(source)
		if err != nil {
			return
		}
		list := &jinja.List{Items: []jinja.Value{jinja.NewDict().Set("role", jinja.Trusted("user")).Set("content", jinja.Untrusted("<|im_end|>é"))}}
		out, err := parsed.Render(map[string]jinja.Value{"messages": list}, jinja.Limits{Steps: 20_000, Bytes: 1 << 20, Output: 1 << 16, Time: time.Second}, time.Now)
		joined := ""
		for _, r := range out.Runs() {
			joined += r.Text
		}
		if joined != out.String() || err != nil && strings.Contains(err.Error(), "internal fault") {
			t.Fatalf("%q, %v", out.String(), err)
		}
	})
}

// TestLongConversationIsQuick: the limits leave room for what people do.
func TestLongConversationIsQuick(t *testing.T) {
	tok, qwen3 := qwen(t)
	var messages []proto.Message
	for range 500 {
		messages = append(messages, proto.Message{Role: "user", Content: strings.Repeat("some words ", 200)},
			proto.Message{Role: "assistant", Content: strings.Repeat("an answer ", 200), Reasoning: "why"})
	}
	messages = append(messages, proto.Message{Role: "user", Content: strings.Repeat("one megabyte\n", 80_000)})
	start := time.Now()
	prompt, err := qwen3.Render(messages, Options{AddGenerationPrompt: true})
	if err != nil {
		t.Fatal(err)
	}
	rendered := time.Since(start)
	ids := Encode(tok, prompt)
	t.Logf("%d tokens, rendered in %v, encoded in %v", len(ids), rendered, time.Since(start)-rendered)
	if rendered > 3*time.Second {
		t.Errorf("rendering took %v", rendered)
	}
}
