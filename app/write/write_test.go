package write

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qwill/app/command"
	"qwill/app/errs"
	"qwill/engine"
	"qwill/engine/proto"
)

func TestClean(t *testing.T) {
	plain := command.Prompt{Open: "<text>", Close: "</text>"}
	for _, c := range []struct{ name, original, output, want string }{
		{"as it is", "Helo", "Hello", "Hello"},
		{"trailing line end as in the input", "Helo\n", "Hello", "Hello\n"},
		{"no trailing line end either", "Helo", "Hello\n\n", "Hello"},
		{"space at both ends", "\n  Helo \n\n", "Hello", "\n  Hello \n\n"},
		{"delimiters", "Helo", "<text>\nHello\n</text>", "Hello"},
		{"closing delimiter and comment", "Helo", "Hello\n</text>\n\nI corrected it.", "Hello"},
		{"delimiter alone in front", "Helo", "<text>Hello", "Hello"},
		{"a remark before the delimiters", "Helo", "Corrected version\n<text>\nHello\n</text>", "Hello"},
		{"an empty pair behind the result", "Helo", "Hello\n<text></text>", "Hello"},
		{"closing delimiter in front", "Helo", "</text>\nHello", "Hello"},
		{"the text twice", "Helo", "<text>\nHello\n\n<text>\nHello", "Hello"},
		{"remark", "Helo", "Hello\n\nI corrected the spelling of one word.", "Hello"},
		{"remark in brackets", "Helo\n\nyu", "Hello\n\nyou\n\n(Note: two corrections)", "Hello\n\nyou"},
		{"remark that is the text", "Helo\n\nI made a cake", "Hello\n\nI made a cake.", "Hello\n\nI made a cake."},
		{"remark in the only paragraph", "Helo I made it", "I made it, hello", "I made it, hello"},
		{"introduction", "Helo", "Here is the corrected text:\n\nHello", "Hello"},
		{"introduction with sure", "Helo", "Sure! Here's your rewritten text:\nHello", "Hello"},
		{"introduction in Chinese", "你号", "好的，以下是修改后的文本：\n你好", "你好"},
		{"introduction and delimiters", "Helo", "Here is the text:\n<text>\nHello\n</text>", "Hello"},
		{"introduction that the original has", "Here is the list:\na", "Here is the list:\nb", "Here is the list:\nb"},
		{"introduction with nothing behind it", "Helo", "Here is the text:\n", "Here is the text:"},
		{"colon in the text", "Note to all:\nhelo", "Note to all:\nhello", "Note to all:\nhello"},
		{"fence", "Helo", "```text\nHello\n```", "Hello"},
		{"fence that the original has", "```\nx\n```", "```\ny\n```", "```\ny\n```"},
		{"quotes", "Helo", `"Hello"`, "Hello"},
		{"curly quotes", "Helo", "“Hello”", "Hello"},
		{"quotes that the original has", `"Helo"`, `"Hello"`, `"Hello"`},
		{"two quotations", `He said hi and "yo"`, `"Hi" and "yo"`, `"Hi" and "yo"`},
		{"line ends of the original", "a\r\nb\r\n", "A\nB", "A\r\nB\r\n"},
		{"mixed line ends stay", "a\r\nb\nc", "A\nB\nC", "A\nB\nC"},
		{"empty", "Helo\n", "  \n", ""},
		{"code keeps its indentation inside", "if x:\n\ty", "if x:\n\tz", "if x:\n\tz"},
	} {
		if got := clean(c.original, c.output, plain, command.ShapeDiff); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := clean("A long text\n", "\n- point\n", plain, command.ShapeText); got != "- point" {
		t.Errorf("another text keeps no white space of the original: %q", got)
	}
}

// TestCleanLeavesResultsAlone: a result without decoration comes through
// unchanged, whatever it holds.
func TestCleanLeavesResultsAlone(t *testing.T) {
	p := command.Prompt{Open: "<text>", Close: "</text>"}
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.TrimSpace(rapid.StringMatching(`[A-Za-z ,.'"\n-]{0,60}`).Draw(rt, "text"))
		if got := clean(text, text, p, command.ShapeDiff); got != text && text != "" {
			rt.Fatalf("%q became %q", text, got)
		}
	})
}

// model answers as the test says and remembers what it was asked.
type model struct {
	pieces []string
	finish string
	err    error
	asked  engine.GenerateParams
}

func (m *model) generate(_ context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error) {
	m.asked = p
	for _, s := range m.pieces {
		event(engine.Event{Text: s})
	}
	return engine.Result{Finish: m.finish}, m.err
}

