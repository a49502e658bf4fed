package gguf

import "fmt"

// Type is the element type of a tensor, ggml's numbers.
type Type uint32

// Types that have a lossless form in MLX.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_1 Type = 3
	Q8_0 Type = 8
	BF16 Type = 30
)

var typeNames = map[Type]string{
	F32: "F32", F16: "F16", 2: "Q4_0", Q4_1: "Q4_1", 6: "Q5_0", 7: "Q5_1", Q8_0: "Q8_0", 9: "Q8_1",
	10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS",
	18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16",
	26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", BF16: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// block is the elements and bytes of the smallest unit of a type; 0, 0 for
// types that are not read.
func (t Type) block() (elements, bytes int64) {
	switch t {
	case F32:
		return 1, 4
	case F16, BF16:
		return 1, 2
	case Q4_1:
		return 32, 20 // f16 scale, f16 minimum, 16 bytes of nibbles
	case Q8_0:
		return 32, 34 // f16 scale, 32 signed bytes
	}
	return 0, 0
}
