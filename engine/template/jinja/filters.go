package jinja

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

type filterFunc func(in *interp, line int, v Value, a args) Value

var filters map[string]filterFunc

func init() {
	filters = map[string]filterFunc{
		"abs": filterAbs, "attr": filterAttr, "batch": filterBatch, "capitalize": textFilter(capitalize), "count": filterLength, "d": filterDefault,
		"default": filterDefault, "dictsort": filterDictsort, "e": filterEscape, "escape": filterEscape, "first": filterFirst,
		"float": filterFloat, "forceescape": filterEscape, "groupby": filterGroupby, "indent": filterIndent, "int": filterInt, "items": filterItems, "join": filterJoin,
		"last": filterLast, "length": filterLength, "list": filterList, "lower": textFilter(lower), "map": filterMap,
		"max": filterExtreme(1), "min": filterExtreme(-1), "reject": filterSelect(false), "rejectattr": filterSelectAttr(false),
		"replace": filterReplace, "reverse": filterReverse, "round": filterRound, "safe": filterString, "select": filterSelect(true),
		"selectattr": filterSelectAttr(true), "sort": filterSort, "string": filterString, "sum": filterSum, "title": textFilter(title),
		"tojson": filterToJSON, "trim": filterTrim, "unique": filterUnique, "upper": textFilter(upper), "wordcount": filterWordcount,
	}
}

func textFilter(f func(string) string) filterFunc {
	return func(in *interp, line int, v Value, a args) Value {
		s := in.str(v)
		in.alloc(3 * len(s.s))
		return s.mapText(f)
	}
}

func filterAbs(in *interp, line int, v Value, a args) Value {
	i, f, isInt, ok := number(v)
	if !ok {
		failf(line, "abs of a %s", in.name(line, v))
	}
	if !isInt {
		return math.Abs(f)
	}
	if i < 0 {
		return integer(binary{at: at(line), op: "-"}, 0, i)
	}
	return i
}

func filterAttr(in *interp, line int, v Value, a args) Value {
	return in.attr(line, v, a.str(line, 0, "name", "").s)
}

func filterBatch(in *interp, line int, v Value, a args) Value {
	n := a.int(line, 0, "linecount", 0)
	if n <= 0 || n > maxRange {
		failf(line, "batch: a size of %d", n)
	}
	fill, filled := a.arg(1, "fill_with")
	out := &List{}
	for part := range slices.Chunk(in.items(line, v), int(n)) {
		in.alloc(64 + 16*int(n))
		items := append([]Value{}, part...)
		for filled && fill != nil && len(items) < int(n) {
			items = append(items, fill)
		}
		out.Items = append(out.Items, &List{Items: items})
	}
	return out
}

func filterLength(in *interp, line int, v Value, a args) Value {
	switch v := v.(type) {
	case Str:
		in.work(len(v.s))
		return int64(utf8.RuneCountInString(v.s))
	case *List:
		return int64(len(v.Items))
	case *Dict:
		return int64(len(v.keys))
	case Undefined:
		return int64(0)
	}
	failf(line, "a %s has no length", typeName(v))
	return nil
}

func filterDefault(in *interp, line int, v Value, a args) Value {
	if _, undefined := v.(Undefined); undefined || a.bool(1, "boolean", false) && !truth(v) {
		return a.value(0, "default_value", Str{})
	}
	return v
}

func filterEscape(in *interp, line int, v Value, a args) Value {
	s := in.str(v)
	in.alloc(5 * len(s.s))
	return s.mapText(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace)
}

func filterFirst(in *interp, line int, v Value, a args) Value {
	if items := in.items(line, v); len(items) > 0 {
		return items[0]
	}
	return Undefined{"the first item of nothing"}
}

func filterLast(in *interp, line int, v Value, a args) Value {
	if items := in.items(line, v); len(items) > 0 {
		return items[len(items)-1]
	}
	return Undefined{"the last item of nothing"}
}

func filterFloat(in *interp, line int, v Value, a args) Value {
	if _, f, _, ok := number(v); ok {
		return f
	}
	if s, ok := v.(Str); ok {
		if f, err := strconv.ParseFloat(strings.TrimFunc(s.s, isSpace), 64); err == nil {
			return f
		}
	}
	return a.value(0, "default", 0.0)
}

