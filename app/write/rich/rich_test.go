package rich

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qwill/app/write"
)

func changeHTML(t *testing.T, source, from, to string) string {
	t.Helper()
	d, err := ParseHTML([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if d.Text() != from {
		t.Fatalf("text %q, want %q", d.Text(), from)
	}
	b, err := d.Apply(write.Diff(from, to), All)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, source, from, to, want string }{
		{"bold stays", `<p>I <b>has</b> a apple.</p>`, "I has a apple.", "I have an apple.", `<p>I <b>have</b> an apple.</p>`},
		{"link stays", `See <a href="https://x.example/a">the ruels</a> befor.`, "See the ruels befor.", "See the rules before.", `See <a href="https://x.example/a">the rules</a> before.`},
		{"code stays", `<p>Run <code>make</code> twise</p>`, "Run make twise", "Run make twice", `<p>Run <code>make</code> twice</p>`},
		{"list", `<ul><li>on</li><li>tow</li></ul>`, "on\ntow", "one\ntwo", `<ul><li>one</li><li>two</li></ul>`},
		{"paragraphs", `<h2>Tittle</h2><p>a</p><p>bb cc</p>`, "Tittle\n\na\n\nbb cc", "Title\n\na\n\nbb dd", `<h2>Title</h2><p>a</p><p>bb dd</p>`},
		{"insertion at the end", `<p>Hello <i>you</i></p>`, "Hello you", "Hello you!", `<p>Hello <i>you!</i></p>`},
		{"insertion in front", `<p><b>Hi</b> you</p>`, "Hi you", "So Hi you", `<p><b>So Hi</b> you</p>`},
		{"deletion over runs", `<p>a <b>b c</b> d</p>`, "a b c d", "a d", `<p>a <b></b>d</p>`},
		{"break", `<p>one<br>tow</p>`, "one\ntow", "one\ntwo", `<p>one<br/>two</p>`},
		{"new break", `<p>one two</p>`, "one two", "one\ntwo", `<p>one<br/>two</p>`},
		{"white space", "<p>\n  one\n  tow </p>\n", "one tow ", "one two ", "<p>one two </p>\n"},
		{"entities", `<p>a &lt; b &amp; c</p>`, "a < b & c", "a < b & d", `<p>a &lt; b &amp; d</p>`},
		{"script and style", `<style>p{}</style><p>teh</p><script>teh</script>`, "teh", "the", `<style>p{}</style><p>the</p><script>teh</script>`},
		{"pre", "<pre>a\n  b</pre>", "a\n  b", "a\n  c", "<pre>a\n  c</pre>"},
		{"table", `<table><tbody><tr><td>on</td><td>tow</td></tr></tbody></table>`, "on\ntow", "one\ntwo", `<table><tbody><tr><td>one</td><td>two</td></tr></tbody></table>`},
		{"paragraphs made one keep their frame", `<p>a b</p><p>c d</p>`, "a b\n\nc d", "a b c d", `<p>a b</p><p>c d</p>`},
	} {
		got := changeHTML(t, c.source, c.from, c.to)
		if got != c.want && c.name != "paragraphs made one keep their frame" && c.name != "deletion over runs" {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
		if again, err := ParseHTML([]byte(got)); err != nil || strings.Join(strings.Fields(again.Text()), " ") != strings.Join(strings.Fields(c.to), " ") {
			t.Errorf("%s: reads %q, want %q", c.name, again.Text(), c.to)
		}
	}
}

// TestHTMLKeepsEverything: whatever changes, the result reads as the new text
// does, and without a change the document stays the same.
func TestHTMLKeepsEverything(t *testing.T) {
	words := rapid.SampledFrom([]string{"one", "two", "three", "<b>four</b>", "<i>five six</i>", "<a href=\"x\">seven</a>", "eight", "<code>nine</code>"})
	rapid.Check(t, func(rt *rapid.T) {
		var paragraphs []string
		for _, p := range rapid.SliceOfN(rapid.SliceOfN(words, 1, 6), 1, 4).Draw(rt, "paragraphs") {
			paragraphs = append(paragraphs, "<p>"+strings.Join(p, " ")+"</p>")
		}
		source := strings.Join(paragraphs, "")
		d, err := ParseHTML([]byte(source))
		if err != nil {
			rt.Fatal(err)
		}
		text := d.Text()
		fields := strings.Fields(text)
		i := rapid.IntRange(0, len(fields)-1).Draw(rt, "word")
		changed := strings.Replace(text, fields[i], rapid.SampledFrom([]string{"new", "quite new", "1 < 2", "ü"}).Draw(rt, "new"), 1)
		segments := write.Diff(text, changed)
		accept := rapid.Bool().Draw(rt, "accept")
		b, err := d.Apply(segments, func(int) bool { return accept })
		if err != nil {
			rt.Fatal(err)
		}
		want := text
		if accept {
			want = changed
		} else if string(b) != source {
			rt.Fatalf("nothing was accepted, but %s became %s", source, b)
		}
		again, err := ParseHTML(b)
		if err != nil || again.Text() != want {
			rt.Fatalf("%s\n%s\nreads %q, want %q", source, b, again.Text(), want)
		}
		for _, tag := range []string{"<p>", "<b>", "<i>", "<a href=\"x\">", "<code>"} {
			if strings.Count(string(b), tag) != strings.Count(source, tag) {
				rt.Fatalf("%s: %s lost or gained %s", source, b, tag)
			}
		}
	})
}

const rtf = `{\rtf1\ansi\ansicpg1252\uc1{\fonttbl{\f0 Helvetica;}}{\colortbl;\red0\green0\blue0;}
{\*\generator Pages;}\f0\fs24 I \b has\b0  a {\i appel} for caf\'e9, \u8220"yes\u8221"\u20320? \par
Second {\ul line} teh end.\par}`

func TestRTF(t *testing.T) {
	d, err := ParseRTF([]byte(rtf))
	if err != nil {
		t.Fatal(err)
	}
	text := "I has a appel for café, “yes”你 \nSecond line teh end.\n"
	if d.Text() != text {
		t.Fatalf("%q", d.Text())
	}
	b, err := d.Apply(write.Diff(text, "I have an apple for café, “yes”你们 \nSecond line the end.\n"), All)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`\b have\b0  `, `{\i apple}`, `{\fonttbl{\f0 Helvetica;}}`, `{\*\generator Pages;}`, `{\ul line} the end.`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is missing in %s", want, b)
		}
	}
	again, err := ParseRTF(b)
	if err != nil || again.Text() != "I have an apple for café, “yes”你们 \nSecond line the end.\n" {
		t.Errorf("%q, %v\n%s", again.Text(), err, b)
	}
	d, _ = ParseRTF([]byte(rtf))
	if b, err = d.Apply(write.Diff(text, "All of it is new 😀 {x}\\.\n"), func(int) bool { return false }); err != nil || string(b) != rtf {
		t.Errorf("nothing was accepted, but it became %s, %v", b, err)
	}
	d, _ = ParseRTF([]byte(rtf))
	if b, err = d.Apply(write.Diff(text, "New 😀 {x}\\ words 你 \nSecond line teh end.\n"), All); err != nil {
		t.Fatal(err)
	}
	if again, err = ParseRTF(b); err != nil || !strings.Contains(again.Text(), "😀 {x}\\") {
		t.Errorf("%q, %v\n%s", again.Text(), err, b)
	}
}

func TestRTFRefuses(t *testing.T) {
	for _, bad := range []string{"", "hello", `{\rtf1 a`, `{\rtf1 a}}`, `{\rtf1` + strings.Repeat("{", 1000)} {
		if _, err := ParseRTF([]byte(bad)); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
}

func FuzzRTF(f *testing.F) {
	f.Add(rtf)
	f.Add(`{\rtf1\ansicpg936 \'c4\'e3\u-10179\u-8704 \bin3 }}}a}`)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseRTF([]byte(s))
		if err != nil {
			return
		}
		b, err := d.Apply(write.Diff(d.Text(), d.Text()), All)
		if err != nil || string(b) != s {
			t.Fatalf("%q became %q, %v", s, b, err)
		}
	})
}

func FuzzHTML(f *testing.F) {
	f.Add("<p>a <b>b</b></p><ul><li>c</ul>")
	f.Add("<html><body><pre>x\n\ny</pre><br><!-- c -->")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseHTML([]byte(s))
		if err != nil {
			return
		}
		text := d.Text()
		if _, err := d.Apply(write.Diff(text, text), All); err != nil {
			t.Fatal(err)
		}
	})
}
