// Package shell says what the desktop around Qwill's window does for it, and
// decides how Qwill answers the desktop. It is plain Go: app/macos and
// app/linux only carry these decisions to their systems.
package shell

// The surfaces of Qwill's page.
const (
	Main   = "main"
	Prompt = "prompt"
)

// Surface asks the page to show one of its surfaces.
type Surface struct {
	Surface string `json:"surface"`
	Text    string `json:"text,omitempty"`    // text captured elsewhere
	Command string `json:"command,omitempty"` // command to start with, an id of the registry
}

// Command is one entry of the registry as the desktop shows it.
type Command struct{ ID, Title string }

// Actions are what Qwill does when the desktop asks; none of them blocks.
type Actions interface {
	Show(Surface)
	// Clipboard gives the text that was copied last, "" when there is none.
	Clipboard() string
	Quit()
}

// Entry is one line of the status item's menu; no Title makes a separator.
type Entry struct {
	ID, Title string
	Run       func()
}

// StatusItem is the icon in the menu bar or tray.
type StatusItem interface {
	// Start shows the icon. Entries run on a goroutine of their own.
	Start(entries []Entry) error
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

// Menu is the status item's menu: the surfaces, the commands on the text that
// was copied last, and the end.
func Menu(commands []Command, a Actions) []Entry {
	entries := []Entry{
		{ID: "open", Title: "Open Qwill", Run: func() { a.Show(Surface{Surface: Main}) }},
		{ID: "prompt", Title: "Quick Prompt", Run: func() { a.Show(Surface{Surface: Prompt}) }},
		{},
	}
	for _, c := range commands {
		entries = append(entries, Entry{ID: "command." + c.ID, Title: c.Title + " Copied Text", Run: func() {
			a.Show(Surface{Surface: Prompt, Text: a.Clipboard(), Command: c.ID})
		}})
	}
	return append(entries, Entry{}, Entry{ID: "quit", Title: "Quit Qwill", Run: a.Quit})
}
