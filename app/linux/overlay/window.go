//go:build linux

package overlay

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"
)

// Name is the window's, for those who look at the screen's windows.
const Name = "Qwill suggestion"

// Limits of a card.
const (
	cardWidth = 460
	cardLines = 3
	cardSize  = 15 // of its font, in pixels
	padX      = 10
	padY      = 6
)

// Window shows one suggestion at a time. Its methods may be called from any
// goroutine.
type Window struct {
	conn   *xgb.Conn
	screen *xproto.ScreenInfo
	id     xproto.Window
	gc     xproto.Gcontext
	msb    bool // a pixel's first byte is its most significant one

	mu      sync.Mutex
	painter *Painter
	mapped  bool
	under   color.RGBA // what is below the one that is shown
	even    bool       // nearly all of it has that colour
}

// Open makes the window, without showing it. cache is a folder for the index of
// the system's fonts.
func Open(cache string) (*Window, error) {
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, fmt.Errorf("connect to the X server: %w", err)
	}
	w, err := create(conn)
	if err == nil {
		w.painter, err = NewPainter(cache)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	go func() { // nothing is asked for, errors of a request come here
		for {
			if event, err := conn.WaitForEvent(); event == nil && err == nil {
				return
			}
		}
	}()
	return w, nil
}

func create(conn *xgb.Conn) (*Window, error) {
	setup := xproto.Setup(conn)
	w := &Window{conn: conn, screen: setup.DefaultScreen(conn), msb: setup.ImageByteOrder == xproto.ImageOrderMSBFirst}
	deep := false
	for _, f := range setup.PixmapFormats {
		deep = deep || f.Depth == w.screen.RootDepth && f.BitsPerPixel == 32 && f.Depth >= 24
	}
	if !deep {
		return nil, errors.New("this display has too few colours")
	}
	if err := shape.Init(conn); err != nil {
		return nil, fmt.Errorf("this X server has no shapes: %w", err)
	}
	var err error
	if w.id, err = xproto.NewWindowId(conn); err != nil {
		return nil, err
	}
	if w.gc, err = xproto.NewGcontextId(conn); err != nil {
		return nil, err
	}
	// Override-redirect: no window manager gives it a frame or the focus.
	if err := xproto.CreateWindowChecked(conn, w.screen.RootDepth, w.id, w.screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOutput,
		w.screen.RootVisual, xproto.CwOverrideRedirect|xproto.CwSaveUnder, []uint32{1, 1}).Check(); err != nil {
		return nil, fmt.Errorf("make a window: %w", err)
	}
	// An empty input shape: clicks go to what is below.
	if err := shape.RectanglesChecked(conn, shape.SoSet, shape.SkInput, 0, w.id, 0, 0, nil).Check(); err != nil {
		return nil, fmt.Errorf("let clicks through: %w", err)
	}
	xproto.CreateGC(conn, w.gc, xproto.Drawable(w.id), 0, nil)
	utf8, kind, tooltip := w.atom("UTF8_STRING"), w.atom("_NET_WM_WINDOW_TYPE"), w.atom("_NET_WM_WINDOW_TYPE_TOOLTIP")
	xproto.ChangeProperty(conn, xproto.PropModeReplace, w.id, w.atom("_NET_WM_NAME"), utf8, 8, uint32(len(Name)), []byte(Name))
	xproto.ChangeProperty(conn, xproto.PropModeReplace, w.id, xproto.AtomWmName, xproto.AtomString, 8, uint32(len(Name)), []byte(Name))
	four := make([]byte, 4)
	xgb.Put32(four, uint32(tooltip))
	xproto.ChangeProperty(conn, xproto.PropModeReplace, w.id, kind, xproto.AtomAtom, 32, 1, four)
	return w, nil
}

func (w *Window) atom(name string) xproto.Atom {
	a, err := xproto.InternAtom(w.conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		return 0
	}
	return a.Atom
}

// Close takes the window away.
func (w *Window) Close() { w.conn.Close() }

// Find completes what is known of a place: where the window is, the screen and
// the pointer.
func (w *Window) Find(window xproto.Window, caret, field image.Rectangle) (Anchor, error) {
	a := Anchor{Caret: caret, Field: field, Screen: image.Rect(0, 0, int(w.screen.WidthInPixels), int(w.screen.HeightInPixels))}
	bounds, err := w.Bounds(window)
	if err != nil {
		return a, err
	}
	a.Window = bounds
	if p, err := xproto.QueryPointer(w.conn, w.screen.Root).Reply(); err == nil {
		a.Pointer = image.Pt(int(p.RootX), int(p.RootY))
	}
	return a, nil
}

// Bounds gives where a window is on the screen.
func (w *Window) Bounds(window xproto.Window) (image.Rectangle, error) {
	size, err := xproto.GetGeometry(w.conn, xproto.Drawable(window)).Reply()
	if err != nil {
		return image.Rectangle{}, fmt.Errorf("find a window: %w", err)
	}
	at, err := xproto.TranslateCoordinates(w.conn, window, w.screen.Root, 0, 0).Reply()
	if err != nil {
		return image.Rectangle{}, fmt.Errorf("find a window: %w", err)
	}
	corner := image.Pt(int(at.DstX), int(at.DstY))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(int(size.Width), int(size.Height)))}, nil
}

