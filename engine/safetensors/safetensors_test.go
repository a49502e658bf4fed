package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func source(name string, d Dtype, shape ...int64) Source {
	return Source{name, d, shape, func(w io.Writer) error {
		n := d.Size()
		for _, s := range shape {
			n *= s
		}
		_, err := w.Write(bytes.Repeat([]byte{7}, int(n)))
		return err
	}}
}

func TestWriteAndRead(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, []Source{source("half", F16, 3), source("empty", F32, 0, 4), source("words", U32, 2, 2), source("scalar", F32)}, map[string]string{"format": "mlx"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := ReadHeader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Tensors) != 4 || h.Metadata["format"] != "mlx" {
		t.Fatalf("read %+v", h)
	}
	for _, x := range h.Tensors {
		if x.Offset%x.Dtype.Size() != 0 {
			t.Errorf("%s at byte %d is not aligned", x.Name, x.Offset)
		}
	}
	last := h.Tensors[3]
	if last.Name != "half" || last.Bytes != 6 || last.Offset+last.Bytes != int64(b.Len()) {
		t.Errorf("last tensor %+v", last)
	}
	if err := Write(io.Discard, []Source{{"x", F32, []int64{2}, func(w io.Writer) error { return nil }}}, nil); err == nil {
		t.Error("too few bytes were accepted")
	}
}

// headerFaults are bad files with a part of the message each must give.
var headerFaults = []struct {
	name string
	data []byte
	want string
}{
	{"seven bytes", []byte("1234567"), "too few"},
	{"empty header", file("", 4), "the header is empty"},
	{"over 100 MB", binary.LittleEndian.AppendUint64(nil, MaxHeader+1), "more than the limit"},
	{"2^63", binary.LittleEndian.AppendUint64(nil, 1<<63), "more than the limit"},
	{"beyond the file", append(binary.LittleEndian.AppendUint64(nil, 50), "{}"...), "the file has 10"},
	{"not json", file("{]", 0), "not valid JSON"},
	{"html", file("<html></html>", 0), "does not start with {"},
	{"trailing", file("{}{}", 0), "not valid JSON"},
	{"deep", file(`{"a":`+strings.Repeat("[", 100000)+strings.Repeat("]", 100000)+`}`, 0), "levels deep"},
	{"duplicate tensor", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), `"a" is given twice`},
	{"duplicate field", file(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), `tensor "a": key "dtype" is given twice`},
	{"unknown field", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1), `tensor "a": unknown field "x"`},
	{"missing field", file(`{"a":{"dtype":"U8","shape":[1]}}`, 1), `tensor "a": data_offsets is missing`},
	{"not an object", file(`{"a":[1]}`, 0), `tensor "a": an array where an object`},
	{"null", file(`{"a":null}`, 0), `tensor "a": null where an object`},
	{"unknown dtype", file(`{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}`, 1), `tensor "a": dtype "F8_E4M3" is not supported`},
	{"dtype number", file(`{"a":{"dtype":3,"shape":[1],"data_offsets":[0,1]}}`, 1), "dtype is a number"},
	{"negative dim", file(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1), `tensor "a": shape: "-1"`},
	{"fractional dim", file(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, 1), `shape: "1.0"`},
	{"string dim", file(`{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}`, 1), "shape:"},
	{"nested shape", file(`{"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}`, 1), "levels deep"},
	{"huge dim", file(`{"a":{"dtype":"U8","shape":[4294967296],"data_offsets":[0,1]}}`, 1), "too large"},
	{"overflow", file(`{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}`, 4), "overflows"},
	{"overflow to zero", file(`{"a":{"dtype":"F32","shape":[1073741824,1073741824,4],"data_offsets":[0,0]}}`, 0), "overflows"},
	{"many dims", file(`{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}`, 1), "11 numbers"},
	{"size differs", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "needs 8 bytes, data_offsets give 4"},
	{"reversed", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1), `tensor "a": data_offsets [1 0]`},
	{"past the end", file(`{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`, 4), `tensor "a": it ends 5 bytes behind the end`},
	{"2^63 offset", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[9223372036854775808,9223372036854775809]}}`, 1), "data_offsets:"},
	{"overlap", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), `tensor "b": its bytes overlap`},
	{"hole", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), `tensor "b": 1 bytes before it`},
	{"hole at the start", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "1 bytes before it"},
	{"bytes left over", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2), "1 bytes after the last tensor"},
	{"metadata", file(`{"__metadata__":{"a":1}}`, 0), `__metadata__: "a" is a number`},
	{"empty name", file(`{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), "name has 0 bytes"},
}

