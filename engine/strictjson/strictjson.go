// Package strictjson reads JSON that came from strangers: checkpoint headers,
// indexes and configurations. It refuses what encoding/json lets pass (a key
// given twice, broken UTF-8) and bounds size and depth before anything is
// decoded.
package strictjson

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Member is one key of an object with its value as written.
type Member struct {
	Key   string
	Value json.RawMessage
}

// Check reports whether data is one valid JSON value of at most maxBytes bytes
// and maxDepth levels of objects and arrays.
func Check(data []byte, maxBytes, maxDepth int) error {
	if len(data) > maxBytes {
		return fmt.Errorf("%d bytes of JSON, more than the limit of %d", len(data), maxBytes)
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("not valid UTF-8")
	}
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("nested more than %d levels deep", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	if !json.Valid(data) {
		return fmt.Errorf("not valid JSON%s", syntaxPlace(data))
	}
	return nil
}

func syntaxPlace(data []byte) string {
	var v struct{} // stores nothing, whatever the input
	if e, ok := json.Unmarshal(data, &v).(*json.SyntaxError); ok {
		return fmt.Sprintf(": %v at byte %d", e, e.Offset)
	}
	return ""
}

// Object splits a JSON object into its members, in order. data must have passed
// [Check], whole or as part of a value that did. A key given twice is an error.
func Object(data []byte) ([]Member, error) {
	i := space(data, 0)
	if i >= len(data) || data[i] != '{' {
		return nil, fmt.Errorf("%s where an object is wanted", Kind(data))
	}
	var out []Member
	seen := map[string]bool{}
	i = space(data, i+1)
	for i < len(data) && data[i] != '}' {
		end := value(data, i)
		var key string
		if err := json.Unmarshal(data[i:end], &key); err != nil {
			return nil, fmt.Errorf("a key: %w", err)
		}
		if seen[key] {
			return nil, fmt.Errorf("key %q is given twice", key)
		}
		seen[key] = true
		i = space(data, space(data, end)+1) // past the colon
		end = value(data, i)
		if end <= i {
			return nil, fmt.Errorf("key %q has no value", key)
		}
		out = append(out, Member{Key: key, Value: json.RawMessage(data[i:end:end])})
		if i = space(data, end); i < len(data) && data[i] == ',' {
			i = space(data, i+1)
		}
	}
	return out, nil
}

// Kind names the type of a JSON value: "a string", "null" and so on.
func Kind(data []byte) string {
	i := space(data, 0)
	if i >= len(data) {
		return "nothing"
	}
	switch data[i] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

func space(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// value is the end of the value that starts at i.
func value(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i++; depth == 0 {
				return min(i, len(data))
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return min(i, len(data))
}
