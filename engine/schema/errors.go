package schema

import (
	"errors"
	"fmt"
	"strings"

	"qwill/engine/schema/automaton"
	"qwill/engine/schema/grammar"
)

// Error says which part of a format is refused, and why.
type Error struct {
	Path   string // JSON pointer of the keyword in the schema, or ""
	Reason string
}

// Error gives the path and the reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

func refuse(path, format string, args ...any) *Error {
	return &Error{Path: path, Reason: fmt.Sprintf(format, args...)}
}

// wrap gives err a path.
func wrap(path string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	switch {
	case errors.Is(err, automaton.ErrNothing), errors.Is(err, grammar.ErrNothing):
		return refuse(path, "no value fits")
	case errors.Is(err, automaton.ErrTooLarge), errors.Is(err, grammar.ErrTooLarge):
		return refuse(path, "this needs too much memory to be decided while writing: use smaller bounds or a simpler pattern")
	}
	return refuse(path, "%v", err)
}

// at adds a step to a JSON pointer.
func at(path string, steps ...any) string {
	for _, s := range steps {
		path += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(fmt.Sprint(s))
	}
	return path
}
