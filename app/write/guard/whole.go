package guard

import (
	"regexp"
	"strings"
	"unicode"
)

// whole looks at what no single fact shows: remarks of the model, an answer in
// place of the text, sentences that are gone or new, white space at the ends.
func whole(was, is *text, o Options) []Fault {
	var all []Fault
	if f, ok := preamble(was, is); ok {
		all = append(all, f)
	}
	if o.Reform || o.Translate {
		return all
	}
	if answered(was, is) {
		all = append(all, Fault{Kind: Answer, Old: clip(was.raw), New: clip(is.raw), In: trimmed(was.raw), Out: trimmed(is.raw)})
	} else {
		all = append(all, sentences(was, is, o)...)
	}
	return append(all, ending(was.raw, is.raw)...)
}

var (
	talk = regexp.MustCompile(`(?i)^\W{0,3}(?:(?:sure|certainly|of course|absolutely|okay|ok|got it|no problem)\b[^.\n]{0,20}[!,.:]|` +
		`here(?:'s|’s| is| are) (?:the|your|a|an|my|is)\b[^.\n]{0,60}(?:version|text|rewrit\w*|revis\w*|correct\w*|translation|paragraph|email|message|improved|edited|proofread)|` +
		`(?:the )?(?:rewritten|revised|corrected|improved|edited|proofread|polished|translated)(?: (?:text|version|paragraph|sentence|email|message))?\s*(?::|is\b)|` +
		`i(?:'ve|’ve| have)? (?:rewritten|revised|corrected|proofread|improved|edited|made (?:the|some|a few) (?:changes|corrections|edits))|` +
		`as an ai\b|i(?:'m|’m| am) (?:sorry|unable|just an ai|an ai)\b[^.\n]{0,80}|i can(?:not|'t|’t) (?:help|assist|fulfil|comply|rewrite)|` +
		`(?:hier ist|voici|aquí está)\b[^.\n]{0,60}:)|` +
		`^(?:好的|当然|没问题)[，,。!！]|^(?:以下是|下面是|这是)[^\n]{0,20}(?:版本|文本|内容|改写|修改|润色|翻译)|^(?:修改后|改写后|润色后|校对后)[^\n]{0,10}[：:]|^作为(?:一个)?(?:AI|人工智能|语言模型)`)
	closing = regexp.MustCompile(`(?i)(?:^|\n)\W{0,3}(?:(?:let me know|feel free to (?:ask|let)|i hope this helps|is there anything else|would you like me to|please let me know if you(?:'d| would) like)[^\n]*|` +
		`(?:note|explanation|changes made|corrections|key changes)\s*:[^\n]*|如果您(?:还)?(?:需要|有)[^\n]*|(?:说明|注|修改说明)[：:][^\n]*)\s*$`)
)

// preamble finds remarks about the work at the start or the end of the result.
func preamble(was, is *text) (Fault, bool) {
	if m := talk.FindStringIndex(strings.TrimSpace(is.raw)); m != nil && talk.FindStringIndex(strings.TrimSpace(was.raw)) == nil {
		lead := len(is.raw) - len(strings.TrimLeftFunc(is.raw, unicode.IsSpace))
		at := Span{lead + m[0], lead + m[1]}
		// "Of course, we can…" may be the user's own words said in another way
		// only when the original agreed to something.
		return Fault{Kind: Preamble, New: is.raw[at.Start:at.End], Out: at}, true
	}
	if m := closing.FindStringIndex(is.raw); m != nil && closing.FindStringIndex(was.raw) == nil {
		line := is.raw[m[0]:m[1]]
		if share(contents(line), contents(was.raw)) < 0.5 {
			return Fault{Kind: Preamble, New: strings.TrimSpace(line), Out: Span{m[0], m[1]}}, true
		}
	}
	return Fault{}, false
}

// contents gives the stems of the words that carry the meaning; of scripts
// without spaces, the pairs of neighbouring characters.
func contents(s string) map[string]bool {
	m := map[string]bool{}
	var last rune
	all := words(s)
	for i, w := range all {
		r := []rune(w)
		if han(r[0]) {
			if i > 0 && last != 0 {
				m[string(last)+w] = true
			}
			last = r[0]
			continue
		}
		last = 0
		if len(r) < 3 || functional[w] {
			continue
		}
		m[stem(w)] = true
	}
	return m
}

// stem cuts a word's ending roughly, so that forms of a word are the same.
func stem(w string) string {
	r := []rune(strings.TrimSuffix(w, "'s"))
	if len(r) > 5 {
		r = r[:5]
	}
	return string(r)
}

