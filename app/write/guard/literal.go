package guard

import (
	"regexp"
	"strings"
)

// Literals are what no rewrite may touch, letter for letter. Earlier patterns
// win over later ones at the same place.
var literalPatterns = []struct {
	kind Kind
	re   *regexp.Regexp
}{
	{Code, regexp.MustCompile("(?s)```.*?(?:```|$)|~~~.*?(?:~~~|$)")},
	{Code, regexp.MustCompile("``[^`\n]+``|`[^`\n]+`")},
	{Link, regexp.MustCompile(`(?i)\b(?:https?|ftp|file|mailto|tel|ssh|git)://?[^\s<>"'“”()（）\[\]，。；、！？]+`)},
	{Link, regexp.MustCompile(`(?i)\bwww\.[a-z0-9-]+\.[^\s<>"'“”()（）\[\]，。；、！？]+`)},
	{Link, regexp.MustCompile(`(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+\b`)},
	{Link, regexp.MustCompile(`(?i)\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|dev|app|gov|edu|cn|de|eu|uk|fr|info)(?:/[^\s<>"'“”()（）\[\]，。；、！？]*)?\b`)},
	{Link, regexp.MustCompile(`(?:^|[\s("'“])((?:~|\.{1,2})?/(?:[\w.@-]+/)*[\w.@-]+/?)`)},
	{Link, regexp.MustCompile(`\b[A-Z]:\\[\w\\ .-]*[\w]`)},
	{Link, regexp.MustCompile(`(?i)\b[\w-]+\.(?:pdf|docx?|xlsx?|pptx?|csv|txt|md|zip|png|jpe?g|gif|svg|json|ya?ml|toml|go|py|js|ts|html?|css|sql|sh|log|mp[34]|wav|tar\.gz|gz|exe|dmg|deb)\b`)},
	{Placeholder, regexp.MustCompile(`\{\{[^{}\n]{1,60}\}\}|\$\{[^{}\n]{1,60}\}|%\([A-Za-z_]\w*\)[sdif]|\{[A-Za-z_0-9][\w .:-]{0,40}\}|\{\}`)},
	{Placeholder, regexp.MustCompile(`<[A-Za-z_][\w -]{0,40}>|</[A-Za-z]+>|<[A-Za-z]+/>`)},
	{Placeholder, regexp.MustCompile(`\[[A-Z][A-Z0-9_ ]{1,40}\]|\[(?:[Yy]our|[Ii]nsert|[Nn]ame|[Dd]ate|[Cc]ompany)[^\]\n]{0,40}\]|【[^】\n]{1,30}】`)},
	{Placeholder, regexp.MustCompile(`%(?:\d+\$)?[-+0#]*\d*(?:\.\d+)?[sdfxqvu@]\b|%[sd@]`)},
	{Code, regexp.MustCompile(`\b[A-Za-z_]\w*\([^()\n]{0,40}\)|\b[a-z]\w*(?:_\w+)+\b|\b[A-Z]+(?:_[A-Z0-9]+)+\b|\b[a-z]+[a-z0-9]*(?:[A-Z][a-z0-9]+)+\b`)},
	{Code, regexp.MustCompile(`(?:^|\s)(--?[a-zA-Z][\w-]*(?:=\S+)?)`)},
	{Code, regexp.MustCompile(`\$[A-Za-z_]\w+|(?:^|\s)([@#][A-Za-z_][\w-]+)`)},
	{Code, regexp.MustCompile(`\bv?\d+\.\d+\.\d+(?:[-+.][\w.]+)?\b`)}, // versions
}

// dotted is a date that looks like a version.
var dotted = regexp.MustCompile(`^(?:\d{1,2}\.\d{1,2}\.(?:\d{2}|\d{4})|\d{4}\.\d{1,2}\.\d{1,2})$`)

// findLiterals gives the literals in order, and the text with them blanked.
func findLiterals(s string) ([]fact, string) {
	masked := []byte(s)
	var found []fact
	for _, p := range literalPatterns {
		for _, m := range p.re.FindAllSubmatchIndex(masked, -1) {
			at := Span{m[0], m[1]}
			if len(m) > 2 && m[2] >= 0 {
				at = Span{m[2], m[3]}
			}
			if p.kind == Link {
				at.End = at.Start + len(strings.TrimRight(string(masked[at.Start:at.End]), ".,;:!?*_"))
			}
			token := s[at.Start:at.End]
			if strings.TrimSpace(string(masked[at.Start:at.End])) == "" || prose(token, p.kind) {
				continue
			}
			found = append(found, fact{kind: p.kind, keys: []string{literalKey(token, p.kind)}, text: token, at: at})
			for i := at.Start; i < at.End; i++ {
				if masked[i] != '\n' {
					masked[i] = ' '
				}
			}
		}
	}
	return found, string(masked)
}

// prose filters what only looks like code: "item(s)", 31.10.2025.
func prose(token string, kind Kind) bool {
	if kind == Code && dotted.MatchString(token) {
		return true
	}
	return kind == Code && (strings.HasSuffix(token, "(s)") || strings.HasSuffix(token, "(es)"))
}

// literalKey leaves out what may change around a literal: the ticks' number.
func literalKey(token string, kind Kind) string {
	switch kind {
	case Code:
		return strings.Trim(token, "`")
	case Link:
		return strings.TrimSuffix(token, "/")
	}
	return token
}

// literals compares them: placeholders and code by count, links as a set.
func literals(was, is *text, o Options) []Fault {
	var all []Fault
	for _, kind := range []Kind{Link, Code, Placeholder} {
		of := func(t *text) (out []fact) {
			for _, f := range t.literals {
				if f.kind == kind {
					out = append(out, f)
				}
			}
			return out
		}
		a, b := of(was), of(is)
		lost, fresh := surplus(a, b), surplus(b, a)
		if o.Reform {
			lost = nil
		}
		// Said once more or once less is a matter of style, except for
		// placeholders, which are filled in one by one.
		if kind != Placeholder {
			lost, fresh = absent(lost, b), absent(fresh, a)
		}
		// The literal may be there without its ticks, or newly in ticks.
		lost, fresh = outside(lost, is.raw), outside(fresh, was.raw)
		all = append(all, faults(lost, fresh)...)
	}
	return all
}

// surplus gives the facts of a that have no partner in b.
func surplus(a, b []fact) (left []fact) {
	count := map[string]int{}
	for _, f := range b {
		count[f.keys[0]]++
	}
	for _, f := range a {
		if count[f.keys[0]]--; count[f.keys[0]] < 0 {
			left = append(left, f)
		}
	}
	return left
}

func absent(facts, in []fact) (left []fact) {
	for _, f := range facts {
		found := false
		for _, g := range in {
			found = found || f.same(g)
		}
		if !found {
			left = append(left, f)
		}
	}
	return left
}

func outside(facts []fact, raw string) (left []fact) {
	for _, f := range facts {
		if f.kind == Placeholder || !wordIn(raw, f.keys[0]) {
			left = append(left, f)
		}
	}
	return left
}

// wordIn says whether a token stands in a text by itself.
func wordIn(text, token string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], token)
		if i < 0 {
			return false
		}
		i += from
		j := i + len(token)
		if (i == 0 || !wordByte(text[i-1])) && (j == len(text) || !wordByte(text[j])) {
			return true
		}
		from = i + 1
	}
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
