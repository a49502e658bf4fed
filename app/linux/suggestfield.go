//go:build linux

package linux

import (
	"context"
	"image"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jezek/xgb/xproto"

	"qwill/app/linux/atspi"
	"qwill/app/suggest"
)

// What is read of a field, in characters.
const (
	beforeLimit = 4000
	afterLimit  = 400
)

// field is an editable field of another program.
type field struct {
	object   atspi.Object
	window   xproto.Window // in front, with the field in it
	about    suggest.Field
	writable bool // by AT-SPI
}

// find gives the field that has the keyboard, ok false when there is none or it
// is Qwill's own. Its text is not read. hint is what an event named; Null where
// there is none.
func (d *driver) find(ctx context.Context, hint atspi.Object) (f field, ok bool) {
	window := d.screen.active()
	if window == 0 {
		return f, false
	}
	pid := d.screen.pid(window)
	if pid == os.Getpid() { // the page has suggestions of its own
		return f, false
	}
	object := hint
	var app atspi.App
	fits := func() bool {
		states, err := object.States(ctx)
		if err != nil || !states.Has(atspi.Focused) || states.Has(atspi.Defunct) {
			return false
		}
		app, err = object.App(ctx)
		return err == nil && app.PID != os.Getpid() && (app.PID == pid || pid == 0 || app.PID == 0)
	}
	if object.Null() || !fits() {
		var err error
		if object, err = d.conn.Focused(ctx, pid); err != nil || !fits() {
			return f, false
		}
	}
	states, err := object.States(ctx)
	if err != nil {
		return f, false
	}
	role, err := object.Role(ctx)
	if err != nil {
		return f, false
	}
	can, err := object.Interfaces(ctx)
	if err != nil {
		return f, false
	}
	has := func(name string) bool {
		for _, one := range can {
			if one == name {
				return true
			}
		}
		return false
	}
	secure := object.Secure(ctx)
	if !secure && (!states.Has(atspi.Editable) || !has("Text")) && role != atspi.RoleTerminal {
		return f, false
	}
	f = field{object: object, window: window, writable: has("EditableText"), about: suggest.Field{
		ID: object.String(), App: programName(app, role), Secure: secure,
		ReadOnly: states.Has(atspi.ReadOnly) || !states.Has(atspi.Sensitive) && !states.Has(atspi.Enabled),
		// Some toolkits say neither; a line of its own height is not known then.
		MultiLine: states.Has(atspi.MultiLine),
	}}
	return f, true
}

// programName gives the name that rules know a program by: its own, or that of its
// process where a rule leaves that one alone.
func programName(app atspi.App, role atspi.Role) string {
	name := strings.TrimSpace(app.Name)
	rules := suggest.BuiltIn()
	if role == atspi.RoleTerminal && rules.For(name).Suggest {
		return "terminal" // whatever it is called
	}
	process := ""
	if app.PID != 0 {
		b, _ := os.ReadFile("/proc/" + strconv.Itoa(app.PID) + "/comm")
		process = strings.TrimSpace(string(b))
	}
	if name == "" || process != "" && rules.For(name).Suggest && !rules.For(process).Suggest {
		return process
	}
	return name
}

// read gives the state of the field's text. ok is false when it cannot be read
// or must not be.
func (f field) read(ctx context.Context) (text suggest.Text, secure, ok bool) {
	if f.object.Secure(ctx) { // it may have become a field for passwords
		return text, true, false
	}
	caret, err := f.object.Caret(ctx)
	if err != nil || caret < 0 {
		return text, false, false
	}
	length, err := f.object.Length(ctx)
	if err != nil || caret > length {
		return text, false, false
	}
	selections, err := f.object.Selections(ctx)
	if err != nil {
		return text, false, false
	}
	part := atspi.Range{From: max(0, caret-beforeLimit), To: min(length, caret+afterLimit)}
	all, err := f.object.Text(ctx, part)
	if err != nil || strings.Contains(all, embedded) { // paragraphs of their own: not one text
		return text, false, false
	}
	runes := []rune(all)
	at := caret - part.From
	if at > len(runes) {
		return text, false, false
	}
	after, _, _ := strings.Cut(string(runes[at:]), "\n")
	return suggest.Text{Before: string(runes[:at]), After: after, Caret: caret, Selected: len(selections) > 0}, false, true
}

// places gives where the caret and the field are on the screen, as the program
// says; empty what it does not say.
func (f field) places(ctx context.Context, at int) (caret, whole image.Rectangle) {
	if r, err := f.object.Extents(ctx); err == nil {
		whole = rectangle(r)
	}
	if r, err := f.object.CharacterExtents(ctx, at); err == nil && r.Height > 0 {
		caret = rectangle(r)
		caret.Max.X = caret.Min.X
		return caret, whole
	}
	if at > 0 { // none after the last character: behind it
		if r, err := f.object.CharacterExtents(ctx, at-1); err == nil && r.Height > 0 && r.Width >= 0 {
			caret = rectangle(r)
			caret.Min.X = caret.Max.X
		}
	}
	return caret, whole
}

func rectangle(r atspi.Rect) image.Rectangle {
	at := image.Pt(int(r.X), int(r.Y))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(int(r.Width), int(r.Height)))}
}

// write puts text at the caret, by AT-SPI or as if it were pasted.
func (f field) write(ctx context.Context, e *Editor, at int, text string) error {
	if f.writable {
		err := f.object.Insert(ctx, at, text)
		if err == nil {
			end := at + len([]rune(text))
			if caret, e := f.object.Caret(ctx); e == nil && caret == at {
				_ = f.object.SetCaret(ctx, end)
			}
			if until(ctx, 200*time.Millisecond, func() bool {
				now, e := f.object.Text(ctx, atspi.Range{From: at, To: end})
				return e == nil && now == text
			}) {
				return nil
			}
		}
	}
	return e.typeAt(ctx, f, at, text)
}

// typeAt pastes text at the caret; the clipboard comes back.
func (e *Editor) typeAt(ctx context.Context, f field, at int, text string) error {
	p := place{editor: e, window: f.window, field: f.object, at: atspi.Range{From: at, To: at}}
	var err error
	if p.length, err = f.object.Length(ctx); err != nil {
		return err
	}
	return p.Paste(ctx, text)
}