func filterInt(in *interp, line int, v Value, a args) Value {
	i, f, isInt, ok := number(v)
	switch {
	case ok && isInt:
		return i
	case ok && math.Abs(f) < 1<<62:
		return int64(f)
	}
	if s, ok := v.(Str); ok {
		text := strings.TrimFunc(s.s, isSpace)
		if i, err := strconv.ParseInt(text, int(a.int(line, 1, "base", 10)%37), 64); err == nil {
			return i
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) < 1<<62 {
			return int64(f)
		}
	}
	return a.value(0, "default", int64(0))
}

func filterIndent(in *interp, line int, v Value, a args) Value {
	s := in.str(v)
	pad := Trusted("    ")
	if w, ok := a.arg(0, "width"); ok {
		if p, isStr := w.(Str); isStr {
			pad = p
		} else {
			n := a.int(line, 0, "width", 4)
			if n > 1000 {
				failf(line, "indent: a width of %d", n)
			}
			pad = Trusted(strings.Repeat(" ", int(max(n, 0))))
		}
	}
	first, blank := a.bool(1, "first", false), a.bool(2, "blank", false)
	// Jinja indents text + "\n" and drops the last line end again.
	lines := append(s.lines(false), Str{})
	if strings.HasSuffix(s.s, "\n") {
		// splitlines drops the empty last line that the extra line end keeps.
	} else {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		lines = []Str{{}}
	}
	in.chargeParts(len(lines), s)
	var b builder
	for i, l := range lines {
		if i > 0 {
			b.write("\n", false)
		}
		if i == 0 && first || i > 0 && (blank || l.s != "") {
			in.alloc(len(pad.s))
			b.add(pad)
		}
		in.alloc(len(l.s))
		b.add(l)
	}
	return b.str()
}

func filterItems(in *interp, line int, v Value, a args) Value {
	switch v := v.(type) {
	case *Dict:
		return in.pairs(v)
	case Undefined:
		return &List{}
	}
	failf(line, "items of a %s", typeName(v))
	return nil
}

func filterJoin(in *interp, line int, v Value, a args) Value {
	items := in.items(line, v)
	if attr, ok := a.arg(1, "attribute"); ok && attr != nil {
		items = in.pluck(line, items, attr, nil)
	}
	return in.joined(items, a.str(line, 0, "d", ""))
}

func filterList(in *interp, line int, v Value, a args) Value {
	items := in.items(line, v)
	in.alloc(16 * len(items))
	return &List{Items: append([]Value{}, items...)}
}

// path reads an attribute such as "function.name" or 0.
func (in *interp) path(line int, v, attr, def Value) Value {
	if s, ok := attr.(Str); ok {
		for part := range strings.SplitSeq(s.s, ".") {
			var key Value = Trusted(part)
			if n, err := strconv.ParseInt(part, 10, 32); err == nil && n >= 0 {
				key = n
			}
			v = in.item(line, v, key)
			if _, undefined := v.(Undefined); undefined && def != nil {
				return def
			}
		}
		return v
	}
	return in.item(line, v, attr)
}

func (in *interp) pluck(line int, items []Value, attr, def Value) []Value {
	in.alloc(16 * len(items))
	out := make([]Value, len(items))
	for i, v := range items {
		in.step()
		out[i] = in.path(line, v, attr, def)
	}
	return out
}

func filterMap(in *interp, line int, v Value, a args) Value {
	items := in.items(line, v)
	if attr, ok := a.named["attribute"]; ok {
		return &List{Items: in.pluck(line, items, attr, a.named["default"])}
	}
	id := a.str(line, 0, "filter", "").s
	f, ok := filters[id]
	if !ok {
		failf(line, "unknown filter %q", id)
	}
	in.alloc(16 * len(items))
	in.enter(line)
	defer in.leave()
	out := &List{Items: make([]Value, len(items))}
	for i, x := range items {
		in.step()
		out.Items[i] = f(in, line, x, a.rest(1))
	}
	return out
}

