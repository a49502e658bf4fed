package quant

import (
	"strings"
	"testing"

	"qwill/engine/strictjson"
)

func TestParse(t *testing.T) {
	c, err := Parse("quantization", []byte(`{"group_size":64,"bits":4,"mode":"affine","linear_class":null,
		"model.embed_tokens":{"group_size":32,"bits":8},"lm_head":false,"model.layers.0.mlp.gate":{"bits":8,"group_size":128,"mode":"affine"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for module, want := range map[string]*Affine{
		"model.layers.9.mlp.up_proj": {4, 64},
		"model.embed_tokens":         {8, 32},
		"model.layers.0.mlp.gate":    {8, 128},
		"lm_head":                    nil,
	} {
		got, _ := c.For(module)
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %v, want %v", module, got, want)
		}
	}
	if c, err := Parse("quantization", []byte("null")); err != nil || c.Default != nil {
		t.Errorf("null: %v, %v", c, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`{"bits":3,"group_size":64}`, "quantization: bits 3"},
		{`{"bits":5,"group_size":64}`, "quantization: bits 5"},
		{`{"bits":4,"group_size":16}`, "group_size 16"},
		{`{"bits":4,"group_size":64,"mode":"mxfp4"}`, `quantization.mode: "mxfp4" is not supported`},
		{`{"bits":4,"group_size":64,"mode":7}`, `quantization.mode: 7`},
		{`{"bits":"4","group_size":64}`, `quantization.bits: "4" is not an integer`},
		{`{"bits":4.5,"group_size":64}`, `quantization.bits: 4.5`},
		{`{"bits":4}`, "quantization.group_size: missing"},
		{`{}`, "quantization.bits: missing"},
		{`[]`, "quantization: an array"},
		{`{"bits":4,"group_size":64,"a.b":{"bits":2,"group_size":64}}`, "quantization.a.b: bits 2"},
		{`{"bits":4,"group_size":64,"a.b":{"bits":4}}`, "quantization.a.b.group_size: missing"},
		{`{"bits":4,"group_size":64,"a.b":{"bits":4,"group_size":32,"mode":"nvfp4"}}`, "quantization.a.b.mode"},
		{`{"bits":4,"group_size":64,"a.b":true}`, "quantization.a.b: true"},
		{`{"bits":4,"bits":8,"group_size":64}`, `"bits" is given twice`},
		{`{"quant_method":"gptq","bits":4,"group_size":128}`, `quantization.quant_method: "gptq"`},
	} {
		_, err := Parse("quantization", []byte(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.data, err, c.want)
		}
	}
}

func TestCheckShapes(t *testing.T) {
	a := Affine{4, 32}
	if err := a.CheckShapes(10, 64, []int64{10, 8}, []int64{10, 2}, []int64{10, 2}); err != nil {
		t.Error(err)
	}
	for want, s := range map[string][3][]int64{
		"weight has shape [10 16]": {{10, 16}, {10, 2}, {10, 2}},
		"scales has shape [10 1]":  {{10, 8}, {10, 1}, {10, 2}},
		"biases has shape [10]":    {{10, 8}, {10, 2}, {10}},
	} {
		if err := a.CheckShapes(10, 64, s[0], s[1], s[2]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if err := (Affine{4, 128}).CheckShapes(10, 64, nil, nil, nil); err == nil {
		t.Error("64 columns in groups of 128 were accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"bits":4,"group_size":64,"a.b":{"bits":8,"group_size":32},"c.d":false}`))
	f.Add([]byte(`{"bits":1e3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if strictjson.Check(data, 1<<16, 16) != nil {
			return
		}
		c, err := Parse("q", data)
		if err == nil && c.Default != nil && c.Default.Check() != nil {
			t.Fatalf("accepted %v", c.Default)
		}
	})
}