func TestRun(t *testing.T) {
	m := &model{pieces: []string{"I ha", "ve a", "n apple."}, finish: proto.FinishStop}
	var seen strings.Builder
	got, err := Run(t.Context(), Request{Command: named("proofread"), Text: "I has a apple.\n"}, m.generate, Watch{Event: func(e engine.Event) { seen.WriteString(e.Text) }})
	if err != nil {
		t.Fatal(err)
	}
	if got.Text != "I have an apple.\n" || got.Original != "I has a apple.\n" || got.Shape != "diff" || got.Warning != "" ||
		short(got.Diff) != "I [has|have] [a|an] apple.\n" || seen.String() != "I have an apple." {
		t.Errorf("%+v, streamed %q", got, seen.String())
	}
	if m.asked.Thinking || m.asked.MaxTokens == 0 || len(m.asked.Messages) != 2 || *m.asked.Sampling.Temperature != 0.3 ||
		!slices.Equal(m.asked.Stop, []string{"</text>"}) {
		t.Errorf("asked %+v", m.asked)
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct{ name, command, text, output, finish, want, warning string }{
		{"same", "proofread", "Fine.\n", "Fine.", proto.FinishStop, "Fine.\n", "Nothing to change"},
		{"empty keeps the text", "rewrite", "Text.\n", " ", proto.FinishStop, "Text.\n", "no result"},
		{"empty summary", "summarize", "Text.", "", proto.FinishStop, "", "no result"},
		{"cut off", "rewrite", "Text.", "Texts and", proto.FinishLength, "Texts and", "cut off"},
		{"fine", "summarize", "Text.", "Short.", proto.FinishStop, "Short.", ""},
		{"a question is no text to clean", "ask", "Quote?", `"To be"`, proto.FinishStop, `"To be"`, ""},
	} {
		m := &model{pieces: []string{c.output}, finish: c.finish}
		got, err := Run(t.Context(), Request{Command: named(c.command), Text: c.text}, m.generate, Watch{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Text != c.want || (c.warning == "") != (got.Warning == "") || !strings.Contains(got.Warning.Sentence(), c.warning) {
			t.Errorf("%s: %q, warning %q", c.name, got.Text, got.Warning)
		}
		if (got.Shape == command.ShapeDiff) != (got.Diff != nil) {
			t.Errorf("%s: shape %s with diff %v", c.name, got.Shape, got.Diff)
		}
		if got.Diff != nil && Apply(got.Diff, nil) != c.text {
			t.Errorf("%s: accepting nothing changes the text", c.name)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	never := func(context.Context, engine.GenerateParams, func(engine.Event)) (engine.Result, error) {
		t.Error("the model ran")
		return engine.Result{}, nil
	}
	for _, r := range []Request{{Command: named("rewrite")}, {Command: named("instruct"), Text: "x"},
		{Command: named("translate"), Text: "x", Options: map[string]string{"to": "de"}}} {
		_, err := Run(t.Context(), r, never, Watch{})
		var e *errs.Error
		if !errors.As(err, &e) || e.Code != errs.Invalid || e.Detail == "" {
			t.Errorf("%+v: %v", r, err)
		}
		if err := Check(r); err == nil {
			t.Errorf("Check admits %+v", r)
		}
	}
	tooLong := &proto.Error{Code: proto.CodeTooLong, Message: "too long"}
	_, err := Run(t.Context(), Request{Command: named("rewrite"), Text: "x"}, (&model{err: tooLong}).generate, Watch{})
	if !errors.Is(err, tooLong) {
		t.Errorf("the engine's error is lost: %v", err)
	}
}

func TestInvalidTextIsRepairedOnce(t *testing.T) {
	m := &model{pieces: []string{"x"}, finish: proto.FinishStop}
	got, err := Run(t.Context(), Request{Command: named("rewrite"), Text: "a\xffb"}, m.generate, Watch{})
	if err != nil || got.Original != "a\uFFFDb" || Apply(got.Diff, nil) != got.Original || !strings.Contains(m.asked.Messages[1].Content, "a\uFFFDb") {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Helo\n", "Here is the text:\n\"Hello\"")
	f.Add("```\na\n```", "```\nb")
	f.Fuzz(func(t *testing.T, original, output string) {
		p := command.Prompt{Open: "<text>", Close: "</text>"}
		got := clean(original, output, p, command.ShapeDiff)
		if strings.TrimSpace(output) == "" && got != "" {
			t.Fatalf("%q from nothing", got)
		}
	})
}

func named(id string) command.Command {
	c, err := command.Find(id)
	if err != nil {
		panic(err)
	}
	c.Edits = false // the text again; what asks for edits is tested beside it
	return c
}
