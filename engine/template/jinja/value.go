package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is what a template computes with: nil, bool, int64, float64, Str,
// *List, *Dict, *Namespace, *Func, *Loop or Undefined.
type Value any

// List is a Python list or tuple.
type List struct {
	Items []Value
	Tuple bool
}

// Dict is a Python dict: it keeps the order of insertion.
type Dict struct {
	keys   []Value
	values []Value
	index  map[any]int
}

// NewDict makes an empty Dict.
func NewDict() *Dict { return &Dict{index: map[any]int{}} }

// Set stores a value under a string key and gives d.
func (d *Dict) Set(key string, v Value) *Dict {
	d.set(0, Trusted(key), v)
	return d
}

// hash gives a comparable form of a key.
func hash(line int, k Value) any {
	switch k := k.(type) {
	case Str:
		return k.s
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case int64, nil:
		return k
	case float64:
		if i := int64(k); float64(i) == k {
			return i
		}
		return k
	}
	failf(line, "a %s cannot be a key", typeName(k))
	return nil
}

func (d *Dict) set(line int, k, v Value) {
	h := hash(line, k)
	if i, ok := d.index[h]; ok {
		d.values[i] = v
		return
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, k)
	d.values = append(d.values, v)
}

func (d *Dict) get(line int, k Value) (Value, bool) {
	switch k.(type) {
	case *List, *Dict, *Namespace, *Func, *Loop, Undefined:
		return nil, false
	}
	i, ok := d.index[hash(line, k)]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Namespace is Jinja's namespace(): the one thing with assignable attributes.
type Namespace struct{ attrs *Dict }

// Func is a macro or a built-in function.
type Func struct {
	name string
	call func(in *interp, line int, a args) Value
}

// Loop is the variable of a for loop.
type Loop struct {
	items   []Value
	i       int
	changed []Value
}

// Undefined is what a missing name or attribute gives.
type Undefined struct{ what string }

func typeName(v Value) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "float"
	case Str:
		return "string"
	case *List:
		if v.Tuple {
			return "tuple"
		}
		return "list"
	case *Dict:
		return "mapping"
	case *Namespace:
		return "namespace"
	case *Func:
		return "function"
	case *Loop:
		return "loop"
	case Undefined:
		return "undefined value"
	}
	return fmt.Sprintf("%T", v)
}

