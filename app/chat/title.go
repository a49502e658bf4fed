package chat

import (
	"strings"
	"unicode"
)

// autoTitle is the longest title made from a message, in characters.
const autoTitle = 60

// titleOf shortens the first message to a title, at a word's end where the
// script has words.
func titleOf(messages []Message) string {
	for _, m := range messages {
		if m.Role == User {
			return shorten(m.Content)
		}
	}
	return ""
}

func shorten(text string) string {
	if len(text) > 64*autoTitle {
		text = strings.ToValidUTF8(text[:64*autoTitle], "")
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	runes := []rune(text)
	if len(runes) <= autoTitle {
		return text
	}
	cut := autoTitle - 1
	for i := cut; i > autoTitle/2; i-- {
		if runes[i] == ' ' {
			cut = i
			break
		}
	}
	return strings.TrimRight(string(runes[:cut]), " ,.;:") + "…"
}
