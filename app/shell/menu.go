package shell

import (
	"cmp"
	"fmt"
	"strings"
)

// titleLimit is the longest title of a chat in a menu, in characters.
const titleLimit = 40

// Menu is the status item's menu: the state, the surfaces, the chats, the
// commands on the text that was copied last, and the end. It always has the same
// lines, some of them hidden, so that a menu that is open meanwhile stays right.
func Menu(s Status, commands []Command, a Actions) []Entry {
	w := WordsFor(s.Language)
	show := func(to Surface) func() { return func() { a.Show(to) } }
	entries := []Entry{
		{ID: "open", Title: w.Open, Run: show(Surface{Surface: Main})},
		{ID: "state", Title: w.State(s)},
		{},
		{ID: "new-chat", Title: w.NewChat, Run: show(Surface{Surface: Main, Open: OpenNew})},
		{ID: "quick-prompt", Title: w.Prompt, Run: show(Surface{Surface: Prompt})},
	}
	chats := make([]Entry, RecentChats)
	for i := range chats {
		chats[i] = Entry{ID: fmt.Sprintf("chat.%d", i+1), Title: w.NewChat, Hidden: i >= len(s.Recent)}
		if !chats[i].Hidden {
			c := s.Recent[i]
			chats[i].Title = cmp.Or(clip(c.Title), w.NewChat)
			chats[i].Run = show(Surface{Surface: Main, Open: OpenChat, Chat: c.ID})
		}
	}
	lines := make([]Entry, len(commands))
	for i, c := range commands {
		lines[i] = Entry{ID: "command." + c.ID, Title: w.Command(c), Run: func() {
			a.Show(Surface{Surface: Prompt, Text: a.Clipboard(), Command: c.ID})
		}}
	}
	return append(entries,
		Entry{ID: "recent", Title: w.Recent, Entries: chats, Hidden: len(s.Recent) == 0},
		Entry{ID: "copied", Title: w.Copied, Entries: lines, Hidden: len(lines) == 0},
		Entry{},
		Entry{ID: "stop", Title: w.Stop, Run: a.StopWriting, Hidden: s.State != StateWriting},
		Entry{ID: "unload", Title: w.Unload, Run: a.Unload, Hidden: !s.Resident || s.State != StateIdle},
		Entry{ID: "settings", Title: w.Settings, Run: show(Surface{Surface: Main, Open: OpenSettings})},
		Entry{ID: "quit", Title: w.Quit, Run: a.Quit})
}

// Do runs what a launcher or another start of Qwill asks for by name: an id of
// Menu's, or a surface; "" is the main window. ok is false when there is no such
// action.
func Do(name string, commands []Command, a Actions) (ok bool) {
	if name == "" || name == Main {
		name = "open"
	}
	if name == Prompt {
		name = "quick-prompt"
	}
	return run(Menu(Status{}, commands, a), name)
}

func run(entries []Entry, id string) bool {
	for _, e := range entries {
		if e.ID == id && e.Run != nil {
			e.Run()
			return true
		}
		if run(e.Entries, id) {
			return true
		}
	}
	return false
}

// clip makes a line of a menu from a chat's title.
func clip(title string) string {
	title = strings.Join(strings.Fields(title), " ")
	if r := []rune(title); len(r) > titleLimit {
		return string(r[:titleLimit-1]) + "…"
	}
	return title
}

// State says what the model does.
func (w Words) State(s Status) string {
	switch s.State {
	case StateLoading:
		return fmt.Sprintf(w.Loading, s.Percent)
	case StateWriting:
		return w.Writing
	case StateNoModel:
		return w.NoModel
	case StateFailed:
		return w.Failed
	}
	if !s.Resident {
		return w.Asleep
	}
	return w.Idle
}

// Command is a command's title in a menu.
func (w Words) Command(c Command) string {
	if title := w.Commands[c.ID]; title != "" {
		return title
	}
	return c.Title
}
