package gguf

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"
)

// image builds GGUF files by hand.
type image struct{ b []byte }

func (i *image) u32(v uint32) *image { i.b = binary.LittleEndian.AppendUint32(i.b, v); return i }
func (i *image) u64(v uint64) *image { i.b = binary.LittleEndian.AppendUint64(i.b, v); return i }
func (i *image) str(s string) *image { i.u64(uint64(len(s))); i.b = append(i.b, s...); return i }
func (i *image) raw(b ...byte) *image {
	i.b = append(i.b, b...)
	return i
}

func start(tensors, keys uint64) *image {
	i := &image{b: []byte("GGUF")}
	return i.u32(3).u64(tensors).u64(keys)
}

func (i *image) tensor(name string, kind Type, offset uint64, dims ...uint64) *image {
	i.str(name).u32(uint32(len(dims)))
	for _, d := range dims {
		i.u64(d)
	}
	return i.u32(uint32(kind)).u64(offset)
}

// data pads to the alignment and appends n bytes.
func (i *image) data(n int) *image {
	for len(i.b)%32 != 0 {
		i.b = append(i.b, 0)
	}
	i.b = append(i.b, make([]byte, n)...)
	return i
}

func TestReadKinds(t *testing.T) {
	i := start(1, 15)
	i.str("u8").u32(kindUint8).raw(200)
	i.str("i8").u32(kindInt8).raw(0xff)
	i.str("u16").u32(kindUint16).raw(1, 2)
	i.str("i16").u32(kindInt16).raw(0xfe, 0xff)
	i.str("u32").u32(kindUint32).u32(1 << 31)
	i.str("i32").u32(kindInt32).u32(math.MaxUint32)
	i.str("f32").u32(kindFloat32).u32(math.Float32bits(1.5))
	i.str("bool").u32(kindBool).raw(1)
	i.str("string").u32(kindString).str("text")
	i.str("u64").u32(kindUint64).u64(1 << 63)
	i.str("i64").u32(kindInt64).u64(math.MaxUint64)
	i.str("f64").u32(kindFloat64).u64(math.Float64bits(2.5))
	i.str("list").u32(kindArray).u32(kindInt16).u64(2).raw(1, 0, 0xff, 0xff)
	i.str("strings").u32(kindArray).u32(kindString).u64(1).str("x")
	i.str("nested").u32(kindArray).u32(kindArray).u64(1).u32(kindBool).u64(1).raw(1)
	i.tensor("t", Q8_0, 0, 64, 2).data(2 * 2 * 34)
	f, err := Read(bytes.NewReader(i.b), int64(len(i.b)))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"u8": uint64(200), "i8": int64(-1), "u16": uint64(513), "i16": int64(-2), "u32": uint64(1 << 31), "i32": int64(-1),
		"f32": 1.5, "bool": true, "string": "text", "u64": uint64(1 << 63), "i64": int64(-1), "f64": 2.5,
	} {
		if f.Metadata[key] != want {
			t.Errorf("%s is %v, want %v", key, f.Metadata[key], want)
		}
	}
	if l, ok := f.Metadata["list"].([]int64); !ok || len(l) != 2 || l[1] != -1 {
		t.Errorf("list is %v", f.Metadata["list"])
	}
	if x := f.Tensors[0]; x.Rows() != 2 || x.Cols() != 64 || x.Bytes != 136 || x.Offset+x.Bytes != int64(len(i.b)) {
		t.Errorf("tensor %+v", x)
	}
}