func filterSelect(keep bool) filterFunc {
	return func(in *interp, line int, v Value, a args) Value {
		check := func(x Value) bool { return truth(x) }
		if len(a.pos) > 0 {
			check = in.tester(line, a)
		}
		return in.choose(line, v, func(x Value) bool { return check(x) == keep })
	}
}

func filterSelectAttr(keep bool) filterFunc {
	return func(in *interp, line int, v Value, a args) Value {
		a.need(line, "selectattr", 1, 100)
		attr := a.pos[0]
		check := func(x Value) bool { return truth(x) }
		if len(a.pos) > 1 {
			check = in.tester(line, a.rest(1))
		}
		return in.choose(line, v, func(x Value) bool { return check(in.path(line, x, attr, nil)) == keep })
	}
}

// tester gives the test named by the first argument.
func (in *interp) tester(line int, a args) func(Value) bool {
	id := a.str(line, 0, "test", "").s
	t, ok := tests[id]
	if !ok {
		failf(line, "unknown test %q", id)
	}
	return func(x Value) bool { return t(in, line, x, a.rest(1)) }
}

func (in *interp) choose(line int, v Value, keep func(Value) bool) *List {
	out := &List{}
	for _, x := range in.items(line, v) {
		in.step()
		if keep(x) {
			in.alloc(16)
			out.Items = append(out.Items, x)
		}
	}
	return out
}

// fold makes strings comparable without case unless asked otherwise.
func fold(v Value, sensitive bool) Value {
	if s, ok := v.(Str); ok && !sensitive {
		return Trusted(lower(s.s))
	}
	return v
}

// sortBy sorts indices by keys, stably.
func (in *interp) sortBy(order []int, key func(int) Value) {
	slices.SortStableFunc(order, func(a, b int) int { return in.order(in.line, key(a), key(b)) })
}

// sorted gives the positions of items in the order of their keys.
func (in *interp) sorted(line int, items []Value, attr Value, sensitive, reverse bool) []int {
	in.alloc(40 * len(items))
	order := make([]int, len(items))
	keys := make([]Value, len(items))
	for i, v := range items {
		order[i] = i
		if attr != nil {
			v = in.path(line, v, attr, nil)
		}
		keys[i] = fold(v, sensitive)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if reverse {
			a, b = b, a
		}
		return in.order(line, keys[a], keys[b])
	})
	return order
}

func filterSort(in *interp, line int, v Value, a args) Value {
	items := in.items(line, v)
	out := &List{}
	for _, i := range in.sorted(line, items, a.value(2, "attribute", nil), a.bool(1, "case_sensitive", false), a.bool(0, "reverse", false)) {
		out.Items = append(out.Items, items[i])
	}
	return out
}

func filterDictsort(in *interp, line int, v Value, a args) Value {
	d, ok := v.(*Dict)
	if !ok {
		failf(line, "dictsort of a %s", in.name(line, v))
	}
	by := d.keys
	if a.str(line, 1, "by", "key").s == "value" {
		by = d.values
	}
	pairs := in.pairs(d)
	out := &List{}
	for _, i := range in.sorted(line, by, nil, a.bool(0, "case_sensitive", false), a.bool(2, "reverse", false)) {
		out.Items = append(out.Items, pairs.Items[i])
	}
	return out
}

func filterGroupby(in *interp, line int, v Value, a args) Value {
	a.need(line, "groupby", 1, 3)
	items := in.items(line, v)
	out := &List{}
	var last *List
	for _, i := range in.sorted(line, items, a.pos[0], a.bool(2, "case_sensitive", false), false) {
		key := in.path(line, items[i], a.pos[0], nil)
		if last == nil || !in.equal(fold(last.Items[0], false), fold(key, false), 0) {
			in.alloc(128)
			last = &List{Items: []Value{key, &List{}}, Tuple: true}
			out.Items = append(out.Items, last)
		}
		group := last.Items[1].(*List)
		group.Items = append(group.Items, items[i])
	}
	return out
}

