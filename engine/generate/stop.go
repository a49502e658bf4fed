package generate

import "strings"

// stopMatcher finds stop strings in text that arrives in pieces. What might be
// the start of one is held back until it is sure, so no part of a stop string is
// ever given out.
type stopMatcher struct {
	stops []string
	held  string // a suffix of the text so far that starts a stop string
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
		if i := strings.Index(s, stop); i >= 0 && (first < 0 || i < first) {
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
	return s[:len(s)-keep], false
}

// flush gives what was held back, at the end of the text.
func (m *stopMatcher) flush() string {
	s := m.held
	m.held = ""
	return s
}