func TestHeaderFaults(t *testing.T) {
	for _, c := range headerFaults {
		_, err := ReadHeader(bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestTooManyTensors(t *testing.T) {
	var b strings.Builder
	for i := range maxTensors + 1 {
		fmt.Fprintf(&b, `,"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
	}
	data := file("{"+b.String()[1:]+"}", 0)
	if _, err := ReadHeader(bytes.NewReader(data), int64(len(data))); err == nil || !strings.Contains(err.Error(), "262145 tensors") {
		t.Errorf("error %v", err)
	}
}

func FuzzHeader(f *testing.F) {
	for _, c := range headerFaults {
		if len(c.data) < 1000 {
			f.Add(c.data)
		}
	}
	f.Add(file(`{"__metadata__":{"format":"mlx"},"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}`, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ReadHeader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		var sum int64
		for _, x := range h.Tensors {
			n := x.Dtype.Size()
			for _, d := range x.Shape {
				n *= d
			}
			if n != x.Bytes || x.Offset < 8 || x.Offset+x.Bytes > int64(len(data)) {
				t.Fatalf("accepted %+v in %d bytes", x, len(data))
			}
			sum += n
		}
		if sum > int64(len(data)) {
			t.Fatalf("tensors of %d bytes in a file of %d", sum, len(data))
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":1},"weight_map":{"a":"model-00001-of-00002.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"c:\\x.safetensors"}}`))
	f.Add([]byte(`{"weight_map":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ParseIndex(data)
		if err != nil {
			return
		}
		for _, name := range x.Shards {
			if filepath.Base(name) != name || !filepath.IsLocal(name) {
				t.Fatalf("accepted %q", name)
			}
		}
	})
}

func write(t *testing.T, path string, tensors ...Source) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestShards(t *testing.T) {
	good := `{"weight_map":{"a":"x1.safetensors","b":"x2.safetensors"}}`
	for _, c := range []struct{ name, index, want string }{
		{"good", good, ""},
		{"missing shard", `{"weight_map":{"a":"x1.safetensors","b":"x3.safetensors"}}`, "x3.safetensors: model.safetensors.index.json names this file"},
		{"missing tensor", `{"weight_map":{"a":"x1.safetensors","b":"x2.safetensors","c":"x2.safetensors"}}`, `x2.safetensors: tensor "c": model.safetensors.index.json places it here`},
		{"extra tensor", `{"weight_map":{"a":"x1.safetensors","z":"x2.safetensors"}}`, `x2.safetensors: tensor "b": model.safetensors.index.json does not name it`},
		{"wrong shard", `{"weight_map":{"a":"x2.safetensors","b":"x1.safetensors"}}`, "places it in"},
		{"two copies", `{"weight_map":{"a":"x1.safetensors","b":"x2.safetensors","d":"copy.safetensors"}}`, `copy.safetensors: tensor "a": it is in x1.safetensors too`},
		{"parent", `{"weight_map":{"a":"../x1.safetensors"}}`, "not the name of a .safetensors file"},
		{"absolute", `{"weight_map":{"a":"/x1.safetensors"}}`, "not the name"},
		{"backslash", `{"weight_map":{"a":"y\\x1.safetensors"}}`, "not the name"},
		{"other file", `{"weight_map":{"a":"config.json"}}`, "not the name"},
		{"number", `{"weight_map":{"a":1}}`, `"a" is a number`},
		{"twice", `{"weight_map":{"a":"x1.safetensors","a":"x2.safetensors"}}`, "given twice"},
		{"empty map", `{"weight_map":{}}`, "names no tensors"},
		{"no map", `{}`, "weight_map is missing"},
		{"not json", `{`, "model.safetensors.index.json: not valid JSON"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "x1.safetensors"), source("a", F32, 2))
		write(t, filepath.Join(dir, "x2.safetensors"), source("b", F32, 3))
		write(t, filepath.Join(dir, "copy.safetensors"), source("a", F32, 2))
		if err := os.WriteFile(filepath.Join(dir, IndexName), []byte(c.index), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := OpenFolder(dir)
		if c.want == "" {
			if err != nil || f.Tensors["b"].File != 1 || f.Tensors["b"].Bytes != 12 {
				t.Errorf("%s: %+v, %v", c.name, f, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestTruncatedLastShard(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x1.safetensors"), source("a", F32, 2))
	last := filepath.Join(dir, "x2.safetensors")
	write(t, last, source("b", F32, 300))
	if err := os.Truncate(last, 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, IndexName), []byte(`{"weight_map":{"a":"x1.safetensors","b":"x2.safetensors"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenFolder(dir)
	var fe *FileError
	if !errors.As(err, &fe) || fe.Path != last || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("error %v", err)
	}
}

func TestNothingThere(t *testing.T) {
	if _, err := OpenFolder(t.TempDir()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "model.safetensors") {
		t.Errorf("error %v", err)
	}
}
