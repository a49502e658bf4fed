package wire

import (
	"sync/atomic"
	"testing"
	"time"

	"qwill/app/power"
	"qwill/app/suggest"
)

// A session rests on battery and in heat, and follows the settings while it runs.
func TestSuggestionsFollow(t *testing.T) {
	setup(t)
	a := open(t)
	var now atomic.Pointer[power.State]
	now.Store(&power.State{Battery: true})
	a.power = power.Watch(func() power.State { return *now.Load() }, time.Millisecond)
	whys := make(chan suggest.Reason, 1000)
	s := a.suggest(func(suggest.Effect) {}, func(why suggest.Reason) { whys <- why })
	defer s.Close()
	want := func(what string, reason suggest.Reason) {
		t.Helper()
		for end := time.After(10 * time.Second); ; {
			select {
			case why := <-whys:
				if why == reason {
					return
				}
			case <-end:
				t.Fatalf("%s: never %q", what, reason)
			}
		}
	}
	set := func(change string) {
		t.Helper()
		if _, err := a.Settings.Update(t.Context(), []byte(change)); err != nil {
			t.Fatal(err)
		}
	}
	text := "the quick brown "
	write := func(more string) {
		text += more
		s.Do(suggest.Text{Before: text, Caret: len(text)})
	}
	s.Do(suggest.Focus{Field: suggest.Field{ID: "1", App: "editor", MultiLine: true}})
	set(`{"suggestions":true}`)
	want("turned on", suggest.Unread)
	write("")
	want("on battery", suggest.Battery)
	set(`{"suggest_on_battery":true}`)
	want("on battery, wanted there", suggest.Untyped)
	write("f")
	want("without a model", suggest.NoModel)
	now.Store(&power.State{Hot: true})
	want("hot", suggest.Hot)
	now.Store(&power.State{Saver: true})
	want("saving energy", suggest.Saver)
	now.Store(&power.State{})
	want("again", suggest.NoModel)
	set(`{"suggest_rules":[{"apps":["EDIT*"],"suggest":false}]}`)
	want("by a rule", suggest.AppOff)
	set(`{"suggestions":false}`)
	want("turned off", suggest.Off)
}
