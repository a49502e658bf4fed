package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
)

// Limits of a schema.
const (
	maxSchemaBytes = 256 << 10
	maxSchemaDepth = 100
)

// value is a JSON value whose objects keep the order of their members.
type value struct {
	kind   string // object, array, string, number, boolean, null
	keys   []string
	fields map[string]*value
	items  []*value
	text   string // of a string; a number as it is written
	yes    bool
}

// parse reads one JSON value.
func parse(b []byte) (*value, error) {
	if len(b) > maxSchemaBytes {
		return nil, refuse("", "the schema has more than %d bytes", maxSchemaBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := read(d, 0)
	if err == nil {
		if _, e := d.Token(); !errors.Is(e, io.EOF) {
			err = errors.New("something follows the schema")
		}
	}
	if err != nil {
		return nil, refuse("", "the schema is not valid JSON: %v", err)
	}
	return v, nil
}

func read(d *json.Decoder, depth int) (*value, error) {
	if depth > maxSchemaDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxSchemaDepth)
	}
	t, err := d.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t := t.(type) {
	case nil:
		return &value{kind: "null"}, nil
	case bool:
		return &value{kind: "boolean", yes: t}, nil
	case string:
		return &value{kind: "string", text: t}, nil
	case json.Number:
		return &value{kind: "number", text: t.String()}, nil
	case json.Delim:
		v := &value{kind: "array"}
		if t == '{' {
			v = object()
		}
		for d.More() {
			var key string
			if t == '{' {
				k, err := d.Token()
				if err != nil {
					return nil, err
				}
				key, _ = k.(string)
			}
			item, err := read(d, depth+1)
			if err != nil {
				return nil, err
			}
			if t == '[' {
				v.items = append(v.items, item)
			} else if v.fields[key] != nil {
				return nil, fmt.Errorf("the member %q comes twice", key)
			} else {
				v.put(key, item)
			}
		}
		_, err := d.Token()
		return v, err
	}
	return nil, fmt.Errorf("unexpected %v", t)
}

func object() *value { return &value{kind: "object", fields: map[string]*value{}} }

func list(items ...*value) *value { return &value{kind: "array", items: items} }

func (v *value) put(key string, item *value) {
	if v.fields[key] == nil {
		v.keys = append(v.keys, key)
	}
	v.fields[key] = item
}

// without is a copy that lacks some members.
func (v *value) without(keys ...string) *value {
	out := object()
	for _, k := range v.keys {
		if !slices.Contains(keys, k) {
			out.put(k, v.fields[k])
		}
	}
	return out
}

func (v *value) bool() (yes, ok bool) { return v.yes, v.kind == "boolean" }

// equal compares as JSON Schema does: numbers by value, objects without order.
func (v *value) equal(w *value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case "number":
		a, b := v.rat(), w.rat()
		return a != nil && b != nil && a.Cmp(b) == 0 || v.text == w.text
	case "array":
		return slices.EqualFunc(v.items, w.items, (*value).equal)
	case "object":
		if len(v.keys) != len(w.keys) {
			return false
		}
		for _, k := range v.keys {
			if w.fields[k] == nil || !v.fields[k].equal(w.fields[k]) {
				return false
			}
		}
		return true
	}
	return v.text == w.text && v.yes == w.yes
}

// rat is a number's value, nil for one whose digits would fill memory.
func (v *value) rat() *big.Rat {
	if v.kind != "number" || len(v.text) > 1000 || strings.ContainsAny(v.text, "eE") && !smallExponent(v.text) {
		return nil
	}
	r, _ := new(big.Rat).SetString(v.text)
	return r
}

// is says whether a value has a type of JSON Schema.
func (v *value) is(typ string) bool {
	if typ == "integer" {
		r := v.rat()
		return r != nil && r.IsInt()
	}
	return v.kind == typ
}
