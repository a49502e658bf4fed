package diag

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"qwill/app/errs"
	"qwill/engine/proto"
)

// handler passes on what cannot hold anybody's text: the message, which is a
// constant of the program, numbers, times, the strings of known keys, and of
// errors their kind. What a user wrote can come into the text of any error, so
// that text is never written.
type handler struct{ next slog.Handler }

// textKeys are the attributes whose strings the program itself makes.
var textKeys = map[string]bool{
	"method": true, "path": true, "chat": true, "model": true, "mlx": true, "device": true, "kernels": true, "architecture": true,
	"quantization": true, "version": true, "job": true, "repo": true, "host": true, "purpose": true, "door": true, "state": true, "file": true,
	"via": true, "command": true, "what": true, "in": true, "action": true,
}

// scrubbedKeys hold what a child wrote: only its harmless parts stay.
var scrubbedKeys = map[string]bool{"cause": true, "stderr": true}

// plainText is what a string of a known key may look like: no spaces, so that
// no sentence passes.
var plainText = regexp.MustCompile(`^[\pL\pN/_.:@+~()\[\]-]{0,300}$`)

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(cleaned(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		all[i] = cleaned(a)
	}
	return handler{h.next.WithAttrs(all)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.next.WithGroup(name)} }

// leftOut stands for what is not written.
const leftOut = "(left out)"

func cleaned(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime, slog.KindUint64:
		return a
	case slog.KindGroup:
		var all []any
		for _, x := range a.Value.Group() {
			all = append(all, cleaned(x))
		}
		return slog.Group(a.Key, all...)
	case slog.KindString:
		s := a.Value.String()
		switch {
		case scrubbedKeys[a.Key]:
			return slog.String(a.Key, strings.Join(Scrub(strings.Split(s, "\n")), "\n"))
		case textKeys[a.Key] && (plainText.MatchString(s) || a.Key == "device" && len(s) < 100):
			return a
		}
		return slog.String(a.Key, leftOut)
	}
	if err, ok := a.Value.Any().(error); ok {
		return slog.Group(a.Key, describe(err)...)
	}
	return slog.String(a.Key, leftOut)
}

// describe says what kind of error it is.
func describe(err error) []any {
	var all []any
	if e, ok := errors.AsType[*errs.Error](err); ok {
		all = append(all, slog.String("code", e.Code))
		if place(e.Detail) {
			all = append(all, slog.String("at", e.Detail))
		}
	}
	if e, ok := errors.AsType[*proto.Error](err); ok {
		all = append(all, slog.Int("engine", e.Code))
		if place(e.File) {
			all = append(all, slog.String("at", e.File))
		}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		all = append(all, slog.String("op", e.Op))
		if place(e.Path) {
			all = append(all, slog.String("file", e.Path))
		}
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		all = append(all, slog.String("system", e.Error()))
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		all = append(all, slog.String("exit", e.ProcessState.String()))
	}
	switch {
	case errors.Is(err, context.Canceled):
		all = append(all, slog.Bool("cancelled", true))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		all = append(all, slog.Bool("late", true))
	}
	return append(all, slog.String("type", kinds(err)))
}

// place tells a file or a field from a text.
func place(s string) bool {
	return s != "" && (filepath.IsAbs(s) || fieldName.MatchString(s)) && plainText.MatchString(s)
}

var fieldName = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+|\[[0-9]+\])*$`)

// kinds names the types of an error and of its causes.
func kinds(err error) string {
	var all []string
	for ; err != nil && len(all) < 6; err = errors.Unwrap(err) {
		all = append(all, strings.TrimPrefix(typeName(err), "*"))
	}
	return strings.Join(all, " < ")
}
