package write

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"qwill/app/command"
	"qwill/engine"
	"qwill/engine/proto"
)

func editing() command.Command {
	c := named("proofread")
	c.Edits = true
	return c
}

func TestEditsTouchNothingElse(t *testing.T) {
	text := "i has went to the the shop.\r\nHe like it 👩‍👩‍👧.\r\n\r\n它的很好。\t\r\n"
	m := &model{pieces: []string{
		`{"edits":[{"sentence":1,"span":"has went","replacement":"went","kind":"grammar","reason":"past te`, `nse"},`,
		`{"sentence":1,"span":"the","replacement":"a","kind":"word","reason":"stands twice"},`,
		`{"sentence":1,"span":"the the","replacement":"the","kind":"word","reason":"repeated"},`,
		`{"sentence":1,"span":"i has","replacement":"i have","kind":"style","reason":"overlaps"},`,
		`{"sentence":2,"span":"like","replacement":"likes","kind":"grammar","reason":"agreement"},`,
		`{"sentence":2,"span":"it","replacement":"it","kind":"grammar","reason":"nothing"},`,
		`{"sentence":9,"span":"x","replacement":"y","kind":"grammar","reason":"nowhere"},`,
		`{"sentence":3,"span":"它的","replacement":"它真的","kind":"grammar","reason":"缺字"}]}`}, finish: proto.FinishStop}
	var shown []int
	res, err := Run(t.Context(), Request{Command: editing(), Text: text, Language: "en"}, m.generate, Watch{Edits: func(s []Segment) { shown = append(shown, len(s)) }})
	if err != nil {
		t.Fatal(err)
	}
	want := "i went to the shop.\r\nHe likes it 👩‍👩‍👧.\r\n\r\n它真的很好。\t\r\n"
	if res.Text != want || res.Refused != 4 || len(shown) != 5 {
		t.Errorf("%q, %d refused, shown %v", res.Text, res.Refused, shown)
	}
	whys := map[string]string{}
	for _, s := range res.Diff {
		if s.Why != nil {
			whys[s.Old+"→"+s.New] = s.Why.Kind + ": " + s.Why.Text
		}
	}
	b, _ := json.Marshal(whys)
	if whys["like→likes"] != "grammar: agreement" || whys["has →"] != "grammar: past tense" || whys[" the→"] != "word: repeated" ||
		whys["→真"] != "grammar: " { // a Chinese reason for an English reader is none
		t.Errorf("%s", b)
	}
	if m.asked.Format == nil || !strings.Contains(string(m.asked.Format.JSONSchema), `"the the"`) || *m.asked.Sampling.Temperature != 0 {
		t.Errorf("asked %+v", m.asked)
	}
}

func TestUselessEditsFallBack(t *testing.T) {
	m := &model{pieces: []string{`{"edits":[{"sentence":1,"span":"nowhere","replacement":"x","kind":"grammar","reason":"r"}]}`}, finish: proto.FinishStop}
	if _, ok, err := propose(t.Context(), editing(), Request{Command: editing(), Text: "He go."}, m.generate, Watch{}); ok || err != nil {
		t.Errorf("used: %v, %v", ok, err)
	}
	m.pieces = []string{`{"edits":[]}`}
	res, ok, err := propose(t.Context(), editing(), Request{Command: editing(), Text: "He goes."}, m.generate, Watch{})
	if !ok || err != nil || res.Warning != Unchanged || res.Text != "He goes." {
		t.Errorf("%+v, %v, %v", res, ok, err)
	}
}

func TestAnEditThatSpoilsTheMeaningIsWarnedOf(t *testing.T) {
	m := &model{pieces: []string{`{"edits":[{"sentence":1,"span":"go","replacement":"goes","kind":"grammar","reason":"agreement"},{"sentence":1,"span":"12","replacement":"15","kind":"word","reason":"better"}]}`}, finish: proto.FinishStop}
	res, err := Run(t.Context(), Request{Command: editing(), Text: "He go to work at 12 dollars an hour."}, m.generate, Watch{})
	if err != nil || res.Tries != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	for _, s := range res.Diff {
		if s.Kind == Change && (len(s.Faults) > 0) != (s.Old == "12") {
			t.Errorf("%+v", s)
		}
	}
}

