//go:build linux

package overlay

import (
	"image/color"
	"math"
)

// luminance is WCAG 2's relative one, 0 to 1.
func luminance(c color.RGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// contrast is WCAG 2's contrast ratio, 1 to 21.
func contrast(a, b color.RGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// readable is the least contrast of text that WCAG's level AA asks for.
const readable = 4.5

// Ghost gives the grey of a suggestion on a background: as pale as can still be
// read.
func Ghost(under color.RGBA) color.RGBA {
	ink := color.RGBA{0, 0, 0, 255}
	if white := (color.RGBA{255, 255, 255, 255}); contrast(white, under) > contrast(ink, under) {
		ink = white
	}
	mix := func(a, b uint8, share float64) uint8 {
		return uint8(math.Round(float64(a)*share + float64(b)*(1-share)))
	}
	for share := 0.4; share < 1; share += 0.02 {
		c := color.RGBA{mix(ink.R, under.R, share), mix(ink.G, under.G, share), mix(ink.B, under.B, share), 255}
		if contrast(c, under) >= readable {
			return c
		}
	}
	return ink
}

// Card gives the colours of a card over a background: light on light, dark on
// dark.
func Card(under color.RGBA) (paper, ink, frame color.RGBA) {
	if luminance(under) < 0.18 {
		return color.RGBA{0x2b, 0x2b, 0x2e, 255}, color.RGBA{0xd8, 0xd8, 0xdc, 255}, color.RGBA{0x5a, 0x5a, 0x60, 255}
	}
	return color.RGBA{0xfb, 0xfb, 0xfc, 255}, color.RGBA{0x4a, 0x4a, 0x50, 255}, color.RGBA{0xc4, 0xc4, 0xca, 255}
}
