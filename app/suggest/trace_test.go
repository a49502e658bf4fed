package suggest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// line is one line of a recording (frontend/e2e/traces.spec.ts): what a page told,
// what it was told, or a key as the browser saw it.
type line struct {
	At int `json:"at"` // ms from the start
	In *struct {
		Focus   *Field `json:"focus"`
		Blur    bool   `json:"blur"`
		Text    *Text  `json:"text"`
		Key     *Key   `json:"key"`
		Compose *bool  `json:"compose"`
	} `json:"in"`
	Show *Show           `json:"show"`
	Hide json.RawMessage `json:"hide"`
	Down *struct {
		Name      string `json:"name"`
		Prevented bool   `json:"prevented"`
	} `json:"down"`
}

func (l line) event() Event {
	switch in := l.In; {
	case in == nil:
		return nil
	case in.Focus != nil:
		return Focus{*in.Focus}
	case in.Blur:
		return Blur{}
	case in.Text != nil:
		return *in.Text
	case in.Key != nil:
		k := *in.Key
		k.Inserted = true
		k.Shown = 0 // requests are counted anew
		return k
	case in.Compose != nil:
		return Compose{*in.Compose}
	}
	return nil
}

func traces(t testing.TB) map[string][]line {
	files, err := filepath.Glob("testdata/traces/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	all := map[string][]line{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var lines []line
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&lines); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".json")] = lines
	}
	return all
}

// player gives a recording to a machine, with the time that it took. A request
// gets the suggestion that the recording shows until the next event.
type player struct {
	m        *Machine
	began    time.Time
	wake     time.Time
	request  uint64
	shown    []string
	swallows int
	accepted []bool // of every key told: it was taken in the recording
	wrong    string // the first fault
}

func (p *player) do(at time.Time, e Event) {
	before := strings.Join(p.shown, "")
	a := p.m.Do(at, e)
	if a.Swallow {
		p.swallows++
		if k, ok := e.(Key); before == "" || !ok || k.Name != KeyTab {
			p.wrong = "a key was kept without a suggestion that it takes"
		}
	}
	for _, f := range a.Effects {
		switch f := f.(type) {
		case Wake:
			p.wake = f.At
		case Request:
			p.request = f.ID
		case Cancel:
			if f.ID == p.request {
				p.request = 0
			}
		case Show:
			p.shown = f.Parts
		case Hide:
			p.shown = nil
		case Insert:
			p.wrong = "the page had put the part in already"
		}
	}
}

// until lets time pass.
func (p *player) until(at time.Time) {
	for !p.wake.IsZero() && !p.wake.After(at) {
		now := p.wake
		p.wake = time.Time{}
		p.do(now, Tick{})
	}
}

func play(lines []line) *player {
	p := &player{m: New(), began: time.Unix(1e9, 0)}
	p.do(p.began, Configure{Config{On: true, Battery: true, Delay: 30 * time.Millisecond, Rules: BuiltIn()}})
	for _, l := range lines {
		at := p.began.Add(time.Duration(l.At) * time.Millisecond)
		p.until(at)
		if l.Show != nil && p.request != 0 && len(p.shown) == 0 {
			p.do(at, Result{ID: p.request, Text: strings.Join(l.Show.Parts, ""), Done: l.Show.Last})
		} else if l.Show != nil && p.request != 0 && strings.HasPrefix(strings.Join(l.Show.Parts, ""), strings.Join(p.shown, "")) {
			p.do(at, Result{ID: p.request, Text: p.m.asked.typed + strings.Join(l.Show.Parts, ""), Done: l.Show.Last})
		}
		kept := p.swallows
		if d := l.Down; d != nil && d.Name == KeyTab && !d.Prevented { // the page does not tell it
			if p.do(at, Key{Name: KeyTab}); p.swallows > kept && p.wrong == "" {
				p.wrong = "at " + at.Sub(p.began).String() + " a Tab that was the browser's"
			}
		}
		e := l.event()
		if e == nil {
			continue
		}
		p.do(at, e)
		if l.In.Key != nil {
			taken := l.In.Key.Shown != 0
			p.accepted = append(p.accepted, taken)
			if taken != (p.swallows > kept) && p.wrong == "" {
				p.wrong = "at " + at.Sub(p.began).String() + " the key " + l.In.Key.Name + ": another outcome than the page's"
			}
		}
	}
	return p
}

// Recorded typing: the machine takes the keys that the page took, and no other.
func TestTraces(t *testing.T) {
	taken := 0
	for name, lines := range traces(t) {
		p := play(lines)
		if p.wrong != "" {
			t.Errorf("%s: %s", name, p.wrong)
		}
		told, prevented := 0, 0
		for _, a := range p.accepted {
			if a {
				told++
			}
		}
		for _, l := range lines {
			if l.Down != nil && l.Down.Prevented {
				prevented++
			}
		}
		if told != prevented || p.swallows != told {
			t.Errorf("%s: the browser lost %d keys, the page took %d, the machine %d", name, prevented, told, p.swallows)
		}
		taken += told
	}
	if taken < 5 {
		t.Errorf("only %d keys were taken in all recordings", taken)
	}
}

// Whatever is left out of a recording, said twice or late, no key is kept but for
// a suggestion that is shown.
func FuzzTraces(f *testing.F) {
	all := traces(f)
	f.Add("words", []byte{0, 1, 2, 3})
	f.Add("composition", []byte{3, 3, 0, 0, 0, 1})
	f.Add("through", []byte{2, 0, 2, 0, 2, 0, 2})
	f.Fuzz(func(t *testing.T, name string, edits []byte) {
		var lines []line
		late := 0
		for i, l := range all[name] {
			edit := byte(0)
			if len(edits) > 0 {
				edit = edits[i%len(edits)]
			}
			l.At += late
			switch edit % 4 {
			case 1:
				continue
			case 2:
				lines = append(lines, l)
			case 3:
				late += int(edit) * 5
			}
			lines = append(lines, l)
		}
		if p := play(lines); strings.HasPrefix(p.wrong, "a key") {
			t.Error(p.wrong)
		}
	})
}
