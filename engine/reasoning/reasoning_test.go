package reasoning

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func split(s *Splitter, pieces ...string) (string, string) {
	var t, r strings.Builder
	for _, p := range pieces {
		a, b := s.Push(p)
		t.WriteString(a)
		r.WriteString(b)
	}
	a, b := s.Flush()
	return t.String() + a, r.String() + b
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, text      string
		opened          bool
		thinking, reply string
	}{
		{"plain", "Hello\n", false, "", "Hello\n"},
		{"leading space kept without a tag", "\n  code", false, "", "\n  code"},
		{"thinking", "<think>\nLet me see.\n\nYes.\n</think>\n\nHello", false, "Let me see.\n\nYes.", "Hello"},
		{"empty block", "<think>\n\n</think>\n\nHello", false, "", "Hello"},
		{"opened by the template", "Let me see\n</think>\n\nHello", true, "Let me see", "Hello"},
		{"never closed", "<think>\nand on and on\n", false, "and on and on", ""},
		{"half a closing tag at the end", "<think>x</thi", false, "x</thi", ""},
		{"tag inside the answer stays", "Use <think> and </think> tags", false, "", "Use <think> and </think> tags"},
		{"second closing tag belongs to the answer", "<think>a</think>b</think>c", false, "a", "b</think>c"},
		{"almost a tag", "<thing>", false, "", "<thing>"},
		{"only the start of a tag", "<thi", false, "", "<thi"},
		{"nothing", "", false, "", ""},
		{"indented answer", "<think>a</think>\n\n    code", false, "a", "    code"},
		{"space before the tag", " \n<think>\nä</think>ö", false, "ä", "ö"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pieces := range [][]string{{c.text}, strings.Split(c.text, "")} {
				thinking, reply := split(New(c.opened), pieces...)
				if thinking != c.thinking || reply != c.reply {
					t.Errorf("%d pieces: thinking %q, reply %q; want %q, %q", len(pieces), thinking, reply, c.thinking, c.reply)
				}
			}
		})
	}
}

func TestNothingWaitsLongerThanNeeded(t *testing.T) {
	s := New(false)
	for _, c := range [][3]string{
		{"<th", "", ""}, {"ink>\n", "", ""}, {"one", "one", ""}, {" </", " ", ""}, {"b> two\n", "</b> two", ""},
		{"</thi", "", ""}, {"nk>", "", ""}, {"\n", "", ""}, {"\nHi", "", "Hi"}, {" <think>", "", " <think>"},
	} {
		if a, b := s.Push(c[0]); a != c[1] || b != c[2] {
			t.Errorf("after %q: thinking %q, reply %q; want %q, %q", c[0], a, b, c[1], c[2])
		}
	}
}

func TestCutsDoNotMatter(t *testing.T) {
	alphabet := []string{"<think>", "</think>", "<", "/", "think", ">", "\n", "a", " ", "é"}
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, 12).Draw(rt, "parts")
		opened := rapid.Bool().Draw(rt, "opened")
		whole := strings.Join(parts, "")
		cut := rapid.IntRange(0, len(whole)).Draw(rt, "cut")
		t1, r1 := split(New(opened), whole)
		t2, r2 := split(New(opened), whole[:cut], whole[cut:])
		if t1 != t2 || r1 != r2 {
			rt.Fatalf("%q cut at %d: %q %q, whole %q %q", whole, cut, t2, r2, t1, r1)
		}
	})
}
