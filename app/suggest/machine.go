package suggest

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Times that are no choices.
const (
	// patience is how long a request may take before it is given up.
	patience = 6 * time.Second
	// settle is how long an accepted part may take to appear in the text.
	settle = time.Second
	// fast is the time between keys below which one waits for the burst to end.
	fast     = 140 * time.Millisecond
	maxDelay = 400 * time.Millisecond
	notes    = 64 // kept
)

// Machine is the state machine; New makes one.
type Machine struct {
	cfg   Config
	power Power
	heat  bool

	field     *Field
	watched   bool
	composing bool
	composed  *Text // the last state of the text in a composition

	text  *Text  // nil until it was read
	block Reason // why this state of the text gets no suggestion: Untyped, Dismissed …; "" none

	rhythm   time.Duration // between keys, a running mean
	lastType time.Time
	due      time.Time // of the next request, zero: none is planned
	wake     time.Time // asked for

	last    uint64 // ID of the last request
	asked   *asked
	shown   []string // parts on display; empty: nothing is shown
	final   bool     // of what is shown: it grows no more
	pending *inserting

	why   Reason
	notes []Note

	out []Effect
}

// asked is a request and what came of it.
type asked struct {
	id      uint64
	before  string // as requested
	typed   string // after it, fitting so far
	got     string // the result so far
	done    bool
	began   time.Time
	expires time.Time
}

// inserting is an accepted part on its way into the text.
type inserting struct {
	from  Text // the text without it
	until time.Time
}

// New makes a machine that is off until it is configured.
func New() *Machine { return &Machine{why: Off} }

// Why says why nothing is shown; Shown when something is.
func (m *Machine) Why() Reason { return m.why }

// Notes lists the last changes of Why, oldest first.
func (m *Machine) Notes() []Note { return append([]Note{}, m.notes...) }

// Kind gives the kind of the rule that excludes the focused program, if any.
func (m *Machine) Kind() string {
	if m.field == nil {
		return ""
	}
	return m.cfg.Rules.For(m.field.App).Kind
}

// Do takes one event that happened at a time.
func (m *Machine) Do(at time.Time, e Event) Answer {
	m.out = nil
	swallow := false
	switch e := e.(type) {
	case Configure:
		m.cfg = e.Config
		m.watch()
	case Focus:
		m.focus(e.Field)
	case Blur:
		m.leave()
		m.field = nil
	case Text:
		if m.watched { // else it must not even be looked at
			m.change(at, e)
		}
	case Key:
		swallow = m.key(at, e)
	case Compose:
		m.compose(at, e.On)
	case Result:
		m.result(at, e)
	case Power:
		m.power = e
	case Heat:
		m.heat = e.Hot
	case Tick:
		if m.wake.Equal(at) || m.wake.Before(at) {
			m.wake = time.Time{}
		}
	}
	m.decide(at)
	return Answer{Swallow: swallow, Effects: m.out}
}

func (m *Machine) do(e Effect) { m.out = append(m.out, e) }

// note keeps the reason when it changes.
func (m *Machine) note(at time.Time, why Reason) {
	if m.why == why {
		return
	}
	m.why = why
	app := ""
	if m.field != nil {
		app = m.field.App
	}
	if len(m.notes) == notes {
		m.notes = append(m.notes[:0], m.notes[1:]...)
	}
	m.notes = append(m.notes, Note{At: at, App: app, Why: why})
}

// outside says why the focused field gets no suggestions whatever is typed.
func (m *Machine) outside() Reason {
	switch {
	case !m.cfg.On:
		return Off
	case m.field == nil:
		return NoField
	case m.field.Secure:
		return Secure
	case m.cfg.Paused:
		return Paused
	case m.field.ReadOnly:
		return Locked
	}
	rule := m.cfg.Rules.For(m.field.App)
	switch {
	case !rule.Suggest:
		return AppOff
	case !m.field.MultiLine && !rule.OneLine:
		return OneLine
	}
	return ""
}

// inside says why this text gets no suggestion now.
func (m *Machine) inside() Reason {
	switch {
	case m.text == nil:
		return Unread
	case m.composing:
		return Composing
	case m.text.Selected:
		return Selected
	case m.power.Saver:
		return Saver
	case m.power.Battery && !m.cfg.Battery:
		return Battery
	case m.heat:
		return Hot
	case m.block != "":
		return m.block
	case midWord(m.text.After):
		return MidWord
	case midLine(m.text.After):
		return MidLine
	case !enough(m.text.Before):
		return TooShort
	}
	return ""
}

