//go:build linux

package linux

import (
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"qwill/app/linux/keys"
	"qwill/app/suggest"
)

// Times of the watch over the keys.
const (
	downTime   = 25 * time.Millisecond  // between two looks at which keys are down
	silentTime = 200 * time.Millisecond // in which a typed key changes the text
)

// composer notices an input method at work: while a suggestion is shown, keys
// go down and the text does not change. It sees which keys are down at that
// moment, on the keyboard as a whole, and keeps nothing of it.
type composer struct {
	screen *screen
	own    []xproto.Keycode // modifiers, and the keys that are borrowed
	down   [32]byte         // one bit a key, at the last look
	known  bool             // down is of now
	since  time.Time        // the first key that the text did not follow; zero: none
	on     bool             // the session was told of a composition
}

func newComposer(s *screen) (*composer, error) {
	layout, err := keys.Read(s.conn)
	if err != nil {
		return nil, err
	}
	own := slices.Clone(layout.Modifiers)
	own = append(own, layout.Codes(keys.SymTab)...)
	return &composer{screen: s, own: append(own, layout.Codes(keys.SymEscape)...)}, nil
}

// look says whether an input method must be at work.
func (c *composer) look(now time.Time) bool {
	k, err := xproto.QueryKeymap(c.screen.conn).Reply()
	if err != nil || len(k.Keys) != len(c.down) {
		return false
	}
	if c.pressed([32]byte(k.Keys)) && c.since.IsZero() {
		c.since = now
	}
	return !c.since.IsZero() && now.Sub(c.since) >= silentTime
}

// pressed says whether a key that types went down since the last look.
func (c *composer) pressed(down [32]byte) (typed bool) {
	for code := range 256 {
		bit := byte(1) << (code % 8)
		if down[code/8]&bit != 0 && c.down[code/8]&bit == 0 && !slices.Contains(c.own, xproto.Keycode(code)) {
			typed = c.known
		}
	}
	c.down, c.known = down, true
	return typed
}

// rest forgets what was seen: the text has changed, or nothing is shown.
func (c *composer) rest() { c.known, c.since = false, time.Time{} }

// composes tells the session of a composition that begins.
func (d *driver) composes() {
	d.composer.rest()
	d.composer.on = true
	d.session.Do(suggest.Compose{On: true})
}

// composed tells it that the text has changed: the composition is over, or has
// put in a part.
func (d *driver) composed() {
	d.composer.rest()
	if d.composer.on {
		d.composer.on = false
		d.session.Do(suggest.Compose{})
	}
}
