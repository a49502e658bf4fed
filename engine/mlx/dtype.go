package mlx

import "fmt"

// Dtype is an element type. The numbers match qm_dtype in shim.h.
type Dtype int32

// Element types.
const (
	Bool Dtype = iota
	Uint8
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Int64
	Float16
	BFloat16
	Float32
)

var dtypeNames = [...]string{"bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float16", "bfloat16", "float32"}
var dtypeSizes = [...]int{1, 1, 1, 2, 2, 4, 4, 8, 2, 2, 4}

// Valid reports whether d is one of the constants.
func (d Dtype) Valid() bool { return d >= 0 && int(d) < len(dtypeNames) }

func (d Dtype) String() string {
	if !d.Valid() {
		return fmt.Sprintf("dtype(%d)", int32(d))
	}
	return dtypeNames[d]
}

// Size is the bytes of one element.
func (d Dtype) Size() int {
	if !d.Valid() {
		return 0
	}
	return dtypeSizes[d]
}

// IsFloat reports whether d is a floating-point type.
func (d Dtype) IsFloat() bool { return d == Float16 || d == BFloat16 || d == Float32 }
