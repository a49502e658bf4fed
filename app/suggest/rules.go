package suggest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// Rule says what happens in the programs that it names. The first rule that
// fits decides.
type Rule struct {
	// Apps are names of programs, in lower case, with * for any characters.
	Apps    []string `json:"apps"`
	Suggest bool     `json:"suggest"`
	OneLine bool     `json:"one_line,omitempty"` // in fields of one line too
	Kind    string   `json:"kind,omitempty"`     // why, of a built-in rule: terminal, passwords, code, screen, own
}

// Rules are rules in order: the person's own, then the built-in ones.
type Rules []Rule

//go:embed rules.json
var builtIn []byte

// BuiltIn gives the rules that Qwill ships: terminals, password managers, code
// editors and remote screens are left alone.
func BuiltIn() Rules {
	var all Rules
	if err := json.Unmarshal(builtIn, &all); err != nil {
		panic(fmt.Sprintf("suggest: rules.json: %v", err)) // a test reads it
	}
	return all
}

// With puts the person's own rules before the others.
func (r Rules) With(own Rules) Rules { return append(append(Rules{}, own...), r...) }

// For gives the rule for a program; one that none names may have suggestions,
// in fields of several lines.
func (r Rules) For(app string) Rule {
	app = strings.ToLower(strings.TrimSpace(app))
	for _, rule := range r {
		for _, name := range rule.Apps {
			if fits(name, app) {
				return rule
			}
		}
	}
	return Rule{Suggest: true}
}

// Check names what is wrong with a person's rule.
func (r Rule) Check() error {
	if len(r.Apps) == 0 {
		return fmt.Errorf("it names no program")
	}
	for _, name := range r.Apps {
		if strings.TrimSpace(name) == "" || len(name) > 200 {
			return fmt.Errorf("a program's name has 1 to 200 bytes, not %d", len(name))
		}
	}
	return nil
}

// fits reports whether app is named by name, where * stands for anything.
func fits(name, app string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	// Only * is special; a path's separator is a character like any other here.
	clean := strings.NewReplacer(`\`, `\\`, "[", `\[`, "?", `\?`, "/", "\x00").Replace(name)
	ok, err := path.Match(clean, strings.ReplaceAll(app, "/", "\x00"))
	return err == nil && ok
}