// watch begins or ends reading the field, as the rules say now.
func (m *Machine) watch() {
	may := m.outside() == ""
	if may == m.watched {
		return
	}
	m.watched = may
	if may {
		m.do(Watch{Field: *m.field})
		return
	}
	m.forget()
	m.do(Unwatch{})
}

// forget drops the text and all that was made of it.
func (m *Machine) forget() {
	m.stop(m.outside())
	m.text, m.composed, m.block, m.pending, m.due = nil, nil, Untyped, nil, time.Time{}
}

// leave ends all that concerns the field.
func (m *Machine) leave() {
	if m.watched {
		m.watched = false
		m.stop(NoField)
		m.text, m.composed, m.pending, m.due = nil, nil, nil, time.Time{}
		m.do(Unwatch{})
	}
	m.composing, m.block = false, Untyped
}

func (m *Machine) focus(f Field) {
	if m.field != nil && *m.field == f {
		return // told twice
	}
	m.leave()
	m.field = &f
	m.watch()
}

// stop gives up the request and removes what is shown.
func (m *Machine) stop(why Reason) {
	if m.asked != nil {
		if !m.asked.done {
			m.do(Cancel{ID: m.asked.id})
		}
		m.asked = nil
	}
	m.hide(why)
}

func (m *Machine) hide(why Reason) {
	if len(m.shown) > 0 {
		m.shown = nil
		m.do(Hide{Why: why})
	}
}

// compose keeps the text as it was until the composition ends: what an input
// method shows meanwhile is not typed yet.
func (m *Machine) compose(at time.Time, on bool) {
	m.composing = on
	if on {
		m.stop(Composing)
		m.due = time.Time{}
	} else if m.composed != nil {
		now := *m.composed
		m.composed = nil
		m.change(at, now)
	}
}

// change takes a new state of the text.
func (m *Machine) change(at time.Time, now Text) {
	if m.composing {
		m.composed = &now
		return
	}
	old := m.text
	if m.pending != nil {
		from := m.pending.from
		switch {
		case at.After(m.pending.until):
			m.pending = nil
		case now.Caret == old.Caret && now.After == old.After && ends(now.Before, old.Before):
			m.pending = nil
			m.text = &now
			return
		case now.After == from.After && now.Caret >= from.Caret && now.Caret < old.Caret:
			return // on its way
		default:
			m.pending = nil
		}
	}
	m.text = &now
	if old == nil {
		m.block = Untyped
		return
	}
	typed, how := difference(*old, now)
	if how == same {
		return
	}
	m.due = time.Time{}
	switch how {
	case appended:
		m.block = ""
		m.beat(at)
		if m.asked != nil && m.fits(typed) {
			return
		}
		m.stop(Typing)
		m.due = at.Add(m.delay())
		return
	case shortened:
		m.block = Deleting
	case moved:
		if m.block == "" || m.block == Used { // Dismissed stays until something is typed
			m.block = Untyped
		}
	case edited:
		m.block = Edited
	}
	if now.Selected {
		m.block = Selected
	}
	m.stop(m.block)
}

// fits lets typed text use up the suggestion; it reports whether that stands.
func (m *Machine) fits(typed string) bool {
	a := m.asked
	next := a.typed + typed
	if !strings.HasPrefix(a.got, next) {
		return false // nothing came yet, or it goes on differently
	}
	if a.done && next == a.got {
		return false // used up: ask anew
	}
	if !a.done && len(m.shown) == 0 {
		return false // not decided yet: the new text knows more
	}
	a.typed = next
	return true
}

// beat learns how fast keys come.
func (m *Machine) beat(at time.Time) {
	gap := min(at.Sub(m.lastType), time.Second)
	if m.lastType.IsZero() || gap < 0 {
		gap = time.Second
	}
	m.lastType = at
	if m.rhythm == 0 || gap >= time.Second {
		m.rhythm = gap
		return
	}
	m.rhythm = (m.rhythm + gap) / 2
}

// delay is the chosen one, or the end of a burst of keys: what would be
// cancelled by the next key is not begun.
func (m *Machine) delay() time.Duration {
	if m.rhythm > 0 && m.rhythm < fast {
		return min(max(m.cfg.Delay, m.rhythm*3/2), maxDelay)
	}
	return m.cfg.Delay
}

