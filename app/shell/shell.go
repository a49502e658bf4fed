// Package shell says what the desktop around Qwill's window does for it, and
// decides how Qwill answers the desktop. It is plain Go: app/macos and
// app/linux only carry these decisions to their systems.
package shell

// The surfaces of Qwill's page.
const (
	Main   = "main"
	Prompt = "prompt"
)

// What the main surface can open.
const (
	OpenNew      = "new"
	OpenChat     = "chat"
	OpenSettings = "settings"
)

// Surface asks the page to show one of its surfaces.
type Surface struct {
	Surface string `json:"surface"`
	Text    string `json:"text,omitempty"`    // text captured elsewhere
	Command string `json:"command,omitempty"` // command to start with, an id of the registry
	Open    string `json:"open,omitempty"`    // what the main surface opens; "" leaves it as it was
	Chat    string `json:"chat,omitempty"`    // id, for OpenChat
	// Target is where the text was captured, nil when it cannot be put back.
	Target *Target `json:"target,omitempty"`
}

// Command is one entry of the registry as the desktop shows it.
type Command struct{ ID, Title string }

// Chat is a conversation as the desktop lists it.
type Chat struct{ ID, Title string }

// States of the model, for Status.
const (
	StateIdle    = "idle" // ready, or asleep until it is needed
	StateLoading = "loading"
	StateWriting = "writing"
	StateNoModel = "no-model"
	StateFailed  = "failed"
)

// Status is what the desktop shows of Qwill while the window may be hidden.
type Status struct {
	Language string // en or zh-Hans
	State    string
	Percent  int    // of the load
	Model    string // the one for new chats, "" when there is none
	Resident bool   // it is in memory
	Recent   []Chat // last changed first
	Hotkey   string
	Enabled  bool // the hotkey
	Suggest  bool // other programs' editors have suggestions
}

// RecentChats is how many chats the status item lists.
const RecentChats = 5

// Actions are what Qwill does when the desktop asks; none of them blocks long.
type Actions interface {
	Show(Surface)
	// Clipboard gives the text that was copied last, "" when there is none.
	Clipboard() string
	// StopWriting ends the answers that are being written, keeping their text.
	StopWriting()
	// Unload frees the model's memory until it is needed again.
	Unload()
	Quit()
}

// Entry is one line of the status item's menu; no Title makes a separator.
type Entry struct {
	ID, Title string
	Run       func()  // nil: the line only tells something
	Entries   []Entry // a submenu
	Hidden    bool
}

// StatusItem is the icon in the menu bar or tray.
type StatusItem interface {
	// Start shows the icon. Entries run on a goroutine of their own.
	Start(entries []Entry, state string) error
	// Update replaces the menu and the state.
	Update(entries []Entry, state string)
	Stop()
}

// Services lets other programs run the commands.
type Services interface {
	Start(Answerer) error
	Stop()
}

// Answerer is what Services calls; *Service is the one of the app.
type Answerer interface {
	// Replace runs a command on a text and gives the text to put in its place.
	Replace(command, text string) (string, error)
	// Open shows the quick prompt with the text and returns at once.
	Open(command, text string)
}
