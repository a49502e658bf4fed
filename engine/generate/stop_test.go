package generate

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStop(t *testing.T) {
	for _, c := range []struct {
		stops  []string
		pieces []string
		want   string
		stop   bool
	}{
		{nil, []string{"a", "b"}, "ab", false},
		{[]string{"END"}, []string{"text E", "N", "D more"}, "text ", true},
		{[]string{"END"}, []string{"text EN", "X"}, "text ENX", false},
		{[]string{"END"}, []string{"text EN"}, "text EN", false},
		{[]string{"aab"}, []string{"a", "a", "a", "b"}, "a", true},
		{[]string{"\n\n", "###"}, []string{"one\n", "two\n", "\nthree"}, "one\ntwo", true},
		{[]string{"abcd", "bc"}, []string{"ab", "cd"}, "", true},
		{[]string{"。"}, []string{"你好", "。再见"}, "你好", true},
	} {
		m := stopMatcher{stops: c.stops}
		var got strings.Builder
		stopped := false
		for _, p := range c.pieces {
			var out string
			if out, stopped = m.push(p); out != "" {
				got.WriteString(out)
			}
			if stopped {
				break
			}
		}
		if !stopped {
			got.WriteString(m.flush())
		}
		if got.String() != c.want || stopped != c.stop {
			t.Errorf("%q in %q: %q %v, want %q %v", c.stops, c.pieces, got.String(), stopped, c.want, c.stop)
		}
	}
}

// However the text is cut, the output is what comes before the stop string, and
// no part of the string is shown before.
func TestStopAnyCut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 0, 30, -1).Draw(rt, "text")
		stop := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 1, 4, -1).Draw(rt, "stop")
		want, stops := text, false
		if i := strings.Index(text, stop); i >= 0 {
			want, stops = text[:i], true
		}
		m := stopMatcher{stops: []string{stop}}
		got, stopped := "", false
		for rest := text; rest != "" && !stopped; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "n")
			var out string
			out, stopped = m.push(rest[:n])
			got += out
			rest = rest[n:]
		}
		if !stopped {
			got += m.flush()
		}
		if got != want || stopped != stops {
			rt.Fatalf("%q stopped by %q: %q %v, want %q %v", text, stop, got, stopped, want, stops)
		}
	})
}

// With a form a stop string counts only behind a whole answer.
func TestStopOnlyWhereComplete(t *testing.T) {
	m := stopMatcher{stops: []string{"}", "x"}, complete: func(s string) bool { return s == `{"a":"}x"}` }}
	out := ""
	for _, piece := range []string{`{"a":"}`, `x"`, "}", "x and more"} {
		text, stopped := m.push(piece)
		out += text
		if stopped {
			if out != `{"a":"}x"}` {
				t.Errorf("stopped after %q", out)
			}
			return
		}
	}
	t.Errorf("not stopped: %q", out)
}
