// Package suggest decides when a continuation of what a person types is asked
// for, shown, taken and withheld. It is one state machine without goroutines
// and without a clock: events with their times go in, effects come out, and
// whoever drives it, the drafting pane or the overlay of another program's
// editor, carries them out.
//
// How to drive it:
//
//   - Do is called with every event, in order, from one goroutine at a time. Its
//     effects are carried out in their order.
//   - A driver reads a field's text only between Watch and Unwatch. A field that
//     is secure, or in a program that is excluded, is never watched: Focus tells
//     of it without its text, and a Text for it is dropped unread.
//   - Key comes before the Text that the key causes. A key is kept from the
//     program only if the answer says Swallow; every other one passes. Swallow is
//     true only when a shown suggestion was accepted by that key, in part or whole.
//   - Wake asks for a Tick at its time; a later Wake replaces it, the zero time
//     takes it back.
//
// Why says at any time why nothing is shown.
package suggest

import "time"

// Event is something that happened: one of the types below.
type Event interface{ event() }

// Field is an editable field of some program.
type Field struct {
	ID        string `json:"id"`  // unique while the field lives
	App       string `json:"app"` // name of its program, such as "gedit"; "qwill" in the app's own page
	Secure    bool   `json:"secure,omitempty"`
	ReadOnly  bool   `json:"read_only,omitempty"`
	MultiLine bool   `json:"multi_line,omitempty"`
	Language  string `json:"language,omitempty"` // BCP 47; "" unknown
}

// Focus says that a field has the keyboard now. Its text is not given here.
type Focus struct{ Field Field }

// Blur says that no field has the keyboard.
type Blur struct{}

// Text is the state of the watched field, after whatever changed: what was
// typed, the caret, the selection. Sent when Watch is carried out and at every
// change after it. Before may be cut at its start and After at its end; about
// 4,000 characters before the caret are of use, and the line after it.
type Text struct {
	Before   string `json:"before"`
	After    string `json:"after"`
	Caret    int    `json:"caret"`    // offset of the caret in the field, in characters (runes)
	Selected bool   `json:"selected"` // some text is selected; Before ends at the caret all the same
}

// Names of keys that matter; all others are keys all the same.
const (
	KeyTab    = "Tab"
	KeyEscape = "Escape"
)

// Key is a key that goes down.
type Key struct {
	Name  string `json:"name"` // as in a page's KeyboardEvent.key: Tab, Escape, Backspace, Shift, a …
	Shift bool   `json:"shift,omitempty"`
	Mod   bool   `json:"mod,omitempty"` // Control, Alt, Super or Command is held: a shortcut
	// Shown is the ID of the Show that the driver displays; 0 leaves it to the
	// machine's own view. A driver that runs a moment behind gives it, so that a
	// key is taken only for what the person saw.
	Shown uint64 `json:"shown,omitempty"`
	// Inserted says that the driver has put Tab's part, or Shift-Tab's whole, into
	// the text already, as Show named them: no Insert follows.
	Inserted bool `json:"inserted,omitempty"`
}

// Compose tells of an input method that begins or ends a composition. Text of
// an unfinished composition need not be sent.
type Compose struct{ On bool }

// Result is what was generated so far for the request of ID: the whole text,
// fit to be appended to Before as it is.
type Result struct {
	ID   uint64
	Text string
	Done bool
	Why  Reason // with Done and no Text: why there is none
}

// Tick says that time has passed; the answer to Wake.
type Tick struct{}

// Power is the state of the machine's supply.
type Power struct {
	Battery bool // it runs on its battery
	Saver   bool // the system saves energy
}

// Heat is the state of the machine's cooling.
type Heat struct{ Hot bool }

// Configure replaces the person's choices.
type Configure struct{ Config Config }

func (Focus) event()     {}
func (Blur) event()      {}
func (Text) event()      {}
func (Key) event()       {}
func (Compose) event()   {}
func (Result) event()    {}
func (Tick) event()      {}
func (Power) event()     {}
func (Heat) event()      {}
func (Configure) event() {}

// Config holds the person's choices.
type Config struct {
	On      bool
	Paused  bool
	Battery bool          // suggest on battery too
	Delay   time.Duration // from the last change to the request; stretched while keys come fast
	Rules   Rules
}

// Effect is something to do: one of the types below.
type Effect interface{ effect() }

// Watch allows to read the field's text: send Text now and at every change.
type Watch struct{ Field Field }

