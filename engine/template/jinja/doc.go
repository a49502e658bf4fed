// Package jinja renders chat templates: the part of Jinja2 that models' chat
// templates use, with the settings and extras of the transformers library
// (trim_blocks, lstrip_blocks, loop controls, generation blocks, tojson,
// raise_exception, strftime_now).
//
// Two things make it worth having instead of a general template engine. A
// template comes with a downloaded model and is hostile until shown otherwise:
// every step, byte and level of nesting is counted, and nothing but the values
// given is within reach. And strings carry where each of their bytes comes
// from, so that a message can never forge the control tokens that the template
// writes, however the template cuts and joins it.
package jinja

import (
	"fmt"
	"time"
)

// Limits bound a rendering.
type Limits struct {
	Steps  int           // evaluated nodes; long strings count as several
	Bytes  int           // all bytes ever allocated for values
	Output int           // bytes of the result
	Time   time.Duration // wall time
}

const (
	maxSource = 1 << 20 // bytes of a template
	maxDepth  = 200     // nesting of expressions and blocks
	maxCalls  = 60      // nesting of macro calls
	maxRange  = 100_000 // as Jinja's sandbox has it
)

// Error is what went wrong in a template, and where.
type Error struct {
	Line int // 1-based, 0 when unknown
	Msg  string
	// Raised says that the template itself refused its input (raise_exception).
	Raised bool
}

// Error gives the line and the message.
func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
	}
	return e.Msg
}

func failf(line int, format string, args ...any) {
	panic(&Error{Line: line, Msg: fmt.Sprintf(format, args...)})
}

// catch turns a panic of this package into an error; any other panic in a
// template's evaluation is a fault of ours that must not end the process.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		*err = r
	default:
		*err = &Error{Msg: fmt.Sprint("internal fault: ", r)}
	}
}
