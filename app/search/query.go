package search

import (
	"strings"
	"unicode/utf8"
)

// QueryLimit is the longest query in bytes.
const QueryLimit = 1000

// Query is what a user looks for: every phrase must occur. The tokens of a
// phrase stand side by side; the last word may go on.
type Query struct {
	phrases [][]string
	prefix  bool // the last token of the last phrase is the start of a word
}

// Parse reads a user's text. Parts between spaces are phrases of their own,
// and so is what stands between quotation marks; nothing in it is a command.
func Parse(text string) Query {
	if len(text) > QueryLimit {
		text = strings.ToValidUTF8(text[:QueryLimit], "")
	}
	var q Query
	quoted, start := false, 0
	flush := func(end int) {
		if quoted {
			q.add(text[start:end])
			return
		}
		for _, piece := range strings.Fields(text[start:end]) {
			q.add(piece)
		}
	}
	for i, r := range text {
		if r == '"' || r == '“' || r == '”' {
			flush(i)
			quoted, start = !quoted, i+utf8.RuneLen(r)
		}
	}
	flush(len(text))
	// A space or quotation mark behind the last word says that it is whole.
	last, _ := utf8.DecodeLastRuneInString(text)
	q.prefix = q.prefix && kindOf(last) != gap
	return q
}

func (q *Query) add(piece string) {
	var phrase []string
	for at := 0; ; {
		t, ok := next(piece, at)
		if !ok {
			break
		}
		phrase = append(phrase, t.text)
		q.prefix = t.word
		at = t.end
	}
	if phrase != nil {
		q.phrases = append(q.phrases, phrase)
	}
}

// Empty says that there is nothing to look for.
func (q Query) Empty() bool { return len(q.phrases) == 0 }

// FTS gives the query in the syntax of SQLite's FTS5. Tokens hold letters,
// digits and symbols only, so nothing of the user's is syntax.
func (q Query) FTS() string {
	var b strings.Builder
	for i, p := range q.phrases {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(`"` + strings.Join(p, " ") + `"`)
	}
	if q.prefix {
		b.WriteString(" *")
	}
	return b.String()
}
