package safetensors

// Dtype is an element type as the header spells it.
type Dtype string

// Element types that MLX can hold. Others of the format (F8_E4M3 and its kind)
// are refused by name.
const (
	Bool Dtype = "BOOL"
	U8   Dtype = "U8"
	I8   Dtype = "I8"
	U16  Dtype = "U16"
	I16  Dtype = "I16"
	F16  Dtype = "F16"
	BF16 Dtype = "BF16"
	U32  Dtype = "U32"
	I32  Dtype = "I32"
	F32  Dtype = "F32"
	U64  Dtype = "U64"
	I64  Dtype = "I64"
	F64  Dtype = "F64"
)

var sizes = map[Dtype]int64{
	Bool: 1, U8: 1, I8: 1, U16: 2, I16: 2, F16: 2, BF16: 2,
	U32: 4, I32: 4, F32: 4, U64: 8, I64: 8, F64: 8,
}

// Size is the bytes of one element, 0 for an unknown type.
func (d Dtype) Size() int64 { return sizes[d] }