// Show displays a text where the anchor says, in place of any other.
func (w *Window) Show(text string, a Anchor) (Kind, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var inline Block
	if a.Trusted() {
		// A line is somewhat higher than its letters need, for those of other scripts.
		inline = w.painter.Set(text, w.painter.SizeFor(a.Caret.Dy()*7/8), 1<<14, 1)
	}
	card := w.painter.Set(text, cardSize, cardWidth, cardLines)
	if card.Width == 0 {
		w.hide()
		return "", errors.New("no font has these characters")
	}
	kind, at := a.Place(inline.Width, image.Pt(card.Width+2*padX, card.Height+2*padY))
	if !w.mapped { // else it would see itself
		w.under, w.even = w.background(at.Intersect(a.Screen))
	}
	under := w.under
	if kind == Inline && !w.even { // something stands there
		kind, at = Line, a.below(a.Caret, image.Pt(card.Width+2*padX, card.Height+2*padY))
	}
	picture := image.NewRGBA(image.Rectangle{Max: at.Size()})
	if kind == Inline {
		draw.Draw(picture, picture.Bounds(), image.NewUniform(under), image.Point{}, draw.Src)
		inline.Draw(picture, 0, (at.Dy()-inline.Height)/2, Ghost(under))
	} else {
		paper, ink, frame := Card(under)
		draw.Draw(picture, picture.Bounds(), image.NewUniform(frame), image.Point{}, draw.Src)
		draw.Draw(picture, picture.Bounds().Inset(1), image.NewUniform(paper), image.Point{}, draw.Src)
		card.Draw(picture, padX, padY, ink)
	}
	return kind, w.put(picture, at)
}

// Hide takes the suggestion from the screen.
func (w *Window) Hide() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hide()
}

func (w *Window) hide() {
	if w.mapped {
		_ = xproto.UnmapWindowChecked(w.conn, w.id).Check()
		w.mapped = false
	}
}

// put shows a picture at a place: as the window's background, so that the
// server repaints it by itself.
func (w *Window) put(picture *image.RGBA, at image.Rectangle) error {
	pixmap, err := xproto.NewPixmapId(w.conn)
	if err != nil {
		return err
	}
	width, height := at.Dx(), at.Dy()
	xproto.CreatePixmap(w.conn, w.screen.RootDepth, pixmap, xproto.Drawable(w.id), uint16(width), uint16(height))
	rows := max(1, 60_000*4/(width*4)-1) // of one request
	for y := 0; y < height; y += rows {
		n := min(rows, height-y)
		data := make([]byte, 0, n*width*4)
		for row := y; row < y+n; row++ {
			for x := range width {
				c := picture.RGBAAt(x, row)
				if w.msb {
					data = append(data, 0, c.R, c.G, c.B)
				} else {
					data = append(data, c.B, c.G, c.R, 0)
				}
			}
		}
		xproto.PutImage(w.conn, xproto.ImageFormatZPixmap, xproto.Drawable(pixmap), w.gc, uint16(width), uint16(n), 0, int16(y), 0, w.screen.RootDepth, data)
	}
	xproto.ChangeWindowAttributes(w.conn, w.id, xproto.CwBackPixmap, []uint32{uint32(pixmap)})
	xproto.FreePixmap(w.conn, pixmap)
	xproto.ConfigureWindow(w.conn, w.id, xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|xproto.ConfigWindowStackMode,
		[]uint32{uint32(int32(at.Min.X)), uint32(int32(at.Min.Y)), uint32(width), uint32(height), xproto.StackModeAbove})
	xproto.ClearArea(w.conn, false, w.id, 0, 0, 0, 0)
	if err := xproto.MapWindowChecked(w.conn, w.id).Check(); err != nil {
		return fmt.Errorf("show the suggestion: %w", err)
	}
	w.mapped = true
	return nil
}

// background gives the commonest colour of a part of the screen, and whether
// nearly all of it has that colour.
func (w *Window) background(part image.Rectangle) (color.RGBA, bool) {
	white := color.RGBA{255, 255, 255, 255}
	if part.Empty() {
		return white, false
	}
	i, err := xproto.GetImage(w.conn, xproto.ImageFormatZPixmap, xproto.Drawable(w.screen.Root), int16(part.Min.X), int16(part.Min.Y),
		uint16(part.Dx()), uint16(part.Dy()), 0xffffffff).Reply()
	if err != nil || len(i.Data) < 4 {
		return white, false
	}
	count := map[color.RGBA]int{}
	var most color.RGBA
	for p := i.Data; len(p) >= 4; p = p[4:] {
		c := color.RGBA{p[2], p[1], p[0], 255}
		if w.msb {
			c = color.RGBA{p[1], p[2], p[3], 255}
		}
		count[c]++
		if count[c] > count[most] {
			most = c
		}
	}
	return most, count[most]*20 >= len(i.Data)/4*17 // a caret and a line below the text may be there
}
