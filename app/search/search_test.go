package search

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"Hello, World!":        "hello world",
		"Café CAFÉ cafe\u0301": "cafe cafe cafe",
		"海港很安静。Harbour很":       "海 港 很 安 静 harbour 很",
		"ＦＵＬＬ　width":           "full width",
		"don't foo_bar-2x":     "don t foo bar 2x",
		"ばか":                   "は か",
		"😀 ok":                 "😀 ok",
		"Straße ИВАН":          "strase иван",
		"":                     "",
		" \n\t…":               "",
	} {
		if got := Tokens(text); got != want {
			t.Errorf("%q gave %q, want %q", text, got, want)
		}
	}
	if n := len(strings.Fields(Tokens("한국어 ไทย"))); n != 6 {
		t.Errorf("Korean and Thai gave %d tokens", n)
	}
}

func TestQueryMatches(t *testing.T) {
	const text = "The harbour was silent.\nNobody came to 海港的夜晚 for 40 days; NEAR and \"quotes\" * stay."
	for query, want := range map[string]bool{
		"harb":               true, // the last word may go on
		"harb ":              false,
		"harb silent":        false, // only the last
		"silent harb":        true,
		"海港":                 true,
		"夜晚":                 true,
		"港夜":                 false, // not side by side
		"海 晚":                true,
		"HARBOUR was":        true,
		`"harbour was"`:      true,
		`"was harbour"`:      false,
		"was harbour":        true,
		"near":               true,
		"harbour NOT silent": false,
		"harbour OR xyz":     false,
		`"*`:                 false,
		"":                   false,
		"days; near":         true,
		"40":                 true,
		"our":                false,
	} {
		q := Parse(query)
		if got := q.Match(text); got != want {
			t.Errorf("%q: %v, want %v (%s)", query, got, want, q.FTS())
		}
	}
}

func TestExcerpt(t *testing.T) {
	text := strings.Repeat("padding words here ", 50) + "the Silent\nharbour " + strings.Repeat("and more text ", 50)
	parts := Parse("silent harb").Excerpt(text, false)
	var hits []string
	all := ""
	for _, p := range parts {
		all += p.Text
		if p.Hit {
			hits = append(hits, p.Text)
		}
	}
	if strings.Join(hits, "|") != "Silent|harbour" || !strings.HasPrefix(all, "… ") || !strings.HasSuffix(all, " …") ||
		strings.Contains(all, "\n") || utf8.RuneCountInString(all) > excerpt+8 {
		t.Errorf("got %q of %q", hits, all)
	}
	parts = Parse("海港").Excerpt("我想看海港，海港！", true)
	if len(parts) != 5 || parts[1] != (Part{"海港", true}) || parts[0].Text != "我想看" {
		t.Errorf("got %+v", parts)
	}
	if parts := Parse("x").Excerpt("", false); parts == nil || len(parts) != 0 {
		t.Errorf("got %+v", parts)
	}
}

// Whatever the text: tokens are found again by a query of themselves, an
// excerpt is made of the text, and nothing of a query is FTS5's syntax.
func TestAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		at := rapid.IntRange(0, len(text)).Draw(t, "at")
		part := strings.ToValidUTF8(text[at:], "")
		if q := Parse(part); !q.Empty() {
			for _, p := range q.phrases {
				for _, tok := range p {
					if strings.ContainsAny(tok, "\"*()+-^:{} \x00") {
						t.Fatalf("token %q", tok)
					}
				}
			}
			if q.Excerpt(text, false) == nil {
				t.Fatal("no excerpt")
			}
		}
		if strings.ContainsAny(text, "\"“”") {
			return
		}
		if q := Parse(text); !q.Empty() && len(text) < QueryLimit && !q.Match(text) {
			t.Fatalf("%q does not match itself", text)
		}
		whole := ""
		for _, p := range Parse(part).Excerpt(text, true) {
			whole += p.Text
		}
		if whole != line(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 }) {
			t.Fatalf("%q became %q", text, whole)
		}
	})
}
