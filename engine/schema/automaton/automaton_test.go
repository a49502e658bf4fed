package automaton

import (
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func compile(t testing.TB, pattern string, whole bool, enc Encoding) *DFA {
	t.Helper()
	e, err := Parse(pattern, whole)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	d, err := Compile(e, enc, Default)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return d
}

var patterns = []string{
	`a`, `^a`, `a$`, `^a$|^b$`, `^(a|b)+$`, `^$`, ``, `^`, `a|b$`, `^(?:x|yy){2,3}$`, `[^"\\]`, `^[α-ωé-ü]{1,3}$`, `^.{2}$`,
	`^\d{2}-\w+$`, `(?i)^straße$`, `^\p{Lu}`, `^[\x{1F600}-\x{1F64F}]$`, `^a*b?c+$`, `^(a|)b$`, `^"\\\n$`, `\u0041$`,
}

// The automaton and Go's own regexp agree on any text.
func TestMatchesAsRegexp(t *testing.T) {
	for _, p := range patterns {
		re := regexp.MustCompile(goSyntax(p))
		plain, quoted := compile(t, p, false, UTF8), compile(t, p, false, JSON)
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.OneOf(
				rapid.StringOfN(rapid.RuneFrom([]rune("abcxyé\"\\\n😀αA0-ßS")), 0, 6, -1),
				rapid.StringMatching(goSyntax(p)),
			).Draw(t, "text")
			if !utf8.ValidString(text) {
				return
			}
			want := re.MatchString(text)
			if got := plain.Match(text); got != want {
				t.Fatalf("%s on %q: %v, want %v", p, text, got, want)
			}
			if got := quoted.Match(encode(text)); got != want {
				t.Fatalf("%s on %s: %v, want %v", p, encode(text), got, want)
			}
		})
	}
}

// encode is the inside of the shortest JSON string of text.
func encode(text string) string {
	out := ""
	for _, r := range text {
		if r < 0x20 || r == '"' || r == '\\' {
			out += escape(r)
		} else {
			out += string(r)
		}
	}
	return out
}

func TestEncodeIsJSON(t *testing.T) {
	for r := rune(0); r < 0x80; r++ {
		var back string
		if err := json.Unmarshal([]byte(`"`+encode(string(r))+`"`), &back); err != nil || back != string(r) {
			t.Errorf("%U: %q, %v", r, back, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, p := range []string{`a(?=b)`, `(a)\1`, `\bword`, `a^b`, `a$b`, `(`, `(?m)^a$`, `a{2,1}`, `(?<!x)y`} {
		if e, err := Parse(p, false); err == nil {
			t.Errorf("%s is taken as %v", p, e)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, p := range []string{`(a{1000}){1000}`, `(a|b)*a(a|b){40}`, `\p{L}{1000}`, `((((a{0,99}){0,99}){0,99}){0,99}){0,9}`} {
		e, err := Parse(p, true)
		if err != nil {
			continue // refused even before
		}
		if _, err := Compile(e, UTF8, Default); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if _, err := Compile(Either(), UTF8, Default); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
}

func TestProducts(t *testing.T) {
	word, short := compile(t, `^[a-z]+$`, true, UTF8), compile(t, `^.{2,3}$`, true, UTF8)
	both, err := Both(word, short, Default)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := Without(word, short, Default)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"", "a", "ab", "abc", "abcd", "a1", "éa"} {
		if got, want := both.Match(s), word.Match(s) && short.Match(s); got != want {
			t.Errorf("both on %q: %v", s, got)
		}
		if got, want := rest.Match(s), word.Match(s) && !short.Match(s); got != want {
			t.Errorf("without on %q: %v", s, got)
		}
	}
	if _, err := Without(word, word, Default); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
}

// From every state the bytes that Via names lead to the end within Far.
func TestVia(t *testing.T) {
	for _, p := range patterns {
		d := compile(t, p, false, JSON)
		for s := range uint64(d.States()) {
			n := 0
			for at := s; !d.Accepts(at); n++ {
				next, ok := d.Next(at, d.Via(at))
				if !ok || n > d.Far() {
					t.Fatalf("%s: state %d does not end", p, s)
				}
				at = next
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range patterns {
		f.Add(p, "a")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		e, err := Parse(pattern, false)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		d, err := Compile(e, UTF8, Limits{States: 500, Nodes: 5000, Work: 1 << 20})
		if err != nil {
			return
		}
		re, err := regexp.Compile(goSyntax(pattern))
		if err == nil && re.MatchString(text) != d.Match(text) {
			t.Errorf("%q on %q: %v", pattern, text, d.Match(text))
		}
	})
}