// key takes a key and says whether the program must not get it.
func (m *Machine) key(at time.Time, k Key) bool {
	switch k.Name {
	case "Shift", "Control", "Alt", "AltGraph", "Meta", "Super", "CapsLock", "NumLock", "ScrollLock", "Fn", "Hyper", "Dead", "Process", "Compose":
		return false
	}
	if k.Mod || m.composing {
		return false // what it does is seen in the text
	}
	mine := k.Shown == 0 || m.asked != nil && k.Shown == m.asked.id
	if k.Name == KeyTab && len(m.shown) > 0 && mine && m.watched {
		m.accept(at, k)
		return true
	}
	if m.asked == nil && m.due.IsZero() {
		return false
	}
	if k.Name == KeyEscape {
		if len(m.shown) > 0 {
			m.stop(Dismissed)
		} else {
			m.stop(Cancelled)
		}
		m.due, m.block = time.Time{}, Dismissed
		return false
	}
	// A character that goes on as the suggestion does keeps it; its text follows.
	if len(m.shown) > 0 && utf8.RuneCountInString(k.Name) == 1 && strings.HasPrefix(strings.Join(m.shown, ""), k.Name) {
		return false
	}
	m.stop(Cancelled)
	m.due = time.Time{}
	if m.block == "" {
		m.block = Cancelled // until its text comes
	}
	return false
}

// accept puts the first part, or all, into the text.
func (m *Machine) accept(at time.Time, k Key) {
	part := m.shown[0]
	if k.Shift {
		part = strings.Join(m.shown, "")
	}
	from := *m.text
	if m.pending != nil {
		from = m.pending.from
	}
	if !k.Inserted {
		m.do(Insert{Text: part, At: m.text.Caret})
	}
	now := *m.text
	now.Before += part
	now.Caret += utf8.RuneCountInString(part)
	m.text = &now
	m.pending = &inserting{from: from, until: at.Add(settle)}
	m.asked.typed += part
	if k.Shift || m.asked.done && m.asked.typed == m.asked.got { // go on after it
		m.stop(Used)
		m.due = at.Add(m.cfg.Delay)
	}
}

func (m *Machine) result(at time.Time, r Result) {
	a := m.asked
	if a == nil || r.ID != a.id || a.done {
		return
	}
	a.done = r.Done
	if seen := a.typed + strings.Join(m.shown, ""); len(m.shown) == 0 || strings.HasPrefix(r.Text, seen) {
		a.got = r.Text
	} else if a.done { // what a person sees never changes: it grows, or ends
		a.got = seen
	}
	if !strings.HasPrefix(a.got, a.typed) {
		m.stop(Stale)
		m.block = Stale
		return
	}
	if a.done && len(a.got) == len(a.typed) {
		m.asked = nil
		switch {
		case r.Why != "":
			m.block = r.Why
		case a.typed != "":
			m.block = Used
		default:
			m.block = Nothing
		}
		m.hide(m.block)
	}
}

// visible cuts what came and was not typed into whole words.
func (a *asked) visible() []string {
	parts := Split(a.got[len(a.typed):])
	if !a.done && len(parts) > 0 { // the last may still grow
		parts = parts[:len(parts)-1]
	}
	if strings.TrimSpace(strings.Join(parts, "")) == "" {
		return nil
	}
	return parts
}

// decide brings what is asked and shown to what the state allows.
func (m *Machine) decide(at time.Time) {
	why := m.outside()
	if why == "" {
		if why = m.inside(); why != "" {
			m.stop(why)
			m.due = time.Time{}
		}
	}
	switch {
	case why != "":
	case m.asked != nil:
		why = m.display(at)
	case m.due.IsZero():
		why = Untyped
	case at.Before(m.due):
		why = Typing
	default:
		m.due = time.Time{}
		m.last++
		m.asked = &asked{id: m.last, before: m.text.Before, began: at, expires: at.Add(patience)}
		m.do(Request{ID: m.last, Before: m.text.Before, After: m.text.After, Field: *m.field})
		why = Asking
	}
	m.note(at, why)
	m.alarm()
}

// display shows what came of the request, as far as it is new.
func (m *Machine) display(at time.Time) Reason {
	a := m.asked
	parts := a.visible()
	if len(parts) == 0 {
		if !a.done && !at.Before(a.expires) {
			m.stop(Slow)
			m.block = Slow
			return Slow
		}
		m.hide(Asking)
		return Asking
	}
	if !equal(parts, m.shown) || a.done != m.final {
		m.shown, m.final = parts, a.done
		m.do(Show{ID: a.id, Parts: parts, At: m.text.Caret, Last: a.done})
	}
	return Shown
}

// alarm asks to be woken for what is due next.
func (m *Machine) alarm() {
	next := m.due
	if m.asked != nil && !m.asked.done && len(m.shown) == 0 {
		next = m.asked.expires
	}
	if !next.Equal(m.wake) {
		m.wake = next
		m.do(Wake{At: next})
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
