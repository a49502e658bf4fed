package edits

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const alphabet = "([a-c]{1,4}|the|, |\\. |\r\n|\n\n|你好|的。|é|é|👩‍👩‍👧|don't|\"|<b>| |  ){0,40}"

// TestEveryPlaceIsExact: what a table offers stands where it says, once in its
// sentence, and no edit changes a byte outside of its own.
func TestEveryPlaceIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(alphabet).Draw(rt, "text")
		table, ok := NewTable(text)
		if !ok {
			rt.Skip()
		}
		var placed []Edit
		for i, s := range table.sentences {
			for _, span := range s.order {
				if at := s.spans[span]; text[at:at+len(span)] != span || at < s.start {
					rt.Fatalf("%q is not at %d of %q", span, at, text)
				}
			}
			if len(s.order) == 0 {
				continue
			}
			span := rapid.SampledFrom(s.order).Draw(rt, "span")
			if e, why := table.Place(Answer{i + 1, span, rapid.StringMatching(`[a-c的 ]{0,6}`).Draw(rt, "new"), Grammar, "because"}, placed, "en"); why == Accepted {
				if text[e.Start:e.End] != e.Old || e.Old == e.New {
					rt.Fatalf("%+v of %q", e, text)
				}
				placed = append(placed, e)
			}
		}
		Sort(placed)
		at := 0
		for _, e := range placed {
			if e.Start < at {
				rt.Fatalf("%+v overlaps in %q", e, text)
			}
			at = e.End
		}
		if !json.Valid(table.Schema("en")) {
			rt.Fatal("the schema is no JSON")
		}
	})
}

func TestRepeatedWordsNeedContext(t *testing.T) {
	table, _ := NewTable("the cat saw the dog. the end")
	if _, why := table.Place(Answer{1, "the", "a", Word, "r"}, nil, "en"); why != Nowhere {
		t.Errorf("%q", why)
	}
	e, why := table.Place(Answer{1, "saw the", "saw a", Word, "r"}, nil, "en")
	if why != Accepted || e.Start != 12 || e.Old != "the" || e.New != "a" {
		t.Errorf("%+v %q", e, why)
	}
}

func TestRefusals(t *testing.T) {
	table, _ := NewTable("He go to school with two small bags every single day.")
	for _, c := range []struct {
		span, replacement string
		want              Refusal
	}{
		{"go", "goes", Accepted}, {"go", "go", Nothing}, {"go", " go ", Nothing}, {"gone", "goes", Nowhere},
		{"go", "goes\nhome", Spoils}, {"go", "go\xff", Spoils},
		{"with two small bags every single day", "we never talk about zebra milk", Far},
	} {
		if _, why := table.Place(Answer{1, c.span, c.replacement, Grammar, "r"}, nil, "en"); why != c.want {
			t.Errorf("%q → %q: %q, want %q", c.span, c.replacement, why, c.want)
		}
	}
}

func TestCertain(t *testing.T) {
	for _, c := range [][3]string{
		{"a  b", "a b", Spacing}, {"i", "I", Capitalization}, {"fresh ,", "fresh,", Spacing}, {"way", "way.", Punctuation},
		{"你好,", "你好，", Punctuation}, {"go", "goes", ""}, {"**a**", "a", ""},
	} {
		if got := Certain(c[0], c[1]); got != c[2] {
			t.Errorf("%q → %q: %q", c[0], c[1], got)
		}
	}
}

func TestALongTextGetsShorterSpans(t *testing.T) {
	table, ok := NewTable(strings.Repeat("Every word here counts somewhat more than others do, 1 by 2. ", 120))
	if !ok || table.reach == reaches[0] || len(table.Schema("en")) > 256<<10 {
		t.Errorf("%v %+v", ok, table != nil)
	}
	if _, ok := NewTable(strings.Repeat("word after other words. ", 20000)); ok {
		t.Error("a book was taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"edits":[{"sentence":1,"span":"a","replacement":"b","kind":"spelling","reason":"r"},{"sent`, "a b.\r\nc")
	f.Add(`{"edits":[{"sentence":-1,"span":"","replacement":"\u0000"}]}`, "\xff你")
	f.Fuzz(func(t *testing.T, raw, text string) {
		text = strings.ToValidUTF8(text, "\uFFFD")
		table, ok := NewTable(text)
		if !ok {
			return
		}
		var placed []Edit
		for _, a := range Parse(raw) {
			if e, why := table.Place(a, placed, "zh-Hans"); why == Accepted {
				placed = append(placed, e)
			}
		}
		Sort(placed)
		at, out := 0, ""
		for _, e := range placed {
			if e.Start < at || e.End > len(text) || text[e.Start:e.End] != e.Old {
				t.Fatalf("%+v of %q", e, text)
			}
			out += text[at:e.Start] + e.New
			at = e.End
		}
		if out += text[at:]; !utf8.ValidString(out) {
			t.Fatalf("%q", out)
		}
	})
}

func TestReasonsKeepToTheirScript(t *testing.T) {
	table, _ := NewTable("He go.")
	for _, c := range [][3]string{{"zh-Hans", "主谓一致", "主谓一致"}, {"zh-Hans", "verb agreement", ""}, {"en", "verb agreement", "verb agreement"}, {"en", "主谓一致", ""}, {"de", "Verb stimmt nicht", "Verb stimmt nicht"}, {"en", "a\nb", ""}} {
		e, why := table.Place(Answer{1, "go", "goes", Grammar, c[1]}, nil, c[0])
		if why != Accepted || e.Reason != c[2] {
			t.Errorf("%s: %q %q", c[0], e.Reason, why)
		}
	}
}
