package shell

import "time"

// States of suggestions in other programs.
const (
	SuggestingOff         = "off"
	SuggestingActive      = "active"
	SuggestingUnavailable = "unavailable" // Message says why
)

// Suggesting tells what became of suggestions in other programs.
type Suggesting struct {
	State    string         `json:"state"`
	Message  string         `json:"message,omitempty"`
	Programs []SuggestingIn `json:"programs"` // the last one first
}

// SuggestingIn says why a program showed no suggestion when it last could have;
// never any of its text.
type SuggestingIn struct {
	App  string    `json:"app"`            // as rules name it
	Why  string    `json:"why"`            // one of app/suggest's reasons, "" one was shown
	Kind string    `json:"kind,omitempty"` // of the built-in rule that leaves it alone
	At   time.Time `json:"at"`
}
