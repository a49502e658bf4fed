package suggest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Split cuts a text into the parts that Tab takes one by one: a word with the
// space before it and the punctuation behind it. Scripts without spaces are
// cut every two characters, which is what most of their words have.
func Split(text string) []string {
	var parts []string
	start, wide := 0, 0 // wide: characters without spaces in this part
	word := false       // the part holds more than space
	for i, r := range text {
		space := unicode.IsSpace(r)
		switch {
		case space && word:
			parts, start, word, wide = append(parts, text[start:i]), i, false, 0
		case space:
		case unspaced(r):
			if word && wide != 1 {
				parts, start, wide = append(parts, text[start:i]), i, 0
			}
			wide, word = wide+1, true
		case unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.IsMark(r):
			word = true
			if wide > 0 {
				wide = 2
			}
		default:
			if word && wide > 0 {
				parts, start, wide = append(parts, text[start:i]), i, 0
			}
			word = true
		}
	}
	if start < len(text) {
		if !word && len(parts) > 0 { // space at the end belongs to the last word
			parts[len(parts)-1] += text[start:]
		} else {
			parts = append(parts, text[start:])
		}
	}
	return parts
}

// unspaced reports whether a character is of a script that puts no spaces
// between words.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// Enough of a context to go by: words, or characters of a script without spaces.
const (
	enoughWords = 3
	enoughWide  = 6
)

// enough reports whether the last paragraphs hold enough text to continue.
func enough(before string) bool {
	if len(before) > 1000 {
		before = before[len(before)-1000:]
	}
	words, wide := 0, 0
	for _, f := range strings.Fields(before) {
		letters := false
		for _, r := range f {
			if unspaced(r) {
				wide++
			}
			letters = letters || unicode.IsLetter(r) || unicode.IsDigit(r)
		}
		if letters {
			words++
		}
	}
	return words >= enoughWords || wide >= enoughWide
}

// midWord reports whether the caret is inside a word.
func midWord(after string) bool {
	r, _ := utf8.DecodeRuneInString(after)
	return after != "" && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_' || r == '\'' || r == '’')
}

// midLine reports whether text follows the caret in its line. Closing
// punctuation, which editors insert by themselves, does not count.
func midLine(after string) bool {
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, " \t\r\u00a0\u200b)]}»”’\"'.,;:!?…。，！？；：）】》」』") != ""
}
