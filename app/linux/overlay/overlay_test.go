//go:build linux

package overlay

import (
	"bufio"
	"image"
	"image/color"
	"image/draw"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"pgregory.net/rapid"
)

var desk = image.Rect(0, 0, 1280, 800)

func box(x, y, w, h int) image.Rectangle { return image.Rect(x, y, x+w, y+h) }

// A caret is trusted only where it can be; else the card is at what is known.
func TestPlace(t *testing.T) {
	window, field := box(100, 100, 600, 400), box(110, 150, 580, 340)
	card := image.Pt(300, 40)
	for _, c := range []struct {
		name   string
		caret  image.Rectangle
		field  image.Rectangle
		inline int
		kind   Kind
		at     image.Point
	}{
		{"a line's end", box(300, 200, 1, 18), field, 200, Inline, image.Pt(300, 200)},
		{"no width", box(300, 200, 0, 18), field, 200, Inline, image.Pt(300, 200)},
		{"no room behind it", box(600, 200, 1, 18), field, 200, Line, image.Pt(600, 222)},
		{"zeros", box(0, 0, 0, 0), field, 200, Field, image.Pt(110, 494)},
		{"a corner", box(-1, -1, 1, 18), field, 200, Field, image.Pt(110, 494)},
		{"relative to the window", box(20, 20, 1, 18), field, 200, Field, image.Pt(110, 494)},
		{"as high as the field", box(300, 160, 1, 330), field, 200, Field, image.Pt(110, 494)},
		{"scrolled away", box(300, 600, 1, 18), field, 200, Field, image.Pt(110, 494)},
		{"no field either", box(300, 200, 1, 18), image.Rectangle{}, 200, Mouse, image.Pt(900, 704)},
		{"a field of another screen", box(300, 200, 1, 18), box(3000, 10, 500, 300), 200, Mouse, image.Pt(900, 704)},
	} {
		a := Anchor{Caret: c.caret, Field: c.field, Window: window, Screen: desk, Pointer: image.Pt(900, 684)}
		kind, at := a.Place(c.inline, card)
		if kind != c.kind || at.Min != c.at {
			t.Errorf("%s: %s at %v, want %s at %v", c.name, kind, at.Min, c.kind, c.at)
		}
	}
}

// Whatever a program says of itself, a card is whole on the screen and does not
// cover the line that one writes in.
func TestPlaceAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-3000, 5000)
		any := func(name string) image.Rectangle {
			return box(n.Draw(t, name), n.Draw(t, name), rapid.IntRange(-5, 2000).Draw(t, name), rapid.IntRange(-5, 1200).Draw(t, name))
		}
		a := Anchor{Caret: any("caret"), Field: any("field"), Window: any("window"), Screen: desk, Pointer: image.Pt(rapid.IntRange(0, 1279).Draw(t, "x"), rapid.IntRange(0, 799).Draw(t, "y"))}
		card := image.Pt(rapid.IntRange(20, 480).Draw(t, "w"), rapid.IntRange(20, 90).Draw(t, "h"))
		kind, at := a.Place(rapid.IntRange(1, 900).Draw(t, "inline"), card)
		if !at.In(desk) {
			t.Fatalf("%s at %v is not on the screen", kind, at)
		}
		if kind == Line && at.Overlaps(a.Caret.Inset(1)) {
			t.Fatalf("the card at %v covers the caret at %v", at, a.Caret)
		}
	})
}

// On every background a suggestion can be read, and is paler than the text.
func TestGhost(t *testing.T) {
	for _, under := range []color.RGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {0x1e, 0x1e, 0x1e, 255}, {0xfd, 0xf6, 0xe3, 255}, {0x77, 0x77, 0x77, 255}, {0x2e, 0x34, 0x36, 255}} {
		c := Ghost(under)
		if got := contrast(c, under); got < readable {
			t.Errorf("on %v %v has a contrast of %.2f", under, c, got)
		}
		if got := max(contrast(color.RGBA{A: 255}, under), contrast(color.RGBA{255, 255, 255, 255}, under)); got > 10 && contrast(c, under) > 6 {
			t.Errorf("on %v %v is no paler than the text", under, c)
		}
		paper, ink, _ := Card(under)
		if got := contrast(ink, paper); got < readable {
			t.Errorf("a card over %v has a contrast of %.2f", under, got)
		}
	}
}

// inked counts the pixels of a block that are not its background.
func inked(b Block) int {
	picture := image.NewRGBA(image.Rect(0, 0, b.Width+4, b.Height+4))
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	b.Draw(picture, 2, 2, color.Black)
	n := 0
	for i := 0; i < len(picture.Pix); i += 4 {
		if picture.Pix[i] < 128 {
			n++
		}
	}
	return n
}

