// Package quant holds the facts of MLX's affine quantization: how large its
// arrays are, which forms are supported, and how config.json says which layer
// has which.
//
// Affine: element k of row n is scale*q + bias, q an unsigned number of Bits
// bits, one scale and one bias for GroupSize consecutive elements of a row.
package quant

import "fmt"

// Affine is one form of affine quantization.
type Affine struct {
	Bits      int // 4 or 8
	GroupSize int // 32, 64 or 128
}

func (a Affine) String() string { return fmt.Sprintf("affine %d bit, group %d", a.Bits, a.GroupSize) }

// Check reports whether the form is supported.
func (a Affine) Check() error {
	if a.Bits != 4 && a.Bits != 8 {
		return fmt.Errorf("bits %d is not supported: 4 and 8 are", a.Bits)
	}
	if a.GroupSize != 32 && a.GroupSize != 64 && a.GroupSize != 128 {
		return fmt.Errorf("group_size %d is not supported: 32, 64 and 128 are", a.GroupSize)
	}
	return nil
}

// Words is the uint32 words of a row of cols elements.
func (a Affine) Words(cols int64) int64 { return cols / int64(32/a.Bits) }

// Groups is the scales of a row of cols elements.
func (a Affine) Groups(cols int64) int64 { return cols / int64(a.GroupSize) }

// CheckShapes reports whether weight, scales and biases are those of a matrix
// [rows, cols]. The form must have passed Check.
func (a Affine) CheckShapes(rows, cols int64, weight, scales, biases []int64) error {
	if cols%int64(a.GroupSize) != 0 {
		return fmt.Errorf("%d columns are not a multiple of group_size %d", cols, a.GroupSize)
	}
	for _, x := range []struct {
		name string
		got  []int64
		cols int64
	}{{"weight", weight, a.Words(cols)}, {"scales", scales, a.Groups(cols)}, {"biases", biases, a.Groups(cols)}} {
		if len(x.got) != 2 || x.got[0] != rows || x.got[1] != x.cols {
			return fmt.Errorf("%s has shape %v; %v of a [%d, %d] matrix needs [%d, %d]", x.name, x.got, a, rows, cols, rows, x.cols)
		}
	}
	return nil
}
