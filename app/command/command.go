// Package command is the one registry of what Qwill does with a text: every
// door (window, quick prompt, command line, Services) shows and runs these. A
// command is data: its prompt is a text file in prompts/.
package command

import (
	"embed"
	"strings"

	"qwill/app/errs"
	"qwill/engine"
)

// Shapes of a result.
const (
	ShapeDiff = "diff" // the text again, changed: shown as a difference
	ShapeText = "text" // another text
)

// Kinds of an option.
const (
	KindLanguage = "language" // a BCP 47 tag or a language's name
	KindText     = "text"
)

// Command is one action.
type Command struct {
	ID      string   `json:"id"`
	Key     string   `json:"key"`   // keyboard key in the quick prompt, 1 to 9, or ""
	Title   string   `json:"title"` // English; the page translates by ID
	Shape   string   `json:"shape"`
	Options []Option `json:"options,omitempty"`
	Custom  bool     `json:"custom,omitempty"` // a user made it
	Model   string   `json:"model,omitempty"`  // what it runs on; "" = the one in use
	Keep    bool     `json:"-"`                // a user's: the guard checks its result
	Edits   bool     `json:"-"`                // asked for as a list of edits with reasons
	Drafts  bool     `json:"drafts,omitempty"` // can give three drafts to choose from

	sampling engine.Sampling
	length   func(tokens int) int // most tokens of the result for a text of about so many
	plain    bool                 // the text is a question, not material

	instruction string // of a user's command
}

// Option is a parameter of a command.
type Option struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Kind     string `json:"kind"`
	Default  string `json:"default,omitempty"`
	Required bool   `json:"required,omitempty"`
}

//go:embed prompts/*.txt
var files embed.FS

func prompt(id string) string {
	text, err := files.ReadFile("prompts/" + id + ".txt")
	if err != nil {
		panic(err) // the tests build every command
	}
	return strings.TrimSpace(string(text))
}

// careful samples close to the model's best guess: corrections, summaries and
// translations want no invention. steady leaves room for other words. Neither
// punishes repetition, whatever the model's default: they work on the user's
// own words.
func careful() engine.Sampling { return sampling(0.3) }
func steady() engine.Sampling  { return sampling(0.5) }

func sampling(temperature float64) engine.Sampling {
	p, off := 0.8, 1.0
	return engine.Sampling{Temperature: &temperature, TopP: &p, RepetitionPenalty: &off}
}

// Lengths of results. A rewritten text is about as long as it was; twice that
// and some room stops a model that runs away, and cuts off none that does not.
func same(n int) int   { return 2*n + 64 }
func double(n int) int { return 3*n + 64 }
func short(n int) int  { return min(n, 768) + 256 }
func answer(int) int   { return 4096 }
func letter(n int) int { return min(n, 1024) + 1024 }
func free(n int) int   { return max(2*n+256, 4096) }

var commands = []Command{
	{ID: "rewrite", Key: "1", Title: "Rewrite", Shape: ShapeDiff, length: same, sampling: steady()},
	{ID: "proofread", Key: "2", Title: "Proofread", Shape: ShapeDiff, length: same, sampling: careful(), Edits: true},
	{ID: "friendly", Key: "3", Title: "Friendly", Shape: ShapeDiff, length: same, sampling: steady()},
	{ID: "professional", Key: "4", Title: "Professional", Shape: ShapeDiff, length: same, sampling: steady()},
	{ID: "concise", Key: "5", Title: "Concise", Shape: ShapeDiff, length: same, sampling: steady()},
	{ID: "summarize", Key: "6", Title: "Summarize", Shape: ShapeText, length: short, sampling: careful()},
	{ID: "key-points", Key: "7", Title: "Key points", Shape: ShapeText, length: short, sampling: careful()},
	{ID: "translate", Key: "8", Title: "Translate", Shape: ShapeText, length: double, sampling: careful(),
		Options: []Option{{Name: "language", Title: "To", Kind: KindLanguage}}},
	{ID: "reply", Key: "9", Title: "Reply", Shape: ShapeText, length: letter, Drafts: true,
		Options: []Option{{Name: "intent", Title: "What to say", Kind: KindText}}},
	{ID: "instruct", Title: "Instruction", Shape: ShapeText, length: free},
	{ID: "ask", Title: "Question", Shape: ShapeText, length: answer, plain: true},
}

// All lists the commands in the order of their keys; instruct and ask, which
// have none, come last.
func All() []Command {
	out := make([]Command, len(commands))
	copy(out, commands)
	return out
}

// IDs lists the names of the commands.
func IDs() []string {
	out := make([]string, len(commands))
	for i, c := range commands {
		out[i] = c.ID
	}
	return out
}

// Find gives the command of this id, or an error that lists the known ones.
func Find(id string) (Command, error) {
	for _, c := range commands {
		if c.ID == id {
			return c, nil
		}
	}
	return Command{}, errs.InvalidField("command", "There is no command %q.", clip(id, 40)).
		Try("use one of %s", strings.Join(IDs(), ", "))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
