package write

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"qwill/engine"
	"qwill/engine/proto"
)

func TestSectionsLoseNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching("([a-zäé你。.!? \n`]{0,40}\n?){0,12}").Draw(rt, "text")
		limit := rapid.IntRange(8, 200).Draw(rt, "limit")
		parts := sections(text, limit)
		if strings.Join(parts, "") != text {
			rt.Fatalf("%q became %q", text, parts)
		}
		for i, p := range parts {
			if !utf8.ValidString(p) {
				rt.Fatalf("part %d is cut inside a character: %q", i, p)
			}
			if len(parts) > 1 && strings.TrimSpace(p) == "" {
				rt.Fatalf("part %d is empty: %q", i, p)
			}
			if len(strings.TrimSpace(p)) > limit {
				rt.Fatalf("part %d has %d bytes, limit %d", i, len(p), limit)
			}
		}
	})
}

func TestSectionsCutWhereTheTextPauses(t *testing.T) {
	text := "One two. Three four.\n\nFive six.\n\n```\na\n\nb\n```\n"
	got := sections(text, 22)
	want := []string{"One two. Three four.\n\n", "Five six.\n\n", "```\na\n\nb\n```\n"}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q", got)
	}
}

// upper is a model that writes the delimited text again in capitals.
func upper(fail func(text string) bool) (Generate, *int) {
	calls := 0
	return func(_ context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error) {
		calls++
		user := p.Messages[1].Content
		text := user[strings.Index(user, ">")+1 : strings.LastIndex(user, "<")]
		if fail != nil && fail(text) {
			event(engine.Event{Text: "CUT"})
			return engine.Result{Finish: proto.FinishLength}, nil
		}
		event(engine.Event{Text: strings.ReplaceAll(text, "teh", "the")})
		return engine.Result{Finish: proto.FinishStop, CompletionTokens: 10, DecodePerSecond: 5}, nil
	}, &calls
}

func paragraphsOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Paragraph %d says that teh cat number %d sleeps on teh warm roof every single day.\n\n", i+10, i+10)
	}
	return b.String()
}

func TestLongTextIsDoneInSections(t *testing.T) {
	text := paragraphsOf(40)
	generate, calls := upper(nil)
	var seen []string
	got, err := Run(t.Context(), Request{Command: named("proofread"), Text: text, Room: Room{Context: 2048}}, generate,
		Watch{Section: func(i, n int) { seen = append(seen, fmt.Sprintf("%d/%d", i, n)) }})
	if err != nil {
		t.Fatal(err)
	}
	if got.Sections < 2 || *calls != got.Sections || len(seen) != got.Sections || seen[0] != fmt.Sprintf("1/%d", got.Sections) {
		t.Fatalf("%d sections, %d calls, %v", got.Sections, *calls, seen)
	}
	if want := strings.ReplaceAll(text, "teh", "the"); got.Text != want || len(got.Faults) != 0 || got.Warning != "" {
		t.Errorf("%+v", got)
	}
	all := map[int]bool{}
	for _, s := range got.Diff {
		if s.ID > 0 {
			if all[s.ID] {
				t.Fatalf("two changes have number %d", s.ID)
			}
			all[s.ID] = true
		}
	}
	if len(all) != 80 || Apply(got.Diff, nil) != text || Apply(got.Diff, all) != got.Text {
		t.Errorf("%d changes", len(all))
	}
	if got.Engine.CompletionTokens != 10*got.Sections || got.Engine.DecodePerSecond != 5 {
		t.Errorf("%+v", got.Engine)
	}
}

func TestSectionThatFailsStays(t *testing.T) {
	text := paragraphsOf(40)
	generate, _ := upper(func(text string) bool { return strings.Contains(text, "Paragraph 10 ") })
	got, err := Run(t.Context(), Request{Command: named("proofread"), Text: text, Room: Room{Context: 2048}}, generate, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Kept != 1 || !strings.Contains(got.Warning.Sentence(), "stayed as they were") || !strings.Contains(got.Text, "Paragraph 10 says that teh cat") ||
		!strings.Contains(got.Text, "Paragraph 49 says that the cat") {
		t.Errorf("%d kept, %q\n%s", got.Kept, got.Warning, got.Text)
	}
}

func TestLongSummaryCoversEverySection(t *testing.T) {
	text := paragraphsOf(60)
	var read strings.Builder
	n := 0
	generate := func(_ context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error) {
		read.WriteString(p.Messages[1].Content)
		n++
		event(engine.Event{Text: "The cat sleeps."})
		return engine.Result{Finish: proto.FinishStop}, nil
	}
	got, err := Run(t.Context(), Request{Command: named("summarize"), Text: text, Room: Room{Context: 1400}}, generate, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if !strings.Contains(read.String(), fmt.Sprintf("Paragraph %d ", i+10)) {
			t.Fatalf("paragraph %d was not read", i+10)
		}
	}
	if got.Sections < 2 || n != got.Sections+1 || got.Text != "The cat sleeps." {
		t.Errorf("%d sections, %d calls, %q", got.Sections, n, got.Text)
	}
}

func TestShortTextIsDoneAsAWhole(t *testing.T) {
	generate, calls := upper(nil)
	got, err := Run(t.Context(), Request{Command: named("rewrite"), Text: paragraphsOf(3), Room: Room{Context: 8192}}, generate, Watch{})
	if err != nil || got.Sections != 0 || *calls != 1 {
		t.Errorf("%d sections, %d calls, %v", got.Sections, *calls, err)
	}
}
