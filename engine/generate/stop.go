package generate

import "strings"

// stopMatcher finds stop strings in text that arrives in pieces. What might be
// the start of one is held back until it is sure, so no part of a stop string is
// ever given out.
type stopMatcher struct {
	stops []string
	held  string // a suffix of the text so far that starts a stop string
	// complete, if not nil, says whether the text before a stop string may stand
	// alone; elsewhere the string is text as any other.
	complete func(text string) bool
	given    strings.Builder // the text before held, when complete is set
}

// push takes the next piece and gives the text that is safe to show. Once
// stopped is true the rest of the text is void.
func (m *stopMatcher) push(text string) (out string, stopped bool) {
	if len(m.stops) == 0 {
		return text, false
	}
	s := m.held + text
	first := -1
	for _, stop := range m.stops {
		if i := m.index(s, stop, first); i >= 0 {
			first = i
		}
	}
	if first >= 0 {
		m.held = ""
		return s[:first], true
	}
	keep := 0
	for _, stop := range m.stops {
		for n := min(len(stop)-1, len(s)); n > keep; n-- {
			if strings.HasSuffix(s, stop[:n]) {
				keep = n
				break
			}
		}
	}
	m.held = s[len(s)-keep:]
	if m.complete != nil {
		m.given.WriteString(s[:len(s)-keep])
	}
	return s[:len(s)-keep], false
}

// index is the first place of stop in s that counts and comes before another
// one, if that is not negative; -1 for none.
func (m *stopMatcher) index(s, stop string, before int) int {
	for at := 0; ; at++ {
		i := strings.Index(s[at:], stop)
		if i < 0 || before >= 0 && at+i >= before {
			return -1
		}
		if at += i; m.complete == nil || m.complete(m.given.String()+s[:at]) {
			return at
		}
	}
}

// flush gives what was held back, at the end of the text.
func (m *stopMatcher) flush() string {
	s := m.held
	m.held = ""
	return s
}
