package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qwill/app/errs"
	"qwill/engine"
)

// Custom is a command that a user made: an instruction with a name.
type Custom struct {
	ID          string   `json:"id"` // "my-" and a short form of the first title; stays when the title changes
	Title       string   `json:"title"`
	Instruction string   `json:"instruction"` // may hold {name} for each option
	Shape       string   `json:"shape"`
	Options     []Option `json:"options,omitempty"`
	Model       string   `json:"model,omitempty"` // installed name; "" = the one in use
	Temperature *float64 `json:"temperature,omitempty"`
	Key         string   `json:"key,omitempty"`  // 1 to 9 in the quick prompt; a built-in command gives way
	Keep        bool     `json:"keep,omitempty"` // facts and layout must survive: the guard checks the result
}

// Limits of a user's command.
const (
	maxTitle   = 60 // characters
	maxOptions = 8
	// MaxCustom is the most commands of one user.
	MaxCustom = 200
)

var optionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// Validate names the first field that is wrong.
func (c Custom) Validate() error {
	switch n := utf8.RuneCountInString(c.Title); {
	case strings.TrimSpace(c.Title) == "":
		return errs.InvalidField("title", "The command needs a name.")
	case n > maxTitle:
		return errs.InvalidField("title", "The name is longer than %d characters.", maxTitle)
	case strings.ContainsFunc(c.Title, unicode.IsControl):
		return errs.InvalidField("title", "The name holds characters that cannot be shown.")
	}
	switch {
	case strings.TrimSpace(c.Instruction) == "":
		return errs.InvalidField("instruction", "The command needs an instruction.").Try("say what to do with the text")
	case len(c.Instruction) > maxInstruction:
		return errs.InvalidField("instruction", "The instruction is longer than %d KB.", maxInstruction>>10)
	case c.Shape != ShapeDiff && c.Shape != ShapeText:
		return errs.InvalidField("shape", "%q is not one of %s, %s.", clip(c.Shape, 20), ShapeDiff, ShapeText)
	case c.Key != "" && (len(c.Key) != 1 || c.Key < "1" || c.Key > "9"):
		return errs.InvalidField("key", "%q is not one of 1 to 9.", clip(c.Key, 20))
	case c.Temperature != nil && !(*c.Temperature >= 0 && *c.Temperature <= 2):
		return errs.InvalidField("temperature", "%v is out of range.", *c.Temperature).Try("give a number from 0 up to 2")
	case len(c.Model) > 200:
		return errs.InvalidField("model", "The model's name is too long.")
	case len(c.Options) > maxOptions:
		return errs.InvalidField("options", "A command has at most %d options.", maxOptions)
	}
	seen := map[string]bool{}
	for i, o := range c.Options {
		field := fmt.Sprintf("options.%d", i)
		switch {
		case !optionName.MatchString(o.Name) || seen[o.Name] || o.Name == "open" || o.Name == "close" || o.Name == "instruction":
			return errs.InvalidField(field+".name", "%q cannot be an option's name, or is used twice.", clip(o.Name, 40)).Try("use small letters, digits and _")
		case strings.TrimSpace(o.Title) == "" || utf8.RuneCountInString(o.Title) > maxTitle:
			return errs.InvalidField(field+".title", "The option needs a title of at most %d characters.", maxTitle)
		case o.Kind != KindText && o.Kind != KindLanguage:
			return errs.InvalidField(field+".kind", "%q is not one of %s, %s.", clip(o.Kind, 20), KindText, KindLanguage)
		case len(o.Default) > maxInstruction:
			return errs.InvalidField(field+".default", "The value is too long.")
		}
		seen[o.Name] = true
	}
	return nil
}

// Command gives the form in which every door runs it.
func (c Custom) Command() Command {
	out := Command{ID: c.ID, Key: c.Key, Title: c.Title, Shape: c.Shape, Options: slices.Clone(c.Options), Custom: true, Keep: c.Keep, Model: c.Model,
		sampling: steady(), length: free, instruction: c.Instruction}
	if c.Shape == ShapeDiff {
		out.length = same
	}
	if c.Temperature != nil {
		t, off := *c.Temperature, 1.0
		out.sampling = engine.Sampling{Temperature: &t, RepetitionPenalty: &off}
	}
	return out
}

// fill puts the options' values into the instruction; one that is left empty
// takes its default.
func (c Command) fill(in Input) string {
	var pairs []string
	for _, o := range c.Options {
		value := strings.TrimSpace(in.Options[o.Name])
		if o.Kind == KindLanguage {
			if name, err := languageName(value); err == nil {
				value = name
			} else if name, err := languageName(o.Default); err == nil {
				value = name
			} else {
				value = c.language(Input{Language: in.Language})
			}
		} else if value == "" {
			value = o.Default
		}
		pairs = append(pairs, "{"+o.Name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(strings.TrimSpace(c.instruction))
}

// slug makes an id of a title: letters, digits and hyphens.
func slug(title string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range strings.ToLower(title) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if hyphen && b.Len() > 0 {
				b.WriteByte('-')
			}
			hyphen = false
			b.WriteRune(r)
		} else {
			hyphen = true
		}
		if b.Len() > 40 {
			break
		}
	}
	if b.Len() == 0 {
		return "my-command"
	}
	return "my-" + b.String()
}
