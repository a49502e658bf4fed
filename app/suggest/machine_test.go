package suggest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bench drives a machine as a driver would and remembers what it displays.
type bench struct {
	m     *Machine
	now   time.Time
	shown []string
	req   uint64
	watch bool
	put   string
	asked int
}

func (b *bench) do(e Event) Answer {
	a := b.m.Do(b.now, e)
	for _, e := range a.Effects {
		switch e := e.(type) {
		case Watch:
			b.watch = true
		case Unwatch:
			b.watch = false
		case Request:
			b.req = e.ID
			b.asked++
		case Cancel:
			b.req = 0
		case Show:
			b.shown = e.Parts
		case Hide:
			b.shown = nil
		case Insert:
			b.put += e.Text
		}
	}
	return a
}

func text(s string) Text { return Text{Before: s, Caret: len([]rune(s))} }

func (b *bench) wait(d time.Duration) { b.now = b.now.Add(d); b.do(Tick{}) }

func ready(app string, secure bool) *bench {
	b := &bench{m: New(), now: time.Unix(1e9, 0)}
	b.do(Configure{Config{On: true, Delay: 30 * time.Millisecond, Rules: BuiltIn()}})
	b.do(Focus{Field{ID: "1", App: app, Secure: secure, MultiLine: true}})
	return b
}

// write types the last character of a sentence and lets its suggestion come.
func write(t *testing.T) *bench {
	t.Helper()
	b := ready("gedit", false)
	b.do(text("the quick brown fo"))
	b.wait(time.Second)
	b.do(text("the quick brown fox"))
	b.wait(30 * time.Millisecond)
	if b.req == 0 {
		t.Fatalf("nothing asked: %q", b.m.Why())
	}
	b.do(Result{ID: b.req, Text: " jumps over the dog.", Done: true})
	if strings.Join(b.shown, "|") != " jumps| over| the| dog." || b.m.Why() != Shown {
		t.Fatalf("shown %q, %q", b.shown, b.m.Why())
	}
	return b
}

func TestAccept(t *testing.T) {
	b := write(t)
	if !b.do(Key{Name: KeyTab}).Swallow || b.put != " jumps" {
		t.Fatalf("put %q", b.put)
	}
	b.do(text("the quick brown fox jumps"))
	if !b.do(Key{Name: KeyTab, Shift: true}).Swallow || b.put != " jumps over the dog." || b.shown != nil {
		t.Fatalf("put %q, shown %q", b.put, b.shown)
	}
}

func TestTypedThrough(t *testing.T) {
	b := write(t)
	for _, s := range []string{" ", " j", " ju"} {
		b.wait(200 * time.Millisecond)
		if b.do(Key{Name: s[len(s)-1:]}).Swallow {
			t.Fatal("swallowed")
		}
		b.do(text("the quick brown fox" + s))
	}
	if strings.Join(b.shown, "") != "mps over the dog." || b.asked != 1 {
		t.Errorf("shown %q after %d requests", b.shown, b.asked)
	}
}

func TestEscape(t *testing.T) {
	b := write(t)
	if b.do(Key{Name: KeyEscape}).Swallow || b.shown != nil {
		t.Error("Escape did not dismiss, or was swallowed")
	}
	b.wait(time.Minute)
	if b.asked != 1 || b.m.Why() != Dismissed {
		t.Errorf("%d requests, %q", b.asked, b.m.Why())
	}
}

func TestNeverRead(t *testing.T) {
	for _, b := range []*bench{ready("gedit", true), ready("xterm", false), ready("KeePassXC", false), ready("code", false)} {
		b.do(text("the quick brown fo"))
		b.do(text("the quick brown fox"))
		b.wait(time.Second)
		if b.watch || b.asked > 0 || b.m.text != nil {
			t.Errorf("read: %q", b.m.Why())
		}
	}
}

// No key is swallowed unless a shown suggestion was accepted, whatever happens.
func TestKeysPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := ready("gedit", rapid.Bool().Draw(t, "secure"))
		before := "the quick brown fox"
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			b.now = b.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0, 1, 2, 3:
				k := Key{Name: rapid.SampledFrom([]string{"Tab", "Tab", "Escape", "a", " ", "Backspace", "Shift"}).Draw(t, "key"),
					Shift: rapid.Bool().Draw(t, "shift"), Mod: rapid.IntRange(0, 4).Draw(t, "mod") == 0}
				shown, put := slices.Clone(b.shown), b.put
				swallowed := b.do(k).Swallow
				took := strings.TrimPrefix(b.put, put)
				if swallowed != (took != "") {
					t.Fatalf("%+v: swallowed %v, put %q", k, swallowed, took)
				}
				if swallowed && (k.Name != KeyTab || k.Mod || len(shown) == 0 || !strings.HasPrefix(strings.Join(shown, ""), took)) {
					t.Fatalf("%+v swallowed while %q was shown", k, shown)
				}
				before += took
			case 4, 5:
				before += rapid.SampledFrom([]string{"a", " ", "o", "好"}).Draw(t, "typed")
				b.do(text(before))
			case 6:
				b.do(Compose{rapid.Bool().Draw(t, "on")})
			case 7, 8:
				b.do(Result{ID: b.req, Text: rapid.SampledFrom([]string{"", " a", " a big", " a big o", "o no"}).Draw(t, "got"), Done: rapid.Bool().Draw(t, "done")})
			case 9:
				b.do(Tick{})
			}
			if len(b.shown) > 0 && b.m.composing {
				t.Fatal("shown in a composition")
			}
			if !b.watch && (b.m.text != nil || len(b.shown) > 0) {
				t.Fatal("text of a field that is not watched")
			}
			if (len(b.shown) > 0) != (b.m.Why() == Shown) {
				t.Fatalf("shown %q, reason %q", b.shown, b.m.Why())
			}
		}
	})
}

// A shortcut with Tab in it belongs to the program.
func TestModifiedTab(t *testing.T) {
	if b := write(t); b.do(Key{Name: KeyTab, Mod: true}).Swallow || b.put != "" {
		t.Error("swallowed")
	}
}