func TestTry(t *testing.T) {
	for out, want := range map[string]bool{
		`{"edits":[{"sentence":1,"span":"have","replacement":"has","kind":"grammar","reason":"r"},{"sentence":3,"span":"recieved","replacement":"received","kind":"spelling","reason":"r"}]}`: true,
		`{"edits":[]}`: false,
		`{"edits":[{"sentence":2,"span":"six","replacement":"five","kind":"word","reason":"r"},{"sentence":1,"span":"two","replacement":"three","kind":"word","reason":"r"}]}`: false,
		`no JSON`: false,
	} {
		m := &model{pieces: []string{out}, finish: proto.FinishStop}
		if got, err := Try(t.Context(), editing(), "en", m.generate, Watch{}); got != want || err != nil {
			t.Errorf("%s: %v, %v", out, got, err)
		}
	}
}

func TestDrafts(t *testing.T) {
	good := `{"drafts":[{"intent":"agree","text":"Yes."},{"intent":"decline","text":"No."},{"intent":"ask","text":"When?"}]}`
	for _, c := range []struct {
		out   string
		tries int
		kinds string
	}{
		{good, 1, ""},
		{strings.Replace(good, "No.", "yes.", 1), 2, "alike"},
		{strings.Replace(good, "No.", "Can we meet?", 1), 2, "echo"},
		{strings.Replace(good, "No.", "我很抱歉，星期五我没有时间，我们改天再见面吧。", 1), 2, "language"},
	} {
		m := &model{pieces: []string{c.out}, finish: proto.FinishStop}
		text := "Can we meet?"
		if c.kinds == "language" {
			text = "Can we meet on Friday? I would like to talk with you about the plan for the house and the garden."
		}
		res, err := Run(t.Context(), Request{Command: named("reply"), Text: text, Drafts: true}, m.generate, Watch{})
		if err != nil || len(res.Drafts) != 3 || res.Tries != c.tries {
			t.Errorf("%s: %+v, %v", c.kinds, res, err)
			continue
		}
		kinds := ""
		for _, d := range res.Drafts {
			for _, f := range d.Faults {
				kinds += f.Kind
			}
		}
		if kinds != c.kinds {
			t.Errorf("%q, want %q", kinds, c.kinds)
		}
	}
	if err := Check(Request{Command: named("reply"), Text: " ", Drafts: true}); err == nil {
		t.Error("an empty text was taken")
	}
	if err := Check(Request{Command: named("rewrite"), Text: "x", Drafts: true}); err == nil {
		t.Error("drafts of a rewrite were taken")
	}
}

// Each section of a long text is edited by itself, and the places stay right.
func TestSectionsOfEdits(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "Line %d: teh cat sleeps on the warm roof é 你好 every single day.\r\n\r\n", i)
	}
	text := b.String()
	generate := func(_ context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error) {
		user := p.Messages[len(p.Messages)-1].Content
		var all []string
		for i := range strings.Count(user, "teh cat") {
			all = append(all, fmt.Sprintf(`{"sentence":%d,"span":"teh","replacement":"the","kind":"spelling","reason":"typo"}`, i+1))
		}
		event(engine.Event{Text: `{"edits":[` + strings.Join(all, ",") + `]}`})
		return engine.Result{Finish: proto.FinishStop}, nil
	}
	res, err := Run(t.Context(), Request{Command: editing(), Text: text, Language: "en", Room: Room{Context: 2048}}, generate, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	changes := 0
	for _, s := range res.Diff {
		if s.Kind == Change {
			changes++
			if s.ID != changes || s.Old != "teh" || s.New != "the" {
				t.Errorf("%+v", s)
			}
		}
	}
	if res.Sections < 2 || changes != 40 || res.Text != strings.ReplaceAll(text, "teh", "the") {
		t.Errorf("%d sections, %d changes", res.Sections, changes)
	}
}
