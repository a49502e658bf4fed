package gguf

import (
	"fmt"
	"math"
	"strconv"
)

// KeyError names the metadata key that is at fault.
type KeyError struct{ Key, Message string }

func (e *KeyError) Error() string { return e.Key + ": " + e.Message }

// meta reads metadata by key; the first fault is kept.
type meta struct {
	m    map[string]any
	arch string // "llama": prefix of the architecture's own keys
	err  error
}

func (m *meta) fail(key, format string, args ...any) {
	if m.err == nil {
		m.err = &KeyError{key, fmt.Sprintf(format, args...)}
	}
}

func (m *meta) has(key string) bool { _, ok := m.m[key]; return ok }

func (m *meta) text(key string) string {
	s, ok := m.m[key].(string)
	if !ok {
		m.fail(key, "%s where text is wanted", kindOf(m.m[key]))
	}
	return s
}

// integer reads a number from low to high.
func (m *meta) integer(key string, low, high int64) int64 {
	var n int64
	switch v := m.m[key].(type) {
	case uint64:
		n = int64(min(v, math.MaxInt64))
	case int64:
		n = v
	default:
		m.fail(key, "%s where a number is wanted", kindOf(v))
		return low
	}
	if n < low || n > high {
		m.fail(key, "%d is outside %d to %d", n, low, high)
		return low
	}
	return n
}

// own is integer for a key of the architecture.
func (m *meta) own(name string, high int64) int64 { return m.integer(m.arch+"."+name, 1, high) }

// float reads a number as the shortest decimal of its float32, which is what
// the converter was given.
func (m *meta) float(key string) float64 {
	v, ok := m.m[key].(float64)
	if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
		m.fail(key, "%s where a finite number is wanted", kindOf(m.m[key]))
		return 1
	}
	x, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64)
	if err != nil {
		m.fail(key, "%v", err)
	}
	return x
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "text"
	case bool:
		return "a boolean"
	case uint64, int64, float64:
		return "a number"
	}
	return "a list"
}