// Unwatch takes Watch back: read nothing any more.
type Unwatch struct{}

// Request asks for a continuation of Before: send Result, with the text so far
// as it grows.
type Request struct {
	ID     uint64
	Before string
	After  string
	Field  Field
}

// Cancel gives up a request; its Results are no longer wanted.
type Cancel struct{ ID uint64 }

// Show displays a suggestion at the caret, in place of any other.
type Show struct {
	ID uint64 `json:"id"` // of its request; the same while it grows or shrinks
	// Parts are its words, each with the space before it: Tab takes the first,
	// Shift-Tab all. Joined they are the suggestion.
	Parts []string `json:"parts"`
	At    int      `json:"at"`   // caret offset, as in Text
	Last  bool     `json:"last"` // it will not grow any more
}

// Hide removes what is shown.
type Hide struct{ Why Reason }

// Insert puts text at the caret: an accepted part. The Text that follows from
// it is sent as any other.
type Insert struct {
	Text string
	At   int // caret offset, as in Text; where it is not there any more, insert nothing
}

// Wake asks for a Tick.
type Wake struct{ At time.Time }

func (Watch) effect()   {}
func (Unwatch) effect() {}
func (Request) effect() {}
func (Cancel) effect()  {}
func (Show) effect()    {}
func (Hide) effect()    {}
func (Insert) effect()  {}
func (Wake) effect()    {}

// Answer is what follows from one event.
type Answer struct {
	Swallow bool // of a Key: the program must not get it
	Effects []Effect
}

// Reason says why nothing is shown, by a stable name that each door translates.
type Reason string

// Reasons. The first group concerns the field, the second its text, the third
// the machine, the fourth what was generated.
const (
	Shown   Reason = ""       // something is shown
	Off     Reason = "off"    // suggestions are turned off
	Paused  Reason = "paused" // for now
	NoField Reason = "field"  // no field has the keyboard
	Secure  Reason = "secure" // a password
	Locked  Reason = "locked" // the field cannot be written
	OneLine Reason = "line"   // a field of one line
	AppOff  Reason = "app"    // by a rule for its program
	NoPlace Reason = "place"  // the driver cannot show it there, or another program has its keys
	Unread  Reason = "unread" // its text has not come yet

	Composing Reason = "composing" // an input method is at work
	Selected  Reason = "selection" // some text is selected, or was and nothing was typed since
	Untyped   Reason = "untyped"   // nothing was typed since the field got the keyboard or the caret was moved
	Deleting  Reason = "deleting"  // the last change took something away
	Edited    Reason = "edited"    // the last change was no typing: pasted, undone, replaced
	Dismissed Reason = "dismissed" // by Escape; typing ends it
	TooShort  Reason = "short"     // too little text to go by
	MidWord   Reason = "word"      // the caret is inside a word
	MidLine   Reason = "midline"   // text follows in the line
	Typing    Reason = "typing"    // a pause is awaited
	Cancelled Reason = "key"       // a key came first
	Used      Reason = "used"      // taken whole, by Tab or by typing

	Battery Reason = "battery"
	Saver   Reason = "saver"
	Hot     Reason = "heat"

	Asking   Reason = "asking"     // the model is at work
	Stale    Reason = "stale"      // the text went on differently
	Nothing  Reason = "nothing"    // the model would end here
	Unsure   Reason = "confidence" // too low a probability
	Repeats  Reason = "repeats"    // only what stands there already
	Foreign  Reason = "language"   // another language or script
	Preamble Reason = "preamble"   // talk about the text instead of the text
	Slow     Reason = "slow"       // it took too long
	NoModel  Reason = "model"      // none is installed
	NoMemory Reason = "memory"     // the model does not fit beside the one in use
	Failed   Reason = "error"      // the engine failed
)

// All lists every reason but Shown.
var All = []Reason{Off, Paused, NoField, Secure, Locked, OneLine, AppOff, NoPlace, Unread,
	Composing, Selected, Untyped, Deleting, Edited, Dismissed, TooShort, MidWord, MidLine, Typing, Cancelled, Used,
	Battery, Saver, Hot,
	Asking, Stale, Nothing, Unsure, Repeats, Foreign, Preamble, Slow, NoModel, NoMemory, Failed}

// Note is one change of Why: what it was, where and when; never any text.
type Note struct {
	At  time.Time `json:"at"`
	App string    `json:"app,omitempty"`
	Why Reason    `json:"why"` // "" when something was shown
}