func truth(v Value) bool {
	switch v := v.(type) {
	case nil, Undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case Str:
		return v.s != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// number gives v as an integer or, when isInt is false, as a float.
func number(v Value) (i int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

func floatString(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a >= 1e16 || a < 1e-4) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// text writes str(v), or repr(v) inside containers.
func (in *interp) text(b *builder, v Value, repr bool, depth int) {
	in.step()
	if depth > maxDepth {
		failf(in.line, "a value nested deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case nil:
		b.write("None", false)
	case bool:
		if v {
			b.write("True", false)
		} else {
			b.write("False", false)
		}
	case int64:
		b.write(strconv.FormatInt(v, 10), false)
	case float64:
		b.write(floatString(v), false)
	case Str:
		in.alloc(len(v.s))
		if repr {
			in.alloc(len(v.s) * 3)
			reprString(b, v)
		} else {
			b.add(v)
		}
	case *List:
		left, right := "[", "]"
		if v.Tuple {
			left, right = "(", ")"
			if len(v.Items) == 1 {
				right = ",)"
			}
		}
		in.alloc(2 * len(v.Items))
		b.write(left, false)
		for i, x := range v.Items {
			if i > 0 {
				b.write(", ", false)
			}
			in.text(b, x, true, depth+1)
		}
		b.write(right, false)
	case *Dict:
		in.alloc(4 * len(v.keys))
		b.write("{", false)
		for i := range v.keys {
			if i > 0 {
				b.write(", ", false)
			}
			in.text(b, v.keys[i], true, depth+1)
			b.write(": ", false)
			in.text(b, v.values[i], true, depth+1)
		}
		b.write("}", false)
	case Undefined:
		if repr {
			b.write("Undefined", false)
		}
	default:
		b.write("<"+typeName(v)+">", false)
	}
}

// reprString writes a string as Python's repr does.
func reprString(b *builder, s Str) {
	quote := "'"
	if strings.Contains(s.s, "'") && !strings.Contains(s.s, `"`) {
		quote = `"`
	}
	b.write(quote, false)
	for _, run := range s.Runs() {
		for _, r := range run.Text {
			var e string
			switch {
			case string(r) == quote, r == '\\':
				e = `\` + string(r)
			case r == '\n':
				e = `\n`
			case r == '\r':
				e = `\r`
			case r == '\t':
				e = `\t`
			case r == ' ' || unicode.IsPrint(r):
				e = string(r)
			case r < 0x100:
				e = fmt.Sprintf(`\x%02x`, r)
			case r < 0x10000:
				e = fmt.Sprintf(`\u%04x`, r)
			default:
				e = fmt.Sprintf(`\U%08x`, r)
			}
			b.write(e, !run.Trusted)
		}
	}
	b.write(quote, false)
}

func (in *interp) str(v Value) Str {
	if s, ok := v.(Str); ok {
		return s
	}
	var b builder
	in.text(&b, v, false, 0)
	return b.str()
}

// equal is Python's ==.
func (in *interp) equal(a, b Value, depth int) bool {
	in.step()
	if depth > maxDepth {
		failf(in.line, "a value nested deeper than %d", maxDepth)
	}
	if ai, af, aInt, ok := number(a); ok {
		bi, bf, bInt, ok := number(b)
		if !ok {
			return false
		}
		if aInt && bInt {
			return ai == bi
		}
		return af == bf
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case Str:
		b, ok := b.(Str)
		in.work(min(len(a.s), len(b.s)))
		return ok && a.s == b.s
	case *List:
		b, ok := b.(*List)
		if !ok || len(a.Items) != len(b.Items) || a.Tuple != b.Tuple {
			return false
		}
		for i := range a.Items {
			if !in.equal(a.Items[i], b.Items[i], depth+1) {
				return false
			}
		}
		return true
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for i, k := range a.keys {
			v, ok := b.get(in.line, k)
			if !ok || !in.equal(a.values[i], v, depth+1) {
				return false
			}
		}
		return true
	case Undefined:
		_, ok := b.(Undefined)
		return ok
	}
	return a == b
}

// order compares for < and sorting: numbers, strings, lists.
func (in *interp) order(line int, a, b Value) int {
	in.step()
	if ai, af, aInt, ok := number(a); ok {
		if bi, bf, bInt, ok := number(b); ok {
			switch {
			case aInt && bInt && ai < bi, !(aInt && bInt) && af < bf:
				return -1
			case aInt && bInt && ai == bi, !(aInt && bInt) && af == bf:
				return 0
			}
			return 1
		}
	}
	if a, ok := a.(Str); ok {
		if b, ok := b.(Str); ok {
			in.work(min(len(a.s), len(b.s)))
			return strings.Compare(a.s, b.s)
		}
	}
	if a, ok := a.(*List); ok {
		if b, ok := b.(*List); ok {
			in.enter(line)
			defer in.leave()
			for i := range min(len(a.Items), len(b.Items)) {
				if !in.equal(a.Items[i], b.Items[i], 0) {
					return in.order(line, a.Items[i], b.Items[i])
				}
			}
			return len(a.Items) - len(b.Items)
		}
	}
	failf(line, "cannot compare %s and %s", typeName(a), typeName(b))
	return 0
}

// items gives what iterating over v yields.
func (in *interp) items(line int, v Value) []Value {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Dict:
		return v.keys
	case Str:
		off := offsets(v.s)
		in.chargeParts(len(off), v)
		out := make([]Value, 0, len(off))
		for i := 0; i+1 < len(off); i++ {
			out = append(out, v.slice(off[i], off[i+1]))
		}
		return out
	case Undefined:
		return nil
	}
	failf(line, "cannot iterate over a %s", typeName(v))
	return nil
}

func strList(parts []Str) *List {
	l := &List{Items: make([]Value, len(parts))}
	for i, s := range parts {
		l.Items[i] = s
	}
	return l
}

// tojson writes v as json.dumps(v, ensure_ascii=False) does.
type jsonStyle struct {
	ascii     bool
	indent    string // "" is compact
	multiline bool
	item, key string // separators
	sortKeys  bool
}

func (in *interp) json(b *builder, v Value, st jsonStyle, depth int) {
	in.step()
	if depth > maxDepth {
		failf(in.line, "tojson: a value nested deeper than %d", maxDepth)
	}
	line := func(d int) {
		if st.multiline {
			in.alloc(1 + d*len(st.indent))
			b.write("\n"+strings.Repeat(st.indent, d), false)
		}
	}
	switch v := v.(type) {
	case nil:
		b.write("null", false)
	case bool:
		b.write(strconv.FormatBool(v), false)
	case int64:
		b.write(strconv.FormatInt(v, 10), false)
	case float64:
		switch s := floatString(v); s {
		case "nan":
			b.write("NaN", false)
		case "inf":
			b.write("Infinity", false)
		case "-inf":
			b.write("-Infinity", false)
		default:
			b.write(s, false)
		}
	case Str:
		in.alloc(len(v.s) * 2)
		jsonString(b, v, st.ascii)
	case *List:
		if len(v.Items) == 0 {
			b.write("[]", false)
			return
		}
		b.write("[", false)
		for i, x := range v.Items {
			if i > 0 {
				b.write(st.item, false)
			}
			line(depth + 1)
			in.json(b, x, st, depth+1)
		}
		line(depth)
		b.write("]", false)
	case *Dict:
		if len(v.keys) == 0 {
			b.write("{}", false)
			return
		}
		order := make([]int, len(v.keys))
		for i := range order {
			order[i] = i
		}
		if st.sortKeys {
			in.sortBy(order, func(i int) Value { return v.keys[i] })
		}
		b.write("{", false)
		for n, i := range order {
			if n > 0 {
				b.write(st.item, false)
			}
			line(depth + 1)
			switch k := v.keys[i].(type) {
			case Str:
				jsonString(b, k, st.ascii)
			default:
				b.write(`"`, false)
				in.json(b, k, st, depth+1)
				b.write(`"`, false)
			}
			b.write(st.key, false)
			in.json(b, v.values[i], st, depth+1)
		}
		line(depth)
		b.write("}", false)
	default:
		failf(in.line, "tojson: a %s has no JSON form", typeName(v))
	}
}

func jsonString(b *builder, s Str, ascii bool) {
	b.write(`"`, false)
	for _, run := range s.Runs() {
		start := 0
		flush := func(end int) {
			b.write(run.Text[start:end], !run.Trusted)
		}
		for i, r := range run.Text {
			var e string
			width := utf8.RuneLen(r)
			switch {
			case r == '"':
				e = `\"`
			case r == '\\':
				e = `\\`
			case r == '\n':
				e = `\n`
			case r == '\r':
				e = `\r`
			case r == '\t':
				e = `\t`
			case r == '\b':
				e = `\b`
			case r == '\f':
				e = `\f`
			case r < 0x20 || ascii && r >= 0x7F && r < 0x10000:
				e = fmt.Sprintf(`\u%04x`, r)
			case ascii && r >= 0x10000:
				r -= 0x10000
				e = fmt.Sprintf(`\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
			default:
				continue
			}
			flush(i)
			b.write(e, !run.Trusted)
			start = i + width
		}
		flush(len(run.Text))
	}
	b.write(`"`, false)
}
