package load

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"qwill/engine/strictjson"
)

// fields reads an object's fields by name; the first fault is kept, so that a
// parser reads like a list.
type fields struct {
	m      map[string]json.RawMessage
	prefix string // "rope_scaling." inside such an object
	err    error
}

// fieldError is a fault of one field of config.json.
type fieldError struct{ field, message string }

func (e *fieldError) Error() string { return e.field + ": " + e.message }

func newFields(data []byte, prefix string) (*fields, error) {
	members, err := strictjson.Object(data)
	if err != nil {
		return nil, &fieldError{strings.TrimSuffix(prefix, "."), err.Error()}
	}
	f := &fields{m: make(map[string]json.RawMessage, len(members)), prefix: prefix}
	for _, m := range members {
		f.m[m.Key] = m.Value
	}
	return f, nil
}

func (f *fields) fail(name, format string, args ...any) {
	if f.err == nil {
		f.err = &fieldError{f.prefix + name, fmt.Sprintf(format, args...)}
	}
}

// has reports whether the field is there and not null.
func (f *fields) has(name string) bool {
	return f.m[name] != nil && strictjson.Kind(f.m[name]) != "null"
}

func (f *fields) want(name, kind string) bool {
	if !f.has(name) {
		f.fail(name, "missing")
		return false
	}
	if k := strictjson.Kind(f.m[name]); k != kind {
		f.fail(name, "%s where %s is wanted", k, kind)
		return false
	}
	return true
}

// integer reads a field that must be there, in low…high.
func (f *fields) integer(name string, low, high int) int {
	if !f.want(name, "a number") {
		return low
	}
	n, err := strconv.Atoi(string(f.m[name]))
	if err != nil {
		f.fail(name, "%.40s is not an integer", f.m[name])
		return low
	}
	if n < low || n > high {
		f.fail(name, "%d is outside %d to %d", n, low, high)
		return low
	}
	return n
}

// integerOr is integer with a value for an absent field.
func (f *fields) integerOr(name string, low, high, absent int) int {
	if !f.has(name) {
		return absent
	}
	return f.integer(name, low, high)
}

// number reads a field that must be there, in low…high.
func (f *fields) number(name string, low, high float64) float64 {
	if !f.want(name, "a number") {
		return low
	}
	x, err := strconv.ParseFloat(string(f.m[name]), 64)
	if err != nil || math.IsNaN(x) || x < low || x > high {
		f.fail(name, "%.40s is outside %g to %g", f.m[name], low, high)
		return low
	}
	return x
}

func (f *fields) numberOr(name string, low, high, absent float64) float64 {
	if !f.has(name) {
		return absent
	}
	return f.number(name, low, high)
}

func (f *fields) text(name string) string {
	var s string
	if f.want(name, "a string") && json.Unmarshal(f.m[name], &s) != nil {
		f.fail(name, "not a string")
	}
	return s
}

func (f *fields) boolOr(name string, absent bool) bool {
	if !f.has(name) || !f.want(name, "a boolean") {
		return absent
	}
	return string(f.m[name]) == "true"
}

// ids reads one token id or a list of them; absent is none.
func (f *fields) ids(name string, vocab int) []int {
	if !f.has(name) {
		return nil
	}
	data := f.m[name]
	var list []int
	switch strictjson.Kind(data) {
	case "a number":
		list = make([]int, 1)
		if json.Unmarshal(data, &list[0]) != nil {
			f.fail(name, "%.40s is not a token id", data)
		}
	case "an array":
		if json.Unmarshal(data, &list) != nil || len(list) > 64 {
			f.fail(name, "not a short list of token ids")
		}
	default:
		f.fail(name, "%s where token ids are wanted", strictjson.Kind(data))
	}
	for _, id := range list {
		if id < 0 || id >= vocab {
			f.fail(name, "token %d is outside the vocabulary of %d", id, vocab)
		}
	}
	return list
}