// functional words are in every text.
var functional = set("the", "and", "for", "that", "this", "with", "you", "your", "are", "was", "were", "will", "would", "have", "has", "had", "not", "but", "from", "they", "them", "their", "there", "here", "she", "her", "his", "him", "our", "its", "can", "could", "should", "may", "might", "must", "shall", "been", "being", "does", "did", "all", "any", "some", "more", "most", "very", "just", "also", "than", "then", "when", "what", "which", "who", "how", "why", "where", "into", "over", "about", "after", "before", "out", "off", "too", "only", "own", "same", "such", "each", "few", "other", "please", "thank", "thanks", "dear", "hello", "regards",
	"der", "die", "das", "und", "ist", "nicht", "ein", "eine", "mit", "von", "für", "auf", "dem", "den", "les", "des", "une", "est", "que", "qui", "pour", "dans", "avec", "los", "las", "una", "por", "con", "para")

// share is the part of a that is in b, from 0 to 1.
func share(a, b map[string]bool) float64 {
	if len(a) == 0 {
		return 1
	}
	n := 0
	for w := range a {
		if b[w] {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

var (
	asks     = regexp.MustCompile(`(?i)^\W*(?:(?:and|but|so|also|hi|hello|hey|by the way)\b[^?]{0,20}[,]?\s*)?(?:what|who|whom|whose|when|where|why|how|which|do|does|did|is|are|was|were|has|have|can|could|will|would|should|may)\b`)
	stillAsk = regexp.MustCompile(`(?i)\b(?:let me know|whether|wonder\w*|tell me|please|ask\w*|could|would like|would love|if you|if we|if i|confirm|question|know|curious|want|need|inform|advise|share|find out|clarify|explain)\b|请|是否|告诉|确认|想知道|请问|能否|问`)
	chinese1 = regexp.MustCompile(`吗|什么|谁|哪|怎么|为什么|几|多少|如何|呢|是否|是不是`)
)

// answered says whether the result is no form of the text: it shares hardly a
// word with it, or a question became a statement.
func answered(was, is *text) bool {
	a, b := contents(was.raw), contents(is.raw)
	if len(a) >= 5 && share(a, b) < 0.12 && share(b, a) < 0.5 {
		return true
	}
	asked, open := 0, 0
	for _, s := range was.sentences {
		if s.question && (asks.MatchString(was.masked[s.at.Start:s.at.End]) || chinese1.MatchString(was.masked[s.at.Start:s.at.End])) {
			asked++
		}
	}
	for _, s := range is.sentences {
		if s.question {
			open++
		}
	}
	return asked > 0 && open == 0 && !stillAsk.MatchString(is.masked) && !chinese1.MatchString(is.masked)
}

// sentences compares them by their words: one of the original of which nothing
// is left was dropped; one of the result of which nothing was there, in a text
// that grew, is invented.
func sentences(was, is *text, o Options) []Fault {
	var all []Fault
	a, b := contents(was.masked), contents(is.masked)
	n, m := len(words(was.raw)), len(words(is.raw))
	least := 0.4
	if o.Shorten {
		least = 0.2
	}
	if n >= 12 && float64(m) < least*float64(n) {
		return []Fault{{Kind: Dropped, Old: clip(was.raw), In: trimmed(was.raw)}}
	}
	for _, s := range was.sentences {
		own := contents(was.masked[s.at.Start:s.at.End])
		kept := share(own, b)
		if len(own) >= 3 && kept == 0 || len(own) >= 6 && kept < 0.12 {
			if o.Shorten && kept > 0 {
				continue
			}
			all = append(all, Fault{Kind: Dropped, Old: clip(strings.TrimSpace(was.raw[s.at.Start:s.at.End])), In: s.at})
		}
	}
	grew := m > n+n/5+3
	for _, s := range is.sentences {
		own := contents(is.masked[s.at.Start:s.at.End])
		known := share(own, a)
		if grew && len(own) >= 4 && known < 0.2 || len(own) >= 6 && known < 0.1 {
			all = append(all, Fault{Kind: Invented, New: clip(strings.TrimSpace(is.raw[s.at.Start:s.at.End])), Out: s.at})
		}
	}
	if grew {
		if len(all) == 0 && m > 2*n+12 {
			all = append(all, Fault{Kind: Invented, New: clip(is.raw), Out: trimmed(is.raw)})
		}
	}
	return all
}

func ending(was, is string) []Fault {
	lead := func(s string) string { return s[:len(s)-len(strings.TrimLeftFunc(s, unicode.IsSpace))] }
	trail := func(s string) string { return s[len(strings.TrimRightFunc(s, unicode.IsSpace)):] }
	if lead(was) != lead(is) || trail(was) != trail(is) {
		return []Fault{{Kind: Ending, Old: trail(was), New: trail(is), In: Span{len(was), len(was)}, Out: Span{len(is), len(is)}}}
	}
	return nil
}

func trimmed(s string) Span {
	start := len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace))
	return Span{start, max(start, len(strings.TrimRightFunc(s, unicode.IsSpace)))}
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
