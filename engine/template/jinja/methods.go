package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

type method[T any] func(in *interp, line int, x T, a args) Value

func bind[T any](id string, x T, m method[T]) *Func {
	return &Func{id, func(in *interp, line int, a args) Value {
		if s, ok := any(x).(Str); ok {
			in.work(len(s.s))
		}
		return m(in, line, x, a)
	}}
}

// Python's full case mappings: ß becomes SS.
func upper(s string) string { return cases.Upper(language.Und).String(s) }
func lower(s string) string { return cases.Lower(language.Und).String(s) }

// title capitalizes what follows anything but a letter.
func title(s string) string {
	var b strings.Builder
	in := false
	for _, r := range s {
		switch {
		case in:
			b.WriteString(strings.ToLower(string(r)))
		default:
			b.WriteRune(unicode.ToTitle(r))
		}
		in = unicode.IsLetter(r)
	}
	return b.String()
}

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToTitle(s[:n]) + lower(s[n:])
}

func stripMethod(left, right bool) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		a.need(line, "strip", 0, 1)
		return x.strip(a.optStr(line, 0, "chars"), left, right)
	}
}

func mapMethod(f func(string) string) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		a.need(line, "the method", 0, 0)
		in.alloc(3 * len(x.s))
		return x.mapText(f)
	}
}

func affixMethod(match func(s, affix string) bool) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		a.need(line, "startswith or endswith", 1, 1)
		if l, ok := a.pos[0].(*List); ok {
			for _, v := range l.Items {
				if s, ok := v.(Str); ok && match(x.s, s.s) {
					return true
				}
			}
			return false
		}
		return match(x.s, a.str(line, 0, "prefix", "").s)
	}
}

// allRunes is Python's is… methods: true for a non-empty text of such runes.
func allRunes(f func(rune) bool) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		for _, r := range x.s {
			if !f(r) {
				return false
			}
		}
		return x.s != ""
	}
}

func caseTest(want, not func(rune) bool) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		found := false
		for _, r := range x.s {
			if not(r) {
				return false
			}
			found = found || want(r)
		}
		return found
	}
}

// find gives the position in characters, or -1.
func find(index func(s, sub string) int) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		a.need(line, "find", 1, 1)
		i := index(x.s, a.str(line, 0, "sub", "").s)
		if i < 0 {
			return int64(-1)
		}
		return int64(utf8.RuneCountInString(x.s[:i]))
	}
}

func mustFind(index func(s, sub string) int) method[Str] {
	f := find(index)
	return func(in *interp, line int, x Str, a args) Value {
		v := f(in, line, x, a)
		if v == int64(-1) {
			failf(line, "substring not found")
		}
		return v
	}
}

// chargeParts accounts for a list of n strings cut out of s.
// Each cut looks through all marks of s.
func (in *interp) chargeParts(n int, s Str) {
	in.alloc(64*n + 16*len(s.user))
	in.work(min(n*len(s.user)*4, 1<<60))
}

func splitMethod(right bool) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		a.need(line, "split", 0, 2)
		sep := a.optStr(line, 0, "sep")
		n := max(a.int(line, 1, "maxsplit", -1), -1)
		if sep != nil {
			if sep.s == "" {
				failf(line, "split: empty separator")
			}
			in.chargeParts(strings.Count(x.s, sep.s)+1, x)
		} else {
			in.chargeParts(len(x.s)/2+1, x)
		}
		limit := int(min(n, int64(len(x.s))+1))
		if right {
			return strList(x.rsplit(sep, limit))
		}
		return strList(x.split(sep, limit))
	}
}

func partition(index func(s, sub string) int, right bool) method[Str] {
	return func(in *interp, line int, x Str, a args) Value {
		a.need(line, "partition", 1, 1)
		sep := a.str(line, 0, "sep", "")
		if sep.s == "" {
			failf(line, "partition: empty separator")
		}
		i := index(x.s, sep.s)
		parts := []Str{x, {}, {}}
		switch {
		case i >= 0:
			parts = []Str{x.slice(0, i), sep, x.slice(i+len(sep.s), len(x.s))}
		case right:
			parts = []Str{{}, {}, x}
		}
		l := strList(parts)
		l.Tuple = true
		return l
	}
}

func (in *interp) replaced(x, old, repl Str, n int) Str {
	count := strings.Count(x.s, old.s)
	if n >= 0 {
		count = min(count, n)
	}
	if size := len(repl.s) + 16*len(repl.user) + 16; count > 0 && count > in.limits.Bytes/size {
		failf(in.line, "the template needs too much memory")
	} else {
		in.alloc(len(x.s) + 16*len(x.user) + count*size)
	}
	in.work(min(count*len(x.user)*4, 1<<60))
	return x.replace(old, repl, n)
}

var strMethods = map[string]method[Str]{}

