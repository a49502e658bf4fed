package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// reader walks a JSON text once, without building a tree: tokenizer files hold
// 300,000 strings, which encoding/json reads several times slower.
type reader struct {
	b   []byte
	i   int
	buf []byte // last string with escapes
}

// maxJSONDepth bounds nesting.
const maxJSONDepth = 64

var errJSON = errors.New("not valid JSON")

func (r *reader) fail(what string) error {
	if r.i >= len(r.b) {
		return fmt.Errorf("%w: the file ends early (%s expected)", errJSON, what)
	}
	return fmt.Errorf("%w: %s expected at byte %d", errJSON, what, r.i)
}

func (r *reader) space() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// peek gives the first byte of the next value, 0 at the end.
func (r *reader) peek() byte {
	r.space()
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *reader) expect(c byte) error {
	if r.peek() != c {
		return r.fail(fmt.Sprintf("%q", c))
	}
	r.i++
	return nil
}

// list calls item for each member between open and close.
func (r *reader) list(open, end byte, item func() error) error {
	if err := r.expect(open); err != nil {
		return err
	}
	if r.peek() == end {
		r.i++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.i++
		case end:
			r.i++
			return nil
		default:
			return r.fail(fmt.Sprintf("',' or %q", end))
		}
	}
}

// array calls item before each element.
func (r *reader) array(item func() error) error { return r.list('[', ']', item) }

// object calls item before each value; key is only valid until the next read.
func (r *reader) object(item func(key []byte) error) error {
	return r.list('{', '}', func() error {
		if r.peek() != '"' {
			return r.fail("a key")
		}
		key, err := r.string()
		if err != nil {
			return err
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		return item(key)
	})
}

// string reads a string. The result is only valid until the next string with
// escapes is read.
func (r *reader) string() ([]byte, error) {
	if err := r.expect('"'); err != nil {
		return nil, err
	}
	start := r.i
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			s := r.b[start:r.i]
			r.i++
			if !utf8.Valid(s) {
				return nil, fmt.Errorf("%w: a string at byte %d is not UTF-8", errJSON, start)
			}
			return s, nil
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			return nil, r.fail("no control character in a string")
		}
		r.i++
	}
	return nil, r.fail("the end of a string")
}

// escaped reads the rest of a string that has escapes.
func (r *reader) escaped(start int) ([]byte, error) {
	buf := append(r.buf[:0], r.b[start:r.i]...)
	for r.i < len(r.b) {
		c := r.b[r.i]
		r.i++
		switch {
		case c == '"':
			r.buf = buf
			if !utf8.Valid(buf) {
				return nil, fmt.Errorf("%w: a string at byte %d is not UTF-8", errJSON, start)
			}
			return buf, nil
		case c < 0x20:
			return nil, r.fail("no control character in a string")
		case c != '\\':
			buf = append(buf, c)
			continue
		}
		if r.i >= len(r.b) {
			break
		}
		c = r.b[r.i]
		r.i++
		switch c {
		case '"', '\\', '/':
			buf = append(buf, c)
		case 'b':
			buf = append(buf, '\b')
		case 'f':
			buf = append(buf, '\f')
		case 'n':
			buf = append(buf, '\n')
		case 'r':
			buf = append(buf, '\r')
		case 't':
			buf = append(buf, '\t')
		case 'u':
			u, ok := r.hex4()
			if !ok {
				return nil, r.fail("four hexadecimal digits")
			}
			if utf16.IsSurrogate(u) {
				if r.i+1 >= len(r.b) || r.b[r.i] != '\\' || r.b[r.i+1] != 'u' {
					return nil, r.fail("the second half of a surrogate pair")
				}
				r.i += 2
				low, ok := r.hex4()
				if u = utf16.DecodeRune(u, low); !ok || u == utf8.RuneError {
					return nil, r.fail("the second half of a surrogate pair")
				}
			}
			buf = utf8.AppendRune(buf, u)
		default:
			return nil, r.fail("an escape")
		}
	}
	return nil, r.fail("the end of a string")
}

func (r *reader) hex4() (rune, bool) {
	if r.i+4 > len(r.b) {
		return 0, false
	}
	var v rune
	for _, c := range r.b[r.i : r.i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	r.i += 4
	return v, true
}

// id reads a token id: an integer in [0, maxID].
func (r *reader) id() (int32, error) {
	c := r.peek()
	if c < '0' || c > '9' {
		return 0, r.fail("a token id (an integer of at least 0)")
	}
	v, start := int64(0), r.i
	for r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9' {
		if v = v*10 + int64(r.b[r.i]-'0'); v > maxID {
			return 0, fmt.Errorf("token id above %d at byte %d", maxID, start)
		}
		r.i++
	}
	if r.i < len(r.b) && (r.b[r.i] == '.' || r.b[r.i] == 'e' || r.b[r.i] == 'E') {
		return 0, r.fail("an integer token id")
	}
	return int32(v), nil
}

// skip passes over any value and gives its text.
func (r *reader) skip(depth int) ([]byte, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", errJSON, maxJSONDepth)
	}
	c := r.peek()
	start := r.i
	var err error
	switch {
	case c == '"':
		_, err = r.string()
	case c == '{':
		err = r.object(func([]byte) error { _, err := r.skip(depth + 1); return err })
	case c == '[':
		err = r.array(func() error { _, err := r.skip(depth + 1); return err })
	case c == 't' || c == 'f' || c == 'n' || c == '-' || c >= '0' && c <= '9':
		for r.i < len(r.b) && !isDelimiter(r.b[r.i]) {
			r.i++
		}
		if !json.Valid(r.b[start:r.i]) {
			r.i = start
			err = r.fail("a value")
		}
	default:
		err = r.fail("a value")
	}
	if err != nil {
		return nil, err
	}
	return r.b[start:r.i], nil
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

// decode reads a small value into v.
func (r *reader) decode(v any) error {
	raw, err := r.skip(0)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