func filterUnique(in *interp, line int, v Value, a args) Value {
	out := &List{}
	var keys []Value
	attr, sensitive := a.value(1, "attribute", nil), a.bool(0, "case_sensitive", false)
	for _, x := range in.items(line, v) {
		key := x
		if attr != nil {
			key = in.path(line, x, attr, nil)
		}
		key = fold(key, sensitive)
		if !slices.ContainsFunc(keys, func(k Value) bool { return in.equal(k, key, 0) }) {
			in.alloc(48)
			keys = append(keys, key)
			out.Items = append(out.Items, x)
		}
	}
	return out
}

func filterExtreme(sign int) filterFunc {
	return func(in *interp, line int, v Value, a args) Value {
		var best, bestKey Value = Undefined{"the extreme of nothing"}, nil
		attr := a.value(1, "attribute", nil)
		for i, x := range in.items(line, v) {
			key := x
			if attr != nil {
				key = in.path(line, x, attr, nil)
			}
			key = fold(key, a.bool(0, "case_sensitive", false))
			if i == 0 || in.order(line, key, bestKey)*sign > 0 {
				best, bestKey = x, key
			}
		}
		return best
	}
}

func filterReplace(in *interp, line int, v Value, a args) Value {
	a.need(line, "replace", 2, 3)
	return in.replaced(in.str(v), in.str(a.value(0, "old", nil)), in.str(a.value(1, "new", nil)), int(max(min(a.int(line, 2, "count", -1), 1<<30), -1)))
}

func filterReverse(in *interp, line int, v Value, a args) Value {
	if s, ok := v.(Str); ok {
		items := in.items(line, s)
		var b builder
		for _, x := range slices.Backward(items) {
			b.add(x.(Str))
		}
		return b.str()
	}
	items := in.items(line, v)
	in.alloc(16 * len(items))
	out := append([]Value{}, items...)
	slices.Reverse(out)
	return &List{Items: out}
}

func filterRound(in *interp, line int, v Value, a args) Value {
	_, f, _, ok := number(v)
	if !ok {
		failf(line, "round of a %s", in.name(line, v))
	}
	scale := math.Pow(10, float64(a.int(line, 0, "precision", 0)))
	switch m := a.str(line, 1, "method", "common").s; m {
	case "common":
		return math.RoundToEven(f*scale) / scale
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	default:
		failf(line, "round: unknown method %q", m)
	}
	return nil
}

func filterString(in *interp, line int, v Value, a args) Value { return in.str(v) }

func filterSum(in *interp, line int, v Value, a args) Value {
	items := in.items(line, v)
	if attr, ok := a.arg(0, "attribute"); ok && attr != nil {
		items = in.pluck(line, items, attr, nil)
	}
	sum := a.value(1, "start", int64(0))
	for _, x := range items {
		sum = in.binary(binary{at(line), "+", constant{at(line), sum}, constant{at(line), x}})
	}
	return sum
}

func filterToJSON(in *interp, line int, v Value, a args) Value {
	st := jsonStyle{ascii: a.bool(0, "ensure_ascii", false), item: ", ", key: ": ", sortKeys: a.bool(3, "sort_keys", false)}
	if w, ok := a.arg(1, "indent"); ok && w != nil {
		st.multiline, st.item = true, ","
		if s, isStr := w.(Str); isStr {
			st.indent = s.s
		} else {
			st.indent = strings.Repeat(" ", int(max(min(a.int(line, 1, "indent", 0), 64), 0)))
		}
	}
	if sep, ok := a.arg(2, "separators"); ok && sep != nil {
		parts := in.items(line, sep)
		if len(parts) != 2 {
			failf(line, "tojson: separators needs two strings")
		}
		st.item, st.key = in.str(parts[0]).s, in.str(parts[1]).s
	}
	var b builder
	in.line = line
	in.json(&b, v, st, 0)
	return b.str()
}

func filterTrim(in *interp, line int, v Value, a args) Value {
	s := in.str(v)
	in.work(len(s.s))
	return s.strip(a.optStr(line, 0, "chars"), true, true)
}

func filterWordcount(in *interp, line int, v Value, a args) Value {
	s := in.str(v)
	in.work(len(s.s))
	return int64(len(strings.FieldsFunc(s.s, isSpace)))
}