func TestText(t *testing.T) {
	p, err := NewPainter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{" jumps over the dog.", "的狐狸跳过了懒狗。", " über die Straße", " прыгает через", "のキツネが跳ぶ", "하루가 시작된다"} {
		b := p.Set(text, 16, 2000, 1)
		if b.Width < 40 || b.Height < 16 || b.Height > 40 || inked(b) < 60 {
			t.Errorf("%q is %d × %d with %d pixels", text, b.Width, b.Height, inked(b))
		}
		for _, line := range b.lines {
			for _, run := range line {
				for _, g := range run.Glyphs {
					if g.GlyphID == 0 {
						t.Errorf("%q has a character without a glyph", text)
					}
				}
			}
		}
	}
	if a, b := p.Set("jumps", 16, 2000, 1), p.Set(" jumps", 16, 2000, 1); b.Width <= a.Width {
		t.Error("the space before a word is lost")
	}
	long := strings.Repeat("some words and ", 40)
	b := p.Set(long, 15, 300, 3)
	if len(b.lines) != 3 || b.Width > 300 {
		t.Errorf("%d lines, %d wide", len(b.lines), b.Width)
	}
	if two := p.Set("a\nb", 16, 2000, 1); len(two.lines) != 1 {
		t.Errorf("a line break makes %d lines", len(two.lines))
	}
	for _, height := range []int{12, 17, 25, 40} {
		if b := p.Set("Ag", p.SizeFor(height), 2000, 1); b.Height < height-1 || b.Height > height+2 {
			t.Errorf("a line of %d pixels is set %d high", height, b.Height)
		}
	}
}

func xvfb(t *testing.T) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset")
	x.ExtraFiles = []*os.File{w}
	if err := x.Start(); err != nil {
		t.Fatalf("%v (build/setup.sh test installs it)", err)
	}
	w.Close()
	t.Cleanup(func() { x.Process.Kill(); x.Wait() })
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DISPLAY", ":"+strings.TrimSpace(number))
}

// The overlay is seen, and is not there for keys and clicks.
func TestWindow(t *testing.T) {
	xvfb(t)
	conn, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	screen := xproto.Setup(conn).DefaultScreen(conn)
	editor, _ := xproto.NewWindowId(conn)
	const dark = 0x202428
	xproto.CreateWindow(conn, screen.RootDepth, editor, screen.Root, 40, 30, 500, 300, 0, xproto.WindowClassInputOutput, screen.RootVisual,
		xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{dark, 1, xproto.EventMaskButtonPress | xproto.EventMaskStructureNotify})
	xproto.MapWindow(conn, editor)
	next := func() xgb.Event {
		t.Helper()
		for {
			e, err := conn.WaitForEvent()
			if err != nil || e == nil {
				t.Fatal(err)
			}
			if _, moved := e.(xproto.ConfigureNotifyEvent); !moved {
				return e
			}
		}
	}
	if _, ok := next().(xproto.MapNotifyEvent); !ok {
		t.Fatal("the editor is not mapped")
	}
	xproto.SetInputFocus(conn, xproto.InputFocusParent, editor, xproto.TimeCurrentTime)

	w, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	a, err := w.Find(editor, box(60, 50, 1, 20), box(45, 40, 480, 280))
	if err != nil || a.Window != box(40, 30, 500, 300) || a.Screen != box(0, 0, 640, 480) {
		t.Fatalf("%+v, %v", a, err)
	}
	if kind, err := w.Show(" jumps over 海", a); kind != Inline || err != nil {
		t.Fatalf("%s, %v", kind, err)
	}
	pixels := func() (other int) {
		i, err := xproto.GetImage(conn, xproto.ImageFormatZPixmap, xproto.Drawable(screen.Root), 60, 50, 100, 20, 0xffffffff).Reply()
		if err != nil {
			t.Fatal(err)
		}
		for p := i.Data; len(p) >= 4; p = p[4:] {
			if xgb.Get32(p)&0xffffff != dark {
				other++
			}
		}
		return other
	}
	if n := pixels(); n < 60 || n > 1500 {
		t.Errorf("%d pixels of the line differ from the editor's background", n)
	}
	if f, err := xproto.GetInputFocus(conn).Reply(); err != nil || f.Focus != editor {
		t.Errorf("the focus is at %v, %v", f, err)
	}
	if out, err := exec.Command("xdotool", "mousemove", "80", "60", "click", "1").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if e, ok := next().(xproto.ButtonPressEvent); !ok || e.RootX != 80 {
		t.Error("the click did not reach the editor")
	}
	// It grows in place; where something stands behind the caret it is a card below.
	if kind, err := w.Show(" jumps over 海 and more", a); kind != Inline || err != nil {
		t.Errorf("%s, %v", kind, err)
	}
	w.Hide()
	xproto.ClearArea(conn, false, editor, 0, 0, 0, 0)
	gc, _ := xproto.NewGcontextId(conn)
	xproto.CreateGC(conn, gc, xproto.Drawable(editor), xproto.GcForeground, []uint32{0xffffff})
	if err := xproto.PolyFillRectangleChecked(conn, xproto.Drawable(editor), gc, []xproto.Rectangle{{X: 30, Y: 22, Width: 90, Height: 16}}).Check(); err != nil {
		t.Fatal(err)
	}
	if kind, err := w.Show(" jumps over 海", a); kind != Line || err != nil {
		t.Errorf("over other text: %s, %v", kind, err)
	}
	w.Hide()
	w.Hide()
	xproto.ClearArea(conn, false, editor, 0, 0, 0, 0)
	if n := pixels(); n != 0 {
		t.Errorf("%d pixels are left of it", n)
	}
}
