package write

import (
	"regexp"
	"strings"
	"unicode"

	"qwill/app/command"
)

// clean takes off what models put around a result, where it is certain that
// it does not belong to it: repeated delimiters, an introduction, a code fence
// or quotation marks that the original has not. White space at both ends and
// the line ends follow the original when the result is the text again.
func clean(original, output string, p command.Prompt, shape string) string {
	out := strings.TrimSpace(output)
	out = cutTags(out, p)
	out = cutIntroduction(original, out)
	out = cutTags(out, p)
	out = cutFence(original, out)
	out = cutQuotes(original, out)
	if shape != command.ShapeDiff || out == "" {
		return out
	}
	out = cutRemark(original, out)
	if strings.Contains(original, "\r\n") && !strings.Contains(strings.ReplaceAll(original, "\r\n", ""), "\n") {
		out = strings.ReplaceAll(strings.ReplaceAll(out, "\r\n", "\n"), "\n", "\r\n")
	}
	trimmed := strings.TrimLeftFunc(original, unicode.IsSpace)
	lead := original[:len(original)-len(trimmed)]
	trail := trimmed[len(strings.TrimRightFunc(trimmed, unicode.IsSpace)):]
	return lead + out + trail
}

// cutTags takes the result out of the delimiters, which the original cannot
// hold: what stands between them, else what stands before them.
func cutTags(out string, p command.Prompt) string {
	if p.Open == "" {
		return out
	}
	before, inside, opened := strings.Cut(out, p.Open)
	if opened {
		inside, _, _ = strings.Cut(inside, p.Close)
		inside, _, _ = strings.Cut(inside, p.Open) // and again, and again
		if inside = strings.TrimSpace(inside); inside != "" {
			return inside
		}
		return strings.TrimSpace(before)
	}
	before, after, closed := strings.Cut(out, p.Close)
	if before = strings.TrimSpace(before); closed && before == "" {
		return strings.TrimSpace(strings.ReplaceAll(after, p.Close, ""))
	}
	return before
}

// introduction is a first line that announces the result and ends in a colon.
var introduction = regexp.MustCompile(`(?i)^(?:(?:sure|certainly|of course|okay|absolutely)[,.!]?\s+)?` +
	`(?:here(?:'s|’s| is| are)|this is|below is) (?:the|your|a|an|my)\b[^\n]{0,70}:[ \t]*\r?\n|` +
	`^(?:好的|当然)?[，,。!！]?\s*(?:以下是|下面是|这是)[^\n]{0,30}[：:][ \t]*\r?\n`)

func cutIntroduction(original, out string) string {
	loc := introduction.FindStringIndex(out)
	if loc == nil || introduction.MatchString(strings.TrimSpace(original)+"\n") {
		return out
	}
	line := strings.TrimSpace(out[:loc[1]])
	rest := strings.TrimSpace(out[loc[1]:])
	if rest == "" || strings.Contains(original, line) {
		return out
	}
	return rest
}

// remark is a last paragraph in which a model speaks about its work.
var remark = regexp.MustCompile(`(?i)^\(?(?:(?:note|explanation|changes(?: made)?|corrections?(?: made)?):|` +
	`I(?:'ve|’ve| have)? (?:made|changed|corrected|added|replaced|fixed|rewrote|rephrased|hope this)\b)`)

var paragraphs = regexp.MustCompile(`\r?\n[ \t]*\r?\n\s*`)

// cutRemark drops a closing remark where the result has a paragraph more than
// the original, which has no such paragraph itself.
func cutRemark(original, out string) string {
	before := paragraphs.Split(strings.TrimSpace(original), -1)
	for _, p := range before {
		if remark.MatchString(p) {
			return out
		}
	}
	ends := paragraphs.FindAllStringIndex(out, -1)
	if len(ends)+1 <= len(before) {
		return out
	}
	last := ends[len(ends)-1]
	if !remark.MatchString(out[last[1]:]) {
		return out
	}
	return out[:last[0]]
}

// fence is a text wholly inside one code fence.
var fence = regexp.MustCompile("(?s)^```[a-zA-Z0-9_+-]*[ \t]*\r?\n(.*?)\r?\n?```$")

func cutFence(original, out string) string {
	m := fence.FindStringSubmatch(out)
	if m == nil || strings.Contains(original, "```") || strings.Contains(m[1], "```") || strings.TrimSpace(m[1]) == "" {
		return out
	}
	return strings.Trim(m[1], "\r\n")
}

var quotes = [][2]string{{`"`, `"`}, {"“", "”"}, {"„", "“"}, {"«", "»"}, {"「", "」"}, {"『", "』"}}

func cutQuotes(original, out string) string {
	for _, q := range quotes {
		inner, ok := strings.CutPrefix(out, q[0])
		if !ok {
			continue
		}
		inner, ok = strings.CutSuffix(inner, q[1])
		if !ok || strings.TrimSpace(inner) == "" || strings.Contains(inner, q[0]) || strings.Contains(inner, q[1]) {
			continue
		}
		text := strings.TrimSpace(original)
		for _, o := range quotes {
			if strings.HasPrefix(text, o[0]) || strings.HasSuffix(text, o[1]) {
				return out
			}
		}
		return strings.TrimSpace(inner)
	}
	return out
}
