package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// Limits of a file's description. The largest vocabularies published need
// about 20 MB.
const (
	maxMetadata = 256 << 20 // bytes before the tensors' data
	maxKey      = 64 << 10
	maxString   = 32 << 20
	maxKeys     = 1 << 16
	maxTensors  = 1 << 16
	maxNesting  = 3
)

// reader reads little-endian values up to a limit; the first fault is kept.
type reader struct {
	r    *bufio.Reader
	pos  int64
	left int64
	err  error
	buf  [8]byte
}

func newReader(r io.ReaderAt, size int64) *reader {
	n := min(size, maxMetadata)
	return &reader{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, n), 1<<16), left: n}
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// need reports whether n more bytes can be there.
func (r *reader) need(n uint64) bool {
	if r.err == nil && n > uint64(r.left) {
		r.fail("it claims %d bytes at byte %d, %d are left", n, r.pos, r.left)
	}
	return r.err == nil
}

func (r *reader) read(p []byte) {
	if !r.need(uint64(len(p))) {
		return
	}
	if _, err := io.ReadFull(r.r, p); err != nil {
		r.fail("read at byte %d: %w", r.pos, err)
	}
	r.pos += int64(len(p))
	r.left -= int64(len(p))
}

func (r *reader) uint(bytes int) uint64 {
	r.buf = [8]byte{}
	r.read(r.buf[:bytes])
	if r.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(r.buf[:])
}

func (r *reader) text(limit uint64) string {
	n := r.uint(8)
	if n > limit {
		r.fail("a string of %d bytes at byte %d, more than the limit of %d", n, r.pos, limit)
	}
	if !r.need(n) {
		return ""
	}
	b := make([]byte, n)
	r.read(b)
	return string(b)
}

// Kinds of metadata values, GGUF's numbers.
const (
	kindUint8 = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// sizes of the kinds; for strings and arrays the least they take.
var kindSizes = [...]uint64{1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8}

// value reads one metadata value: uint64, int64, float64 (of float32 too),
// bool, string, or a slice: []string, []int64 (of all integers), []float64,
// []bool, [][]… as []any.
func (r *reader) value(kind uint32, depth int) any {
	switch kind {
	case kindUint8, kindUint16, kindUint32, kindUint64:
		return r.uint(int(kindSizes[kind]))
	case kindInt8:
		return int64(int8(r.uint(1)))
	case kindInt16:
		return int64(int16(r.uint(2)))
	case kindInt32:
		return int64(int32(r.uint(4)))
	case kindInt64:
		return int64(r.uint(8))
	case kindFloat32:
		return float64(math.Float32frombits(uint32(r.uint(4))))
	case kindFloat64:
		return math.Float64frombits(r.uint(8))
	case kindBool:
		b := r.uint(1)
		if b > 1 {
			r.fail("a boolean of value %d at byte %d", b, r.pos)
		}
		return b == 1
	case kindString:
		return r.text(maxString)
	case kindArray:
		return r.array(depth)
	}
	r.fail("a value of unknown kind %d at byte %d", kind, r.pos)
	return nil
}

func (r *reader) array(depth int) any {
	kind, n := uint32(r.uint(4)), r.uint(8)
	if depth >= maxNesting {
		r.fail("arrays nested more than %d levels deep", maxNesting)
	}
	if r.err == nil && int(kind) >= len(kindSizes) {
		r.fail("an array of unknown kind %d at byte %d", kind, r.pos)
	}
	// The check comes before any allocation of n elements.
	if r.err != nil || n > math.MaxInt64/16 || !r.need(n*kindSizes[kind]) {
		r.fail("an array of %d elements at byte %d", n, r.pos)
		return nil
	}
	switch kind {
	case kindString:
		return readAll(r, n, func() string { return r.text(maxString) })
	case kindFloat32, kindFloat64:
		return readAll(r, n, func() float64 { return r.value(kind, depth).(float64) })
	case kindBool:
		return readAll(r, n, func() bool { return r.value(kind, depth).(bool) })
	case kindArray:
		return readAll(r, n, func() any { return r.array(depth + 1) })
	case kindInt8, kindInt16, kindInt32, kindInt64:
		return readAll(r, n, func() int64 { return r.value(kind, depth).(int64) })
	}
	return readAll(r, n, func() int64 {
		x := r.value(kind, depth).(uint64)
		if x > math.MaxInt64 {
			r.fail("the number %d at byte %d is too large", x, r.pos)
		}
		return int64(x)
	})
}

func readAll[T any](r *reader, n uint64, one func() T) []T {
	out := make([]T, 0, n)
	for uint64(len(out)) < n && r.err == nil {
		out = append(out, one())
	}
	return out
}

func validKey(s string) bool { return s != "" && utf8.ValidString(s) }