func init() {
	for id, m := range map[string]method[Str]{
		"strip":      stripMethod(true, true),
		"lstrip":     stripMethod(true, false),
		"rstrip":     stripMethod(false, true),
		"upper":      mapMethod(upper),
		"lower":      mapMethod(lower),
		"title":      mapMethod(title),
		"capitalize": mapMethod(capitalize),
		"startswith": affixMethod(strings.HasPrefix),
		"endswith":   affixMethod(strings.HasSuffix),
		"split":      splitMethod(false),
		"rsplit":     splitMethod(true),
		"find":       find(strings.Index),
		"rfind":      find(strings.LastIndex),
		"index":      mustFind(strings.Index),
		"rindex":     mustFind(strings.LastIndex),
		"partition":  partition(strings.Index, false),
		"rpartition": partition(strings.LastIndex, true),
		"isdigit":    allRunes(unicode.IsDigit),
		"isdecimal":  allRunes(unicode.IsDigit),
		"isnumeric":  allRunes(unicode.IsNumber),
		"isalpha":    allRunes(unicode.IsLetter),
		"isalnum":    allRunes(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"isspace":    allRunes(isSpace),
		"isupper":    caseTest(unicode.IsUpper, unicode.IsLower),
		"islower":    caseTest(unicode.IsLower, unicode.IsUpper),
		"splitlines": func(in *interp, line int, x Str, a args) Value {
			in.chargeParts(len(x.s)+1, x)
			return strList(x.lines(a.bool(0, "keepends", false)))
		},
		"replace": func(in *interp, line int, x Str, a args) Value {
			a.need(line, "replace", 2, 3)
			return in.replaced(x, a.str(line, 0, "old", ""), a.str(line, 1, "new", ""), int(max(min(a.int(line, 2, "count", -1), 1<<30), -1)))
		},
		"count": func(in *interp, line int, x Str, a args) Value {
			a.need(line, "count", 1, 1)
			return int64(strings.Count(x.s, a.str(line, 0, "sub", "").s))
		},
		"join": func(in *interp, line int, x Str, a args) Value {
			a.need(line, "join", 1, 1)
			items := in.items(line, a.pos[0])
			for _, v := range items {
				if _, ok := v.(Str); !ok {
					failf(line, "join: a %s among the strings", typeName(v))
				}
			}
			return in.joined(items, x)
		},
		"removeprefix": func(in *interp, line int, x Str, a args) Value {
			if p := a.str(line, 0, "prefix", ""); strings.HasPrefix(x.s, p.s) {
				return x.slice(len(p.s), len(x.s))
			}
			return x
		},
		"removesuffix": func(in *interp, line int, x Str, a args) Value {
			if p := a.str(line, 0, "suffix", ""); strings.HasSuffix(x.s, p.s) {
				return x.slice(0, len(x.s)-len(p.s))
			}
			return x
		},
	} {
		strMethods[id] = m
	}
}

func (in *interp) joined(items []Value, sep Str) Str {
	var b builder
	for i, v := range items {
		if i > 0 {
			in.alloc(len(sep.s) + 16*len(sep.user))
			b.add(sep)
		}
		in.text(&b, v, false, 0)
	}
	return b.str()
}

var listMethods = map[string]method[*List]{
	"index": func(in *interp, line int, x *List, a args) Value {
		a.need(line, "index", 1, 1)
		for i, v := range x.Items {
			if in.equal(v, a.pos[0], 0) {
				return int64(i)
			}
		}
		failf(line, "index: not in the list")
		return nil
	},
	"count": func(in *interp, line int, x *List, a args) Value {
		a.need(line, "count", 1, 1)
		n := int64(0)
		for _, v := range x.Items {
			if in.equal(v, a.pos[0], 0) {
				n++
			}
		}
		return n
	},
	// transformers renders in a sandbox in which nothing can be changed.
	"append": frozen[*List], "extend": frozen[*List], "insert": frozen[*List], "pop": frozen[*List],
	"remove": frozen[*List], "reverse": frozen[*List], "sort": frozen[*List], "clear": frozen[*List],
}

func frozen[T any](in *interp, line int, x T, a args) Value {
	failf(line, "a template cannot change its values")
	return nil
}

var dictMethods = map[string]method[*Dict]{
	"keys": func(in *interp, line int, x *Dict, a args) Value {
		return &List{Items: x.keys}
	},
	"values": func(in *interp, line int, x *Dict, a args) Value {
		return &List{Items: x.values}
	},
	"items": func(in *interp, line int, x *Dict, a args) Value { return in.pairs(x) },
	"get": func(in *interp, line int, x *Dict, a args) Value {
		a.need(line, "get", 1, 2)
		if v, ok := x.get(line, a.pos[0]); ok {
			return v
		}
		return a.value(1, "default", nil)
	},
	"update": frozen[*Dict], "pop": frozen[*Dict], "clear": frozen[*Dict], "setdefault": frozen[*Dict], "popitem": frozen[*Dict],
}

func (in *interp) pairs(d *Dict) *List {
	in.alloc(80 * len(d.keys))
	l := &List{}
	for i := range d.keys {
		l.Items = append(l.Items, &List{Items: []Value{d.keys[i], d.values[i]}, Tuple: true})
	}
	return l
}
