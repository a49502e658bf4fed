package live

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"qwill/app/suggest"
)

// repeated is how many characters of a continuation may stand in the text
// already before it counts as a repetition, and near how many bytes it is.
const (
	repeated = 12
	near     = 600
)

// Prompt is what the model reads of a text: without the space before the
// caret, which belongs to the word that follows.
func Prompt(before string) string { return strings.TrimRight(before, " \t\u00a0") }

// Clean makes what a model wrote after Prompt(before) fit to be appended to
// before. end says that nothing after it is wanted, why why nothing is left.
func Clean(before, wrote string) (text string, end bool, why suggest.Reason) {
	wrote = strings.ReplaceAll(wrote, "\u00a0", " ")
	if line, _, more := strings.Cut(wrote, "\n"); more {
		wrote, end = line, true
	}
	if at := sentence(wrote); at > 0 {
		wrote, end = wrote[:at], true
	}
	if prompt := Prompt(before); prompt != before {
		rest := strings.TrimLeft(wrote, " ")
		if rest == wrote && joined(prompt, wrote) {
			return "", true, suggest.Nothing // it goes on with the word that is ended
		}
		wrote = rest
	}
	wrote = strings.TrimRight(wrote, " ")
	if !strings.ContainsFunc(wrote, func(r rune) bool { return !unicode.IsSpace(r) }) {
		return "", end, suggest.Nothing
	}
	if strings.ContainsRune(wrote, utf8.RuneError) {
		return "", true, suggest.Nothing
	}
	if has(wrote, unicode.Han) && !has(before, unicode.Han) {
		return "", true, suggest.Foreign
	}
	if repeats(before, wrote) {
		return "", end, suggest.Repeats
	}
	return wrote, end, ""
}

// joined reports whether a text would go on with the last word of another.
func joined(before, after string) bool {
	a, _ := utf8.DecodeLastRuneInString(before)
	b, _ := utf8.DecodeRuneInString(after)
	return (unicode.IsLetter(a) || unicode.IsDigit(a)) && (unicode.IsLetter(b) || unicode.IsDigit(b)) &&
		!unicode.Is(unicode.Han, a) && !unicode.Is(unicode.Han, b)
}

func has(s string, script *unicode.RangeTable) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(script, r) })
}

// sentence gives the end of the first sentence, 0 if it does not end.
func sentence(s string) int {
	for i, r := range s {
		end := i + utf8.RuneLen(r)
		switch r {
		case '。', '！', '？':
			return end
		case '.', '!', '?':
			if strings.HasPrefix(s[end:], " ") {
				return end
			}
		}
	}
	return 0
}

// repeats reports whether a continuation says what stands just before it.
func repeats(before, text string) bool {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) < repeated {
		return false
	}
	if len(before) > near {
		before = before[len(before)-near:]
	}
	return strings.Contains(before, text)
}

// wholeWords leaves out the last word, which a limit may have cut.
func wholeWords(text string) string {
	if r, _ := utf8.DecodeLastRuneInString(text); unicode.IsPunct(r) {
		return text
	}
	if parts := suggest.Split(text); len(parts) > 1 {
		return strings.Join(parts[:len(parts)-1], "")
	}
	return text
}
