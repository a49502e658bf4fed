package quant

import (
	"encoding/json"
	"fmt"
	"strings"

	"qwill/engine/strictjson"
)

// Config is the "quantization" object of config.json.
type Config struct {
	Default  *Affine            // nil: the model is not quantized
	PerLayer map[string]*Affine // by module path; nil: that layer is dense
}

// For is the form that the config gives a module such as
// "model.layers.0.mlp.up_proj"; named says that an entry of its own does.
func (c Config) For(module string) (form *Affine, named bool) {
	if f, ok := c.PerLayer[module]; ok {
		return f, true
	}
	return c.Default, false
}

// FieldError names the part of config.json that is wrong.
type FieldError struct {
	Field   string
	Message string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

// Parse reads the value of "quantization" (or of its copy
// "quantization_config"), which field names in errors. An entry whose value is
// an object or a boolean belongs to the module it names. data must be valid
// JSON.
func Parse(field string, data []byte) (Config, error) {
	fail := func(name, format string, args ...any) (Config, error) {
		if name != "" {
			name = "." + name
		}
		return Config{}, &FieldError{field + name, fmt.Sprintf(format, args...)}
	}
	if strictjson.Kind(data) == "null" {
		return Config{}, nil
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return fail("", "%v", err)
	}
	c := Config{PerLayer: map[string]*Affine{}}
	var own []strictjson.Member
	for _, m := range members {
		switch strictjson.Kind(m.Value) {
		case "a boolean":
			if !strings.Contains(m.Key, ".") && m.Key != "lm_head" {
				continue // a switch of some tool, not a module
			}
			if strings.TrimSpace(string(m.Value)) == "true" {
				return fail(m.Key, "true says nothing about bits and group_size")
			}
			c.PerLayer[m.Key] = nil
		case "an object":
			entry, err := strictjson.Object(m.Value)
			if err != nil {
				return fail(m.Key, "%v", err)
			}
			form, where, err := affine(entry)
			if err != nil {
				return fail(join(m.Key, where), "%v", err)
			}
			c.PerLayer[m.Key] = form
		default:
			own = append(own, m)
		}
	}
	form, where, err := affine(own)
	if err != nil {
		return fail(where, "%v", err)
	}
	c.Default = form
	return c, nil
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}

// affine reads bits, group_size and mode; where names the field at fault.
func affine(members []strictjson.Member) (form *Affine, where string, err error) {
	a := Affine{}
	for _, m := range members {
		switch m.Key {
		case "bits", "group_size":
			n := &a.Bits
			if m.Key == "group_size" {
				n = &a.GroupSize
			}
			if strictjson.Kind(m.Value) != "a number" || json.Unmarshal(m.Value, n) != nil {
				return nil, m.Key, fmt.Errorf("%.40s is not an integer", m.Value)
			}
		case "mode":
			var mode string
			if json.Unmarshal(m.Value, &mode) != nil || mode != "affine" {
				return nil, m.Key, fmt.Errorf("%.40s is not supported: \"affine\" is", m.Value)
			}
		case "quant_method":
			return nil, m.Key, fmt.Errorf("%.40s is not MLX's quantization; take the MLX edition of the model", m.Value)
		}
	}
	if a.Bits == 0 {
		return nil, "bits", fmt.Errorf("missing")
	}
	if a.GroupSize == 0 {
		return nil, "group_size", fmt.Errorf("missing")
	}
	if err := a.Check(); err != nil {
		return nil, "", err
	}
	return &a, "", nil
}
