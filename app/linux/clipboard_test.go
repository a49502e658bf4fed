//go:build linux

package linux

import (
	"bytes"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

func testClipboard(t *testing.T) *clipboard {
	t.Helper()
	c, err := newClipboard()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func same(a, b contents) bool {
	return maps.EqualFunc(a, b, func(a, b form) bool {
		return a.kind == b.kind && a.format == b.format && bytes.Equal(a.data, b.data)
	})
}

// TestClipboard: everything that another program had copied, pictures in many
// parts too, comes back after Qwill used the clipboard; what was copied
// meanwhile stays.
func TestClipboard(t *testing.T) {
	xvfb(t)
	other, ours, third := testClipboard(t), testClipboard(t), testClipboard(t)
	if before, err := ours.save(); err != nil || before != nil {
		t.Fatalf("an empty clipboard holds %v, %v", before, err)
	}
	a, err := xproto.InternAtom(other.conn, false, 9, "image/png").Reply()
	if err != nil {
		t.Fatal(err)
	}
	png := a.Atom
	picture := bytes.Repeat([]byte("pixels of a picture "), 30_000) // 600 kB
	copied := other.text("copied text")
	copied[png] = form{png, 8, picture}
	if err := other.own(copied); err != nil {
		t.Fatal(err)
	}
	before, err := ours.save()
	if err != nil || !same(before, copied) {
		t.Fatalf("saved %d forms of %d, %v", len(before), len(copied), err)
	}
	if err := ours.own(ours.text("result")); err != nil {
		t.Fatal(err)
	}
	if other.mine() || !ours.mine() {
		t.Error("the owner is not known")
	}
	if got, err := third.save(); err != nil || !same(got, ours.text("result")) {
		t.Errorf("to paste there is %v, %v", got, err)
	}
	if by := <-ours.served; !third.sameProgram(by, third.window) || third.sameProgram(by, other.window) {
		t.Error("who pasted is not known")
	}
	if err := ours.own(before); err != nil {
		t.Fatal(err)
	}
	if got, err := third.save(); err != nil || !same(got, copied) {
		t.Errorf("%d forms came back, %v", len(got), err)
	}

	// The user copies: that is seen, whoever owned the clipboard.
	if err := third.own(third.text("copied meanwhile")); err != nil {
		t.Fatal(err)
	}
	if !until(t.Context(), time.Second, func() bool { return !ours.mine() }) {
		t.Error("a copy meanwhile is not seen")
	}
	if now, _, _ := ours.read(ours.atoms["UTF8_STRING"], time.Now().Add(time.Second), 100); string(now.data) != "copied meanwhile" {
		t.Errorf("the clipboard holds %q", now.data)
	}
	// Too large to keep: nothing is touched.
	if err := third.own(copied); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ours.read(png, time.Now().Add(time.Second), 1000); !errors.Is(err, errClipboard) {
		t.Errorf("a form beyond the limit: %v", err)
	}
	if !third.mine() {
		t.Error("a form beyond the limit cost the clipboard")
	}
}
