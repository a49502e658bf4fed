package settings

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qwill/app/errs"
	"qwill/app/events"
)

type memory struct {
	values map[string]json.RawMessage
	fail   error
}

func (m *memory) ReadSettings(context.Context) (map[string]json.RawMessage, error) {
	return m.values, nil
}

func (m *memory) WriteSettings(_ context.Context, v map[string]json.RawMessage) error {
	if m.fail == nil {
		m.values = v
	}
	return m.fail
}

func open(t *testing.T, m *memory, b *events.Broker) *Service {
	t.Helper()
	s, err := Open(t.Context(), m, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPartialUpdateIsKeptAndTold(t *testing.T) {
	var b events.Broker
	sub := b.Subscribe()
	m := &memory{}
	s := open(t, m, &b)
	if _, err := s.Update(t.Context(), []byte(`{"theme":"dark","sampling":{"temperature":0.5,"seed":18446744073709551615,"max_tokens":7}}`)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Update(t.Context(), []byte(`{"sampling":{"top_k":3}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Theme != "dark" || got.Sampling.Temperature != nil || got.Sampling.MaxTokens != nil || *got.Sampling.TopK != 3 {
		t.Errorf("got %+v", got)
	}
	if again := open(t, m, &b).Get(); !cmp.Equal(again, got) {
		t.Errorf("read back: %s", cmp.Diff(got, again))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for range 2 {
		if e, ok := sub.Next(ctx); !ok || e.Name != "settings" {
			t.Errorf("got event %+v", e)
		}
	}
}

func TestBadValuesNameTheField(t *testing.T) {
	s := open(t, &memory{}, &events.Broker{})
	before := s.Get()
	for body, field := range map[string]string{
		`{"theme":"pink"}`:                       "theme",
		`{"mode":"slow"}`:                        "mode",
		`{"language":"xx"}`:                      "language",
		`{"colour":"red"}`:                       "colour",
		`{"thinking":"yes"}`:                     "thinking",
		`{"sampling":{"top_p":0}}`:               "top_p",
		`{"sampling":{"top_p":"x"}}`:             "top_p",
		`{"sampling":{"temperature":1e9}}`:       "temperature",
		`{"sampling":{"temperature":-1}}`:        "temperature",
		`{"sampling":{"min_p":2}}`:               "min_p",
		`{"sampling":{"top_k":-1}}`:              "top_k",
		`{"sampling":{"max_tokens":0}}`:          "max_tokens",
		`{"sampling":{"max_tokens":1e12}}`:       "max_tokens",
		`{"sampling":{"repetition_penalty":0}}`:  "repetition_penalty",
		`{"sampling":{"presence_penalty":-2.1}}`: "presence_penalty",
		`{"suggest_delay":-1}`:                   "suggest_delay",
		`{"suggest_delay":2001}`:                 "suggest_delay",
		`{"suggest_rules":[{"suggest":true}]}`:   "suggest_rules",
		`{"suggest_rules":[{"apps":[" "]}]}`:     "suggest_rules",
	} {
		_, err := s.Update(t.Context(), []byte(body))
		e, ok := errors.AsType[*errs.Error](err)
		if !ok || e.Code != errs.Invalid || e.Detail != field {
			t.Errorf("%s: got %v, want field %s", body, err, field)
		}
	}
	for _, body := range []string{``, `null`, `[]`, `{`, `"x"`} {
		_, err := s.Update(t.Context(), []byte(body))
		if e := errs.From(err); e == nil || e.Code != errs.BadJSON {
			t.Errorf("%q: got %v", body, err)
		}
	}
	if !cmp.Equal(before, s.Get()) {
		t.Error("a refused update changed the settings")
	}
}

// Rules are replaced whole, and those in force elsewhere do not change with them.
func TestRulesAreReplaced(t *testing.T) {
	s := open(t, &memory{}, &events.Broker{})
	one, err := s.Update(t.Context(), []byte(`{"suggest_rules":[{"apps":["a"],"suggest":true,"one_line":true},{"apps":["b"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), []byte(`{"suggest_rules":[{"apps":["c"]}]}`)); err != nil {
		t.Fatal(err)
	}
	if r := one.SuggestRules; len(r) != 2 || r[0].Apps[0] != "a" || !r[0].OneLine {
		t.Errorf("what was read before: %+v", r)
	}
	if r := s.Get().SuggestRules; len(r) != 1 || r[0].Apps[0] != "c" || r[0].Suggest || r[0].OneLine {
		t.Errorf("rules %+v", r)
	}
	if now, err := s.Update(t.Context(), []byte(`{"suggest_rules":null}`)); err != nil || now.SuggestRules == nil || len(now.SuggestRules) != 0 {
		t.Errorf("null: %+v, %v", now.SuggestRules, err)
	}
}

func TestFailedWriteChangesNothing(t *testing.T) {
	m := &memory{fail: errors.New("disk full")}
	s := open(t, m, &events.Broker{})
	if _, err := s.Update(t.Context(), []byte(`{"theme":"dark"}`)); err == nil {
		t.Fatal("the failure is hidden")
	}
	if s.Get().Theme != "system" {
		t.Error("memory and store differ")
	}
}

func TestStoredNonsenseFallsBack(t *testing.T) {
	m := &memory{values: map[string]json.RawMessage{
		"theme": []byte(`"pink"`), "model": []byte(`"m"`), "old": []byte(`1`), "mode": []byte(`{`),
	}}
	want := Defaults()
	want.Model = "m"
	if got := open(t, m, &events.Broker{}).Get(); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}
