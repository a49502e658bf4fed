package write

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qwill/app/command"
)

// streamed gives what is shown of a result that comes in pieces.
func streamed(original string, pieces []string, shape string) string {
	s := newStream(original, command.Prompt{Open: "<text>", Close: "</text>"}, shape)
	var shown strings.Builder
	for _, p := range pieces {
		shown.WriteString(s.add(p))
	}
	return shown.String()
}

// TestStreamShowsTheResult: what was shown letter by letter is what clean makes
// of the whole, so that nothing jumps at the end.
func TestStreamShowsTheResult(t *testing.T) {
	p := command.Prompt{Open: "<text>", Close: "</text>"}
	for _, c := range []struct{ original, output string }{
		{"Helo", "Hello"},
		{"Helo", "<text>\nHello\n</text>"},
		{"Helo", "Hello\n</text>\n\nI corrected it."},
		{"Helo", "</text>\nHello"},
		{"Helo", "<text>\nHello\n\n<text>\nHello"},
		{"Helo", "Hello there, you two.\n\nI corrected the spelling of one word."},
		{"Helo\n\nyu", "Hello\n\nyou\n\n(Note: two corrections)"},
		{"Helo", "Here is the corrected text:\n\nHello"},
		{"Helo", "Sure! Here's your rewritten text:\nHello"},
		{"你号", "好的，以下是修改后的文本：\n你好"},
		{"Helo", "Here is the text:\n<text>\nHello\n</text>"},
		{"Here is the list:\na", "Here is the list:\nb"},
		{"Helo", "Here we go again, said the fox."},
		{"Helo", "```text\nHello\n```"},
		{"Helo", "```\nHello\nyou\n```\n"},
		{"```\nx\n```", "```\ny\n```"},
		{"Helo", `"Hello"`},
		{"Helo", "“Hello”"},
		{`"Helo"`, `"Hello"`},
		{"a < b", "a < b and a <tex b"},
		{"if x:\n\ty", "if x:\n\tz"},
	} {
		for _, shape := range []string{command.ShapeDiff, command.ShapeText} {
			want := strings.TrimSpace(clean(c.original, c.output, p, shape))
			if got := streamed(c.original, strings.Split(c.output, ""), shape); got != want {
				t.Errorf("%s: %q shows %q, want %q", shape, c.output, got, want)
			}
			if got := streamed(c.original, []string{c.output}, shape); got != want {
				t.Errorf("%s: %q at once shows %q, want %q", shape, c.output, got, want)
			}
		}
	}
}

// TestStreamDoesNotHoldBack: a result without decoration is shown as it comes.
func TestStreamDoesNotHoldBack(t *testing.T) {
	s := newStream("Helo", command.Prompt{Open: "<text>", Close: "</text>"}, command.ShapeDiff)
	for _, word := range []string{"The", " quick", " fox", " jumps."} {
		if got := s.add(word); got != word {
			t.Errorf("%q shows %q", word, got)
		}
	}
}

// TestStreamCuts: however a text is cut into pieces, the same is shown.
func TestStreamCuts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching("(Here is the text:\n|```\n|<text>)?[A-Za-z ,.\n\"-]{0,60}(</text>|\n```)?").Draw(rt, "text")
		whole := streamed("Helo", []string{text}, command.ShapeDiff)
		letters := streamed("Helo", strings.Split(text, ""), command.ShapeDiff)
		if !strings.HasPrefix(whole, letters) && !strings.HasPrefix(letters, whole) {
			rt.Fatalf("%q shows %q at once and %q by letters", text, whole, letters)
		}
	})
}
