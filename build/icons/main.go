// Command icons draws Qwill's icon, a Q whose tail is a quill, and writes it
// in the sizes that the systems want:
//
//	go run ./build/icons
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
)

var (
	ground = color.NRGBA{0x1f, 0x4e, 0x5f, 0xff} // deep teal
	paper  = color.NRGBA{0xfb, 0xf7, 0xef, 0xff}
	quill  = color.NRGBA{0xf2, 0xb1, 0x4a, 0xff} // amber
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "icons:", err)
		os.Exit(1)
	}
}

func run() error {
	files := map[string]func() ([]byte, error){
		"assets/icons/qwill.png": func() ([]byte, error) { return encode(draw(256, true)) },
		"assets/icons/tray.png":  func() ([]byte, error) { return encode(draw(44, false)) },
		"build/appicon.png":      func() ([]byte, error) { return encode(draw(1024, true)) },
		"build/darwin/icon.icns": icns,
	}
	for _, size := range []int{16, 22, 24, 32, 48, 64, 128, 256, 512} { // of the hicolor theme
		files[fmt.Sprintf("build/linux/icons/%d.png", size)] = func() ([]byte, error) { return encode(draw(size, true)) }
	}
	for name, make := range files {
		data, err := make()
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// draw renders the icon, on its ground or alone as the tray shows it.
func draw(size int, grounded bool) image.Image {
	const samples = 4 // a side of each pixel
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			var r, g, b, a float64
			for s := range samples * samples {
				fx := (float64(x) + (float64(s%samples)+0.5)/samples) / float64(size)
				fy := (float64(y) + (float64(s/samples)+0.5)/samples) / float64(size)
				c := at(fx, fy, grounded)
				alpha := float64(c.A) / 255
				r, g, b, a = r+float64(c.R)*alpha, g+float64(c.G)*alpha, b+float64(c.B)*alpha, a+alpha
			}
			if a > 0 {
				img.SetNRGBA(x, y, color.NRGBA{round(r / a), round(g / a), round(b / a), round(255 * a / (samples * samples))})
			}
		}
	}
	return img
}

func round(v float64) uint8 { return uint8(math.Round(v)) }

// at is the colour of a point of the unit square, y down.
func at(x, y float64, grounded bool) color.NRGBA {
	ink := paper
	if !grounded { // larger, and seen on light and dark panels alike
		x, y = 0.5+(x-0.5)*0.72, 0.5+(y-0.5)*0.72
		ink = color.NRGBA{0x4f, 0x8f, 0xa3, 0xff}
	}
	// The quill: a leaf from its nib at the lower right towards the centre.
	const nibX, nibY, endX, endY = 0.80, 0.82, 0.42, 0.40
	dx, dy := endX-nibX, endY-nibY
	length := math.Hypot(dx, dy)
	along := ((x-nibX)*dx + (y-nibY)*dy) / (length * length) // 0 at the nib, 1 at the end
	across := math.Abs((x-nibX)*dy-(y-nibY)*dx) / length
	if along >= 0 && along <= 1 {
		width := 0.085 * math.Pow(math.Sin(math.Pi*math.Pow(along, 0.75)), 0.8)
		switch {
		case along > 0.25 && across < 0.009 && along < 0.93: // the shaft
			return ground
		case across < width:
			return quill
		case across < width+0.03: // a gap keeps it apart from the ring
			if grounded {
				return ground
			}
			return color.NRGBA{}
		}
	}
	if d := math.Hypot(x-0.47, y-0.47); d > 0.215 && d < 0.295 {
		return ink
	}
	if grounded && inside(x, y, 0.04, 0.22) {
		return ground
	}
	return color.NRGBA{}
}

// inside tells whether a point lies in a rounded square.
func inside(x, y, margin, radius float64) bool {
	corner := 0.5 - margin - radius
	dx, dy := math.Max(math.Abs(x-0.5)-corner, 0), math.Max(math.Abs(y-0.5)-corner, 0)
	return math.Hypot(dx, dy) <= radius
}

func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

// icns packs PNGs as macOS reads them: a type and a length before each.
func icns() ([]byte, error) {
	var body bytes.Buffer
	for _, e := range []struct {
		kind string
		size int
	}{{"ic11", 32}, {"ic12", 64}, {"ic07", 128}, {"ic13", 256}, {"ic14", 512}} {
		data, err := encode(draw(e.size, true))
		if err != nil {
			return nil, err
		}
		body.WriteString(e.kind)
		binary.Write(&body, binary.BigEndian, uint32(len(data)+8))
		body.Write(data)
	}
	var all bytes.Buffer
	all.WriteString("icns")
	binary.Write(&all, binary.BigEndian, uint32(body.Len()+8))
	all.Write(body.Bytes())
	return all.Bytes(), nil
}
