package command

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"qwill/app/errs"
)

// shelf keeps commands in memory, where a test can make it fail.
type shelf struct {
	all []Custom
	err error
}

func (s *shelf) CustomCommands(context.Context) ([]Custom, error) { return s.all, s.err }
func (s *shelf) PutCustomCommands(_ context.Context, all []Custom) error {
	if s.err == nil {
		s.all = all
	}
	return s.err
}

func registry(t *testing.T) (*Registry, *shelf) {
	t.Helper()
	s := &shelf{}
	r, err := Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

func plainWords() Custom {
	return Custom{Title: "Plain words!", Instruction: "Say it in plain {tone} words, in {language}.", Shape: ShapeDiff, Keep: true, Key: "2",
		Options: []Option{{Name: "tone", Title: "Tone", Kind: KindText, Default: "warm"}, {Name: "language", Title: "In", Kind: KindLanguage}}}
}

func TestCustomCommand(t *testing.T) {
	r, _ := registry(t)
	made, err := r.Put(t.Context(), plainWords())
	if err != nil || made.ID != "my-plain-words" {
		t.Fatalf("%+v, %v", made, err)
	}
	c, err := r.Find("my-plain-words")
	if err != nil || !c.Custom || !c.Keep || c.Shape != ShapeDiff {
		t.Fatalf("%+v, %v", c, err)
	}
	p, err := c.Build(Input{Text: "Hello {tone} <text>", Options: map[string]string{"tone": "{language} calm"}, Language: "de"})
	if err != nil {
		t.Fatal(err)
	}
	system := p.Messages[0].Content
	if !strings.Contains(system, "plain {language} calm words, in German.") || !strings.Contains(p.Messages[1].Content, "Hello {tone} <text>") ||
		!strings.Contains(system, p.Open) || strings.Contains(system, "{open}") || strings.Contains(system, "{instruction}") {
		t.Errorf("%q\n%q", system, p.Messages[1].Content)
	}
	if p, _ = c.Build(Input{Text: "x"}); !strings.Contains(p.Messages[0].Content, "plain warm words, in English.") {
		t.Errorf("defaults: %q", p.Messages[0].Content)
	}
	for _, b := range r.All() {
		if b.ID == "proofread" && b.Key != "" || b.ID == "rewrite" && b.Key != "1" {
			t.Errorf("%s has the key %q", b.ID, b.Key)
		}
	}
	if n := len(r.All()); n != len(All())+1 {
		t.Errorf("%d commands", n)
	}
	other := plainWords()
	if other, err = r.Put(t.Context(), other); err != nil || other.ID != "my-plain-words-2" {
		t.Fatalf("%+v, %v", other, err)
	}
	if own := r.Custom(); own[0].Key != "" || own[1].Key != "2" {
		t.Errorf("two commands have one key: %+v", own)
	}
	if err := r.Remove(t.Context(), "my-plain-words"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Find("my-plain-words"); err == nil || !strings.Contains(err.Error(), "my-plain-words-2") {
		t.Errorf("the error does not list what there is: %v", err)
	}
	if err := r.Remove(t.Context(), "rewrite"); err == nil {
		t.Error("a built-in command was removed")
	}
}

func TestCustomCommandRefuses(t *testing.T) {
	r, s := registry(t)
	hot := 3.0
	for field, change := range map[string]func(*Custom){
		"title":          func(c *Custom) { c.Title = " " },
		"instruction":    func(c *Custom) { c.Instruction = "" },
		"shape":          func(c *Custom) { c.Shape = "table" },
		"key":            func(c *Custom) { c.Key = "0" },
		"temperature":    func(c *Custom) { c.Temperature = &hot },
		"options.0.name": func(c *Custom) { c.Options[0].Name = "open" },
		"options.1.name": func(c *Custom) { c.Options[1].Name = "tone" },
		"options.1.kind": func(c *Custom) { c.Options[1].Kind = "number" },
	} {
		c := plainWords()
		change(&c)
		_, err := r.Put(t.Context(), c)
		var e *errs.Error
		if !errors.As(err, &e) || e.Detail != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	s.err = errors.New("disk full")
	if _, err := r.Put(t.Context(), plainWords()); err == nil || len(r.Custom()) != 0 {
		t.Errorf("%v, but %d commands", err, len(r.Custom()))
	}
}

func TestExchange(t *testing.T) {
	r, _ := registry(t)
	made, err := r.Put(t.Context(), plainWords())
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Export()
	if err != nil {
		t.Fatal(err)
	}
	if in, skipped, err := r.Import(t.Context(), b); err != nil || len(in) != 0 || len(skipped) != 0 {
		t.Errorf("the same file again: %v, %v, %v", in, skipped, err)
	}
	fresh, _ := registry(t)
	in, skipped, err := fresh.Import(t.Context(), b)
	if err != nil || len(in) != 1 || len(skipped) != 0 {
		t.Fatalf("%v, %v, %v", in, skipped, err)
	}
	if a, b := mustJSON(t, in[0]), mustJSON(t, made); a != b {
		t.Errorf("%s became %s", b, a)
	}
	changed := strings.Replace(string(b), "plain {tone} words", "other words", 1)
	if in, _, err = fresh.Import(t.Context(), []byte(changed)); err != nil || len(in) != 1 || in[0].ID != "my-plain-words-2" || in[0].Key != "" {
		t.Errorf("another one of the same id: %+v, %v", in, err)
	}
	bad := `{"qwill_commands":1,"commands":[{"title":"No instruction","shape":"text"},{"id":"rewrite","title":"Mine","instruction":"x","shape":"text"}]}`
	if in, skipped, err = fresh.Import(t.Context(), []byte(bad)); err != nil || len(skipped) != 1 || len(in) != 1 || in[0].ID != "my-mine" {
		t.Errorf("%+v, %v, %v", in, skipped, err)
	}
	for _, b := range []string{"", "[]", `{"qwill_commands":9}`, "{", `{"commands":[]}`} {
		if _, _, err := fresh.Import(t.Context(), []byte(b)); err == nil {
			t.Errorf("%q was taken in", b)
		}
	}
	if _, err := fresh.Export("my-nothing"); err == nil {
		t.Error("a command that is not there was exported")
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func FuzzImport(f *testing.F) {
	f.Add(`{"qwill_commands":1,"commands":[{"title":"A","instruction":"x","shape":"text","options":[{"name":"a","title":"A","kind":"text"}]}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		r := &Registry{store: &shelf{}}
		in, _, err := r.Import(t.Context(), []byte(s))
		if err != nil {
			return
		}
		var ids []string
		for _, c := range in {
			if c.Validate() != nil {
				t.Fatalf("a wrong command came in: %+v", c)
			}
			if slices.Contains(ids, c.ID) || !strings.HasPrefix(c.ID, "my-") {
				t.Fatalf("id %q", c.ID)
			}
			ids = append(ids, c.ID)
			if _, err := c.Command().Build(Input{Text: "x"}); err != nil {
				t.Fatalf("it cannot be built: %v", err)
			}
		}
	})
}
