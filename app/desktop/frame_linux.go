//go:build desktop

package desktop

/*
#cgo pkg-config: gtk+-3.0
#include <stdlib.h>
#include "frame_linux.h"
*/
import "C"

import (
	"context"
	"unsafe"
)

// gtkFrame shapes Wails' window through GTK; see frame_linux.c.
type gtkFrame struct{}

// focusLoser is told when the window loses the focus; there is one window.
var focusLoser *Desktop

//export qwillLostFocus
func qwillLostFocus() {
	go focusLoser.lostFocus() // never hold up GTK's thread
}

func newFrame(_ context.Context, d *Desktop, saved Place, known bool) frame {
	focusLoser = d
	C.qwill_frame_start(C.qwill_place{
		x: C.int(saved.X), y: C.int(saved.Y), width: C.int(saved.Width), height: C.int(saved.Height),
		maximised: cBool(saved.Maximised), known: cBool(known),
	}, minWidth, minHeight)
	return gtkFrame{}
}

// keepWebIn makes WebKit keep its storage and cache below dir; "" leaves the
// user's folders. It must come before GTK's start.
func keepWebIn(dir string) {
	if dir == "" {
		return
	}
	c := C.CString(dir)
	defer C.free(unsafe.Pointer(c))
	C.qwill_keep_web_in(c)
}

func (gtkFrame) main(focus bool) { C.qwill_frame_main(cBool(focus)) }
func (gtkFrame) prompt()         { C.qwill_frame_prompt(PromptWidth, PromptHeight) }
func (gtkFrame) hide()           { C.qwill_frame_hide() }

func (gtkFrame) place() (Place, bool) {
	p := C.qwill_frame_place()
	return Place{
		X: int(p.x), Y: int(p.y), Width: int(p.width), Height: int(p.height), Maximised: p.maximised != 0,
	}, p.known != 0
}

func cBool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