// fileFaults are bad files with a part of the message each must give.
var fileFaults = []struct {
	name string
	data []byte
	want string
}{
	{"empty", nil, "not a GGUF file"},
	{"magic", []byte("GGML\x03\x00\x00\x00"), "not a GGUF file"},
	{"version 1", (&image{b: []byte("GGUF")}).u32(1).b, "version 1"},
	{"big-endian", (&image{b: []byte("GGUF")}).u32(3 << 24).b, "big-endian"},
	{"ends early", start(0, 0).b[:20], "are left"},
	{"2^40 tensors", start(1<<40, 0).b, "tensors, more than the limit"},
	{"2^63 keys", start(0, 1<<63).b, "metadata keys, more than the limit"},
	{"no keys there", start(0, 5).b, "are left"},
	{"huge key", start(0, 1).u64(1 << 62).b, "a string of 4611686018427387904 bytes"},
	{"long string", start(0, 1).str("a").u32(kindString).u64(1 << 30).b, "more than the limit"},
	{"string past the end", start(0, 1).str("a").u32(kindString).u64(100).b, "are left"},
	{"huge array", start(0, 1).str("a").u32(kindArray).u32(kindFloat64).u64(1 << 61).b, "an array of"},
	{"array past the end", start(0, 1).str("a").u32(kindArray).u32(kindString).u64(1000000).b, "are left"},
	{"array of unknown", start(0, 1).str("a").u32(kindArray).u32(99).u64(1).b, "unknown kind 99"},
	{"unknown kind", start(0, 1).str("a").u32(13).u64(0).b, "unknown kind 13"},
	{"deep arrays", start(0, 1).str("a").u32(kindArray).u32(kindArray).u64(1).u32(kindArray).u64(1).u32(kindArray).u64(1).u32(kindArray).u64(1).u32(kindArray).u64(1).u64(0).u64(0).b, "nested"},
	{"boolean 2", start(0, 1).str("a").u32(kindBool).raw(2).b, "boolean of value 2"},
	{"key twice", start(0, 2).str("a").u32(kindBool).raw(1).str("a").u32(kindBool).raw(1).b, `"a" is given twice`},
	{"key not UTF-8", start(0, 1).str("\xff").u32(kindBool).raw(1).b, "not valid"},
	{"empty key", start(0, 1).str("").u32(kindBool).raw(1).b, "not valid"},
	{"alignment 3", start(0, 1).str("general.alignment").u32(kindUint32).u32(3).b, "general.alignment"},
	{"alignment 0", start(0, 1).str("general.alignment").u32(kindUint32).u32(0).b, "general.alignment"},
	{"alignment text", start(0, 1).str("general.alignment").u32(kindString).str("32").b, "general.alignment"},
	{"no dimensions", start(1, 0).tensor("t", F32, 0).b, `"t": 0 dimensions`},
	{"five dimensions", start(1, 0).tensor("t", F32, 0, 1, 1, 1, 1, 1).b, "5 dimensions"},
	{"dimension 0", start(1, 0).tensor("t", F32, 0, 4, 0).b, "a dimension of 0"},
	{"dimension 2^32", start(1, 0).tensor("t", F32, 0, 1<<32).b, "a dimension of 4294967296"},
	{"overflow", start(1, 0).tensor("t", F32, 0, 1<<30, 1<<30, 1<<30).b, "overflow"},
	{"type Q4_K", start(1, 0).tensor("t", 12, 0, 256).b, `"t": Q4_K is not supported`},
	{"type 77", start(1, 0).tensor("t", 77, 0, 256).b, "type 77 is not supported"},
	{"part of a block", start(1, 0).tensor("t", Q4_1, 0, 33).b, "33 elements do not divide"},
	{"unaligned", start(1, 0).tensor("t", F32, 4, 1).data(64).b, "offset 4 is not a multiple of 32"},
	{"past the end", start(1, 0).tensor("t", F32, 0, 5).data(16).b, "ends 4 bytes behind the end"},
	{"offset 2^63", start(1, 0).tensor("t", F32, 1<<63, 4).data(16).b, "outside the file"},
	{"overlap", start(2, 0).tensor("a", F32, 0, 16).tensor("b", F32, 32, 4).data(64).b, `"b": its bytes overlap those of "a"`},
	{"tensor twice", start(2, 0).tensor("a", F32, 0, 4).tensor("a", F32, 32, 4).data(64).b, `"a": it is given twice`},
}

func TestReadFaults(t *testing.T) {
	for _, c := range fileFaults {
		_, err := Read(bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// FuzzRead also plans a conversion of what is accepted, writes nothing, and
// checks that no tensor lies outside the file.
func FuzzRead(f *testing.F) {
	for _, c := range fileFaults {
		f.Add(c.data)
	}
	for _, path := range fixtures(f) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		file, err := Read(r, int64(len(data)))
		if err != nil {
			return
		}
		for _, x := range file.Tensors {
			if x.Offset < 0 || x.Bytes < 1 || x.Offset+x.Bytes > int64(len(data)) {
				t.Fatalf("accepted %+v in %d bytes", x, len(data))
			}
		}
		p, err := newPlan(r, int64(len(data)))
		if err != nil {
			return
		}
		for _, s := range p.sources() {
			n := &counter{}
			if err := s.Write(n); err != nil || n.n != s.Dtype.Size()*product(s.Shape) {
				t.Fatalf("%s of shape %v: %d bytes, %v", s.Name, s.Shape, n.n, err)
			}
		}
	})
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
