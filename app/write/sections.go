package write

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sections cuts a text into parts of at most limit bytes whose joined text is
// the text again. It cuts where the text itself pauses: between paragraphs,
// else lines, else sentences, else words, and never inside a fenced code block
// that fits.
func sections(text string, limit int) []string {
	if len(text) <= limit {
		return []string{text}
	}
	var out []string
	var now strings.Builder
	for _, p := range pieces(text, limit, 0) {
		if now.Len() > 0 && now.Len()+len(p) > limit {
			out = append(out, now.String())
			now.Reset()
		}
		now.WriteString(p)
	}
	if now.Len() > 0 {
		out = append(out, now.String())
	}
	return joinBlank(out)
}

// cutters split a text at ever smaller pauses; each keeps every byte.
var cutters = []func(string) []string{byParagraph, byLine, bySentence, byWord, byRune}

func pieces(text string, limit, level int) []string {
	if len(text) <= limit || level == len(cutters) {
		return []string{text}
	}
	var out []string
	for _, p := range cutters[level](text) {
		if len(p) > limit {
			out = append(out, pieces(p, limit, level+1)...)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// byParagraph cuts behind blank lines outside fenced code.
func byParagraph(s string) []string {
	var out []string
	start, fenced := 0, false
	blank := false
	for at := 0; at < len(s); {
		end := len(s)
		if i := strings.IndexByte(s[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := strings.TrimSpace(s[at:end])
		if blank && line != "" && !fenced && at > start {
			out = append(out, s[start:at])
			start = at
		}
		if strings.HasPrefix(line, "```") || strings.HasPrefix(line, "~~~") {
			fenced = !fenced
		}
		blank = line == ""
		at = end
	}
	return append(out, s[start:])
}

func byLine(s string) []string { return strings.SplitAfter(s, "\n") }

// bySentence cuts behind the punctuation that ends sentences and the space
// that follows it.
func bySentence(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		wide := strings.ContainsRune("。！？；", r)
		if !wide && !strings.ContainsRune(".!?;", r) {
			continue
		}
		j := i
		for j < len(s) {
			q, m := utf8.DecodeRuneInString(s[j:])
			if !unicode.IsSpace(q) && !strings.ContainsRune(`"'”’)）」』`, q) {
				break
			}
			j += m
		}
		if wide || j > i {
			out = append(out, s[start:j])
			start = j
		}
		i = j
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

func byWord(s string) []string { return strings.SplitAfter(s, " ") }

func byRune(s string) []string { return strings.SplitAfter(s, "") }

// joinBlank joins parts that hold no text to the part before them, or to the
// next one at the start.
func joinBlank(parts []string) []string {
	var out []string
	lead := ""
	for _, p := range parts {
		switch {
		case strings.TrimSpace(p) != "":
			out = append(out, lead+p)
			lead = ""
		case len(out) > 0:
			out[len(out)-1] += p
		default:
			lead += p
		}
	}
	if lead != "" {
		out = append(out, lead)
	}
	return out
}
