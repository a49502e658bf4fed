//go:build linux

package overlay

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"log"
	"slices"
	"strings"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/fontscan"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Painter sets text in the system's fonts. It is not safe for several goroutines.
type Painter struct {
	fonts     *fontscan.FontMap
	segmenter shaping.Segmenter
	shaper    shaping.HarfbuzzShaper
	wrapper   shaping.LineWrapper
}

// NewPainter finds the system's fonts; cache is a folder for what it learns of
// them, which makes the next start quick.
func NewPainter(cache string) (*Painter, error) {
	fonts := fontscan.NewFontMap(log.New(io.Discard, "", 0))
	if err := fonts.UseSystemFonts(cache); err != nil {
		return nil, fmt.Errorf("find the system's fonts: %w", err)
	}
	fonts.SetQuery(fontscan.Query{Families: []string{fontscan.SansSerif}})
	return &Painter{fonts: fonts}, nil
}

// Block is text that is set: its size in pixels and its glyphs.
type Block struct {
	Width, Height int
	ascent, step  int
	lines         [][]shaping.Output
}

// ellipsis ends a text that does not fit.
const ellipsis = "…"

// Set breaks text into lines of a width, at most so many; what is longer ends
// with an ellipsis. size is the font's, in pixels.
func (p *Painter) Set(text string, size float64, width, lines int) Block {
	runes := []rune(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		return r
	}, text))
	runs := p.shape(runes, size)
	if len(runs) == 0 {
		return Block{}
	}
	config := shaping.WrapConfig{Direction: runs[0].Direction, TruncateAfterLines: lines}
	if end := p.shape([]rune(ellipsis), size); len(end) > 0 {
		config.Truncator = end[0]
	}
	var b Block
	broken, _ := p.wrapper.WrapParagraph(config, width, runes, shaping.NewSliceIterator(runs))
	for _, line := range broken {
		line = slices.Clone(line) // the wrapper uses its own again
		slices.SortStableFunc(line, func(a, b shaping.Output) int { return cmp.Compare(a.VisualIndex, b.VisualIndex) })
		var wide fixed.Int26_6
		for _, run := range line {
			wide += run.Advance
			b.ascent = max(b.ascent, run.LineBounds.Ascent.Ceil())
			b.step = max(b.step, (run.LineBounds.Ascent - run.LineBounds.Descent).Ceil())
		}
		b.Width = max(b.Width, wide.Ceil())
		b.lines = append(b.lines, line)
	}
	b.Height = b.step * len(b.lines)
	return b
}

// shape turns characters into glyphs, run by run: a run has one font, one script
// and one direction.
func (p *Painter) shape(runes []rune, size float64) []shaping.Output {
	if len(runes) == 0 {
		return nil
	}
	whole := shaping.Input{Text: runes, RunEnd: len(runes), Direction: di.DirectionLTR, Size: fixed.Int26_6(size * 64)}
	var runs []shaping.Output
	for _, in := range p.segmenter.Split(whole, p.fonts) {
		if in.Face == nil {
			continue // no font of the system has it
		}
		runs = append(runs, p.shaper.Shape(in))
	}
	return runs
}

// SizeFor gives the font size whose lines are as high as those of a text field,
// in pixels.
func (p *Painter) SizeFor(height int) float64 {
	const probe = 100
	runs := p.shape([]rune("x"), probe)
	if len(runs) == 0 {
		return float64(height) * 0.8
	}
	b := runs[0].LineBounds
	return float64(height) * probe / (float64(b.Ascent-b.Descent) / 64)
}

// Draw paints the text with its upper left corner at (x, y).
func (b Block) Draw(dst draw.Image, x, y int, c color.Color) {
	for i, line := range b.lines {
		dot := fixed.I(x)
		baseline := fixed.I(y + i*b.step + b.ascent)
		for _, run := range line {
			scale := float32(run.Size) / 64 / float32(run.Face.Upem())
			for _, g := range run.Glyphs {
				if outline, ok := run.Face.GlyphDataOutline(g.GlyphID); ok {
					glyph(dst, outline, scale, float32(dot+g.XOffset)/64, float32(baseline-g.YOffset)/64, c)
				}
				dot += g.Advance
			}
		}
	}
}

// glyph fills one outline whose origin is at (x, y).
func glyph(dst draw.Image, outline font.GlyphOutline, scale, x, y float32, c color.Color) {
	if len(outline.Segments) == 0 {
		return
	}
	lowX, lowY, highX, highY := x, y, x, y
	at := func(p opentype.SegmentPoint) (float32, float32) { return x + p.X*scale, y - p.Y*scale }
	for _, s := range outline.Segments {
		for _, p := range s.ArgsSlice() {
			px, py := at(p)
			lowX, highX, lowY, highY = min(lowX, px), max(highX, px), min(lowY, py), max(highY, py)
		}
	}
	box := image.Rect(int(lowX)-1, int(lowY)-1, int(highX)+2, int(highY)+2).Intersect(dst.Bounds())
	if box.Empty() {
		return
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	in := func(p opentype.SegmentPoint) (float32, float32) {
		px, py := at(p)
		return px - float32(box.Min.X), py - float32(box.Min.Y)
	}
	for _, s := range outline.Segments {
		ax, ay := in(s.Args[0])
		bx, by := in(s.Args[1])
		cx, cy := in(s.Args[2])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			r.ClosePath()
			r.MoveTo(ax, ay)
		case opentype.SegmentOpLineTo:
			r.LineTo(ax, ay)
		case opentype.SegmentOpQuadTo:
			r.QuadTo(ax, ay, bx, by)
		case opentype.SegmentOpCubeTo:
			r.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	r.ClosePath()
	r.Draw(dst, box, image.NewUniform(c), image.Point{})
}
