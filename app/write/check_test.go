package write

import (
	"context"
	"strings"
	"testing"

	"qwill/engine"
	"qwill/engine/proto"
)

// takes answers one after the other.
type takes struct {
	results []string
	asked   []engine.GenerateParams
	fail    error // of the second
}

func (m *takes) generate(_ context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error) {
	n := len(m.asked)
	m.asked = append(m.asked, p)
	if n == 1 && m.fail != nil {
		return engine.Result{}, m.fail
	}
	event(engine.Event{Text: m.results[n]})
	return engine.Result{Finish: proto.FinishStop}, nil
}

const invoice = "Please dont pay the 300 euros befor Friday, see https://example.com/a."

func TestSecondTry(t *testing.T) {
	m := &takes{results: []string{
		"Please pay the 500 euros before Friday, see https://example.com/a.",
		"Please don't pay the 300 euros before Friday, see https://example.com/a."}}
	var again []Fault
	got, err := Run(t.Context(), Request{Command: named("proofread"), Text: invoice}, m.generate, Watch{Again: func(f []Fault) { again = f }})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.asked) != 2 || got.Tries != 2 || len(again) != 2 {
		t.Fatalf("asked %d times, faults %v", len(m.asked), again)
	}
	last := m.asked[1].Messages
	if len(last) != 4 || last[2].Content != m.results[0] || !strings.Contains(last[3].Content, `"300" became "500"`) || !strings.Contains(last[3].Content, "dont") {
		t.Errorf("the second request does not name the faults: %q", last[len(last)-1].Content)
	}
	if got.Text != m.results[1] || len(got.Faults) != 0 {
		t.Errorf("%+v", got)
	}
	for _, s := range got.Diff {
		if len(s.Faults) > 0 {
			t.Errorf("a faultless change carries a warning: %+v", s)
		}
	}
}

func TestWarningStaysWithItsChange(t *testing.T) {
	bad := "Please don't pay the 500 euros before Friday, see https://example.com/a."
	m := &takes{results: []string{bad, bad}}
	got, err := Run(t.Context(), Request{Command: named("rewrite"), Text: invoice}, m.generate, Watch{})
	if err != nil {
		t.Fatal(err)
	}
	warned := 0
	for _, s := range got.Diff {
		if len(s.Faults) > 0 {
			warned++
			if s.Old != "300" || s.New != "500" || s.Faults[0].Kind != "number" {
				t.Errorf("the warning is with another change: %+v", s)
			}
		}
	}
	if warned != 1 || got.Tries != 2 || len(got.Faults) != 0 {
		t.Errorf("%d changes warned of, %+v", warned, got)
	}
}

func TestFailedSecondTryKeepsTheFirst(t *testing.T) {
	m := &takes{results: []string{"Please pay it."}, fail: &proto.Error{Code: proto.CodeEngine, Message: "no"}}
	got, err := Run(t.Context(), Request{Command: named("rewrite"), Text: invoice}, m.generate, Watch{})
	if err != nil || got.Text != "Please pay it." {
		t.Fatalf("%+v, %v", got, err)
	}
	found := len(got.Faults)
	for _, s := range got.Diff {
		found += len(s.Faults)
	}
	if found == 0 {
		t.Error("no warning")
	}
}

func TestAnswersAreNotChecked(t *testing.T) {
	for _, c := range []string{"reply", "ask"} {
		m := &takes{results: []string{"No, 7 of them in Oslo."}}
		got, err := Run(t.Context(), Request{Command: named(c), Text: "Are there 3 in Rome?"}, m.generate, Watch{})
		if err != nil || len(m.asked) != 1 || len(got.Faults) != 0 {
			t.Errorf("%s: asked %d times, %+v, %v", c, len(m.asked), got, err)
		}
	}
}
