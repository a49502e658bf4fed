package jinja

import (
	"math"
	"strings"
	"time"
)

// interp is one rendering.
type interp struct {
	limits   Limits
	deadline time.Time
	now      func() time.Time
	steps    int
	bytes    int
	depth    int // of evaluation, on Go's stack
	calls    int
	line     int // of the statement under way, for errors
	outs     []*builder
	outBytes int
	scope    *scope
}

type scope struct {
	vars map[string]Value
	up   *scope
}

func (s *scope) get(id string) (Value, bool) {
	for ; s != nil; s = s.up {
		if v, ok := s.vars[id]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) set(id string, v Value) {
	if s.vars == nil {
		s.vars = map[string]Value{}
	}
	s.vars[id] = v
}

// maxEval bounds the depth of evaluation in all: nested expressions inside
// nested macro calls. A level takes about a kilobyte of stack.
const maxEval = 4000

// Render gives the text of the template. Errors are *Error.
func (t *Template) Render(vars map[string]Value, limits Limits, now func() time.Time) (out Str, err error) {
	defer catch(&err)
	in := &interp{limits: limits, now: now, deadline: time.Now().Add(limits.Time)}
	b := &builder{}
	in.outs = []*builder{b}
	global := &scope{}
	for k, v := range globals {
		global.set(k, v)
	}
	root := &scope{up: global}
	for k, v := range vars {
		root.set(k, v)
	}
	in.scope = root
	in.exec(t.body)
	return b.str(), nil
}

// step counts one evaluated node.
func (in *interp) step() {
	in.steps++
	if in.steps > in.limits.Steps {
		failf(in.line, "the template takes too many steps")
	}
	if in.steps&1023 == 0 && time.Now().After(in.deadline) {
		failf(in.line, "the template takes too long")
	}
}

// work counts a pass over n bytes.
func (in *interp) work(n int) {
	before := in.steps >> 10
	in.steps += n / 64
	if in.steps > in.limits.Steps {
		failf(in.line, "the template takes too many steps")
	}
	if in.steps>>10 != before && time.Now().After(in.deadline) {
		failf(in.line, "the template takes too long")
	}
}

// alloc counts n bytes before they are made.
func (in *interp) alloc(n int) {
	if n < 0 || n > in.limits.Bytes-in.bytes {
		failf(in.line, "the template needs too much memory")
	}
	in.bytes += n
	in.work(n)
}

func (in *interp) enter(line int) {
	if in.depth++; in.depth > maxEval {
		failf(line, "nested too deeply")
	}
}

func (in *interp) leave() { in.depth-- }

func (in *interp) write(s Str) {
	in.alloc(len(s.s) + 16*len(s.user))
	if len(in.outs) == 1 {
		if in.outBytes += len(s.s); in.outBytes > in.limits.Output {
			failf(in.line, "the result is too long")
		}
	}
	in.outs[len(in.outs)-1].add(s)
}

// capture runs statements and gives what they write.
func (in *interp) capture(body []stmt) Str {
	in.outs = append(in.outs, &builder{})
	if in.exec(body) != fell {
		failf(in.line, "break or continue inside a block that is not part of the loop")
	}
	b := in.outs[len(in.outs)-1]
	in.outs = in.outs[:len(in.outs)-1]
	return b.str()
}

// scoped runs f with a new scope.
func (in *interp) scoped(f func()) {
	outer := in.scope
	in.scope = &scope{up: outer}
	f()
	in.scope = outer
}

// jump is how a list of statements ended.
type jump int

const (
	fell jump = iota
	broke
	continued
)

func (in *interp) exec(body []stmt) jump {
	in.enter(in.line)
	defer in.leave()
	for _, s := range body {
		in.line = s.pos()
		in.step()
		switch s := s.(type) {
		case textStmt:
			in.write(Trusted(s.text))
		case outputStmt:
			in.write(in.str(in.eval(s.x)))
		case ifStmt:
			if j := in.branch(s); j != fell {
				return j
			}
		case forStmt:
			in.loop(s)
		case setStmt:
			in.set(s)
		case macroStmt:
			in.scope.set(s.name, in.macro(s))
		case callStmt:
			in.callBlock(s)
		case filterStmt:
			var text Str
			in.scoped(func() { text = in.capture(s.body) })
			in.write(in.str(in.chain(s.filter, text)))
		case withStmt:
			outer := in.scope
			inner := &scope{up: outer}
			for i, t := range s.targets {
				v := in.eval(s.values[i])
				in.scope = inner
				in.assign(t, v)
				in.scope = outer
			}
			in.scope = inner
			j := in.exec(s.body)
			in.scope = outer
			if j != fell {
				return j
			}
		case scopeStmt:
			outer := in.scope
			in.scope = &scope{up: outer}
			j := in.exec(s.body)
			in.scope = outer
			if j != fell {
				return j
			}
		case jumpStmt:
			if s.brk {
				return broke
			}
			return continued
		}
	}
	return fell
}

func (in *interp) branch(s ifStmt) jump {
	for i, t := range s.tests {
		if truth(in.eval(t)) {
			return in.exec(s.bodies[i])
		}
	}
	if len(s.bodies) > len(s.tests) {
		return in.exec(s.bodies[len(s.tests)])
	}
	return fell
}

func (in *interp) loop(s forStmt) {
	outer := in.scope
	list := in.items(int(s.at), in.eval(s.iter))
	if s.cond != nil {
		var kept []Value
		for _, v := range list {
			in.scope = &scope{up: outer}
			in.assign(s.target, v)
			if truth(in.eval(s.cond)) {
				in.alloc(16)
				kept = append(kept, v)
			}
		}
		in.scope = outer
		list = kept
	}
	if len(list) == 0 {
		in.scoped(func() { in.exec(s.none) })
		return
	}
	l := &Loop{items: list}
	for i, v := range list {
		in.step()
		l.i = i
		in.scope = &scope{up: outer, vars: map[string]Value{"loop": l}}
		in.assign(s.target, v)
		if in.exec(s.body) == broke {
			break
		}
	}
	in.scope = outer
}

func (in *interp) assign(target expr, v Value) {
	switch t := target.(type) {
	case name:
		in.scope.set(t.id, v)
	case getAttr:
		ns, ok := in.eval(t.x).(*Namespace)
		if !ok {
			failf(t.pos(), "cannot assign attribute on non-namespace object")
		}
		in.alloc(64)
		ns.attrs.set(t.pos(), Trusted(t.name), v)
	case listExpr:
		in.enter(t.pos())
		defer in.leave()
		items := in.items(t.pos(), v)
		if len(items) != len(t.items) {
			failf(t.pos(), "%d values for %d names", len(items), len(t.items))
		}
		for i := range items {
			in.assign(t.items[i], items[i])
		}
	}
}

func (in *interp) set(s setStmt) {
	if s.value != nil {
		in.assign(s.target, in.eval(s.value))
		return
	}
	var text Str
	in.scoped(func() { text = in.capture(s.body) })
	in.assign(s.target, in.chain(s.filter, text))
}

func (in *interp) chain(list []filterExpr, v Value) Value {
	for _, f := range list {
		v = in.filter(f, v)
	}
	return v
}

// args are evaluated arguments.
type args struct {
	pos   []Value
	named map[string]Value
	order []string
}

func (in *interp) args(a arguments) args {
	var out args
	for _, e := range a.pos {
		out.pos = append(out.pos, in.eval(e))
	}
	if a.star != nil {
		extra := in.items(a.star.pos(), in.eval(a.star))
		in.alloc(16 * len(extra))
		out.pos = append(out.pos, extra...)
	}
	put := func(k string, v Value) {
		if out.named == nil {
			out.named = map[string]Value{}
		}
		if _, ok := out.named[k]; !ok {
			out.order = append(out.order, k)
		}
		out.named[k] = v
	}
	for i, k := range a.names {
		put(k, in.eval(a.named[i]))
	}
	if a.starstar != nil {
		d, ok := in.eval(a.starstar).(*Dict)
		if !ok {
			failf(a.starstar.pos(), "** needs a mapping")
		}
		in.alloc(64 * len(d.keys))
		for i, k := range d.keys {
			put(in.str(k).s, d.values[i])
		}
	}
	return out
}

func (in *interp) macro(m macroStmt) *Func {
	home := in.scope
	return &Func{name: m.name, call: func(in *interp, line int, a args) Value {
		if in.calls++; in.calls > maxCalls {
			failf(line, "macro calls nested deeper than %d", maxCalls)
		}
		defer func() { in.calls-- }()
		outer := in.scope
		in.scope = &scope{up: home}
		first := len(m.params) - len(m.defaults)
		for i, p := range m.params {
			v, named := a.named[p]
			switch {
			case i < len(a.pos):
				if named {
					failf(line, "macro %q got two values for %q", m.name, p)
				}
				v = a.pos[i]
			case named:
				delete(a.named, p)
			case i >= first:
				v = in.eval(m.defaults[i-first])
			default:
				v = Undefined{"parameter " + p}
			}
			in.scope.set(p, v)
		}
		if c, ok := a.named["caller"]; ok && m.caller {
			in.scope.set("caller", c)
			delete(a.named, "caller")
		} else if m.caller {
			in.scope.set("caller", Undefined{"No caller defined"})
		}
		switch {
		case m.varargs:
			rest := &List{Tuple: true}
			if len(a.pos) > len(m.params) {
				rest.Items = a.pos[len(m.params):]
			}
			in.scope.set("varargs", rest)
		case len(a.pos) > len(m.params):
			failf(line, "macro %q takes %d arguments", m.name, len(m.params))
		}
		if m.kwargs {
			d := NewDict()
			for _, k := range a.order {
				if v, ok := a.named[k]; ok {
					d.Set(k, v)
				}
			}
			in.scope.set("kwargs", d)
		} else {
			for k := range a.named {
				failf(line, "macro %q has no parameter %q", m.name, k)
			}
		}
		text := in.capture(m.body)
		in.scope = outer
		return text
	}}
}

func (in *interp) callBlock(s callStmt) {
	c := s.call.(call)
	a := in.args(c.args)
	if a.named == nil {
		a.named = map[string]Value{}
	}
	a.named["caller"] = in.macro(s.macro)
	a.order = append(a.order, "caller")
	f, ok := in.eval(c.f).(*Func)
	if !ok {
		failf(s.pos(), "a call block needs a macro")
	}
	in.write(in.str(f.call(in, s.pos(), a)))
}

func (in *interp) eval(e expr) Value {
	in.step()
	in.enter(e.pos())
	defer in.leave()
	switch e := e.(type) {
	case constant:
		return e.v
	case name:
		if v, ok := in.scope.get(e.id); ok {
			return v
		}
		return Undefined{"'" + e.id + "'"}
	case listExpr:
		in.alloc(16 * len(e.items))
		l := &List{Tuple: e.tuple, Items: make([]Value, len(e.items))}
		for i, x := range e.items {
			l.Items[i] = in.eval(x)
		}
		return l
	case dictExpr:
		in.alloc(64 * len(e.keys))
		d := NewDict()
		for i := range e.keys {
			d.set(e.pos(), in.eval(e.keys[i]), in.eval(e.values[i]))
		}
		return d
	case unary:
		return in.unary(e)
	case binary:
		return in.binary(e)
	case concat:
		var b builder
		for _, x := range e.items {
			in.text(&b, in.eval(x), false, 0)
		}
		return b.str()
	case compare:
		return in.compare(e)
	case condition:
		if truth(in.eval(e.test)) {
			return in.eval(e.then)
		}
		if e.other != nil {
			return in.eval(e.other)
		}
		return Undefined{"the inline if-expression without else"}
	case getAttr:
		return in.attr(e.pos(), in.eval(e.x), e.name)
	case getItem:
		return in.item(e.pos(), in.eval(e.x), in.eval(e.key))
	case slice:
		return in.slice(e)
	case call:
		return in.call(e)
	case filterExpr:
		return in.filter(e, in.eval(e.x))
	case testExpr:
		return in.test(e)
	}
	failf(e.pos(), "unknown expression")
	return nil
}

func (in *interp) unary(e unary) Value {
	v := in.eval(e.x)
	if e.op == "not" {
		return !truth(v)
	}
	i, f, isInt, ok := number(v)
	if !ok {
		failf(e.pos(), "a %s has no sign", in.name(e.pos(), v))
	}
	switch {
	case isInt && e.op == "-":
		if i == math.MinInt64 {
			failf(e.pos(), "the number is too large")
		}
		return -i
	case isInt:
		return i
	case e.op == "-":
		return -f
	}
	return f
}

// name describes v for an error; an undefined value is an error of its own.
func (in *interp) name(line int, v Value) string {
	if u, ok := v.(Undefined); ok {
		failf(line, "%s is undefined", u.what)
	}
	return typeName(v)
}

func (in *interp) binary(e binary) Value {
	switch e.op {
	case "and":
		if v := in.eval(e.l); !truth(v) {
			return v
		}
		return in.eval(e.r)
	case "or":
		if v := in.eval(e.l); truth(v) {
			return v
		}
		return in.eval(e.r)
	}
	l, r := in.eval(e.l), in.eval(e.r)
	switch e.op {
	case "+":
		if a, ok := l.(Str); ok {
			if b, ok := r.(Str); ok {
				return in.join(a, b)
			}
		}
		if a, ok := l.(*List); ok {
			if b, ok := r.(*List); ok && a.Tuple == b.Tuple {
				in.alloc(16 * (len(a.Items) + len(b.Items)))
				return &List{Items: append(append([]Value{}, a.Items...), b.Items...), Tuple: a.Tuple}
			}
		}
	case "*":
		if n, ok := r.(int64); ok {
			if v, ok := in.repeat(l, n); ok {
				return v
			}
		}
		if n, ok := l.(int64); ok {
			if v, ok := in.repeat(r, n); ok {
				return v
			}
		}
	case "%":
		if _, ok := l.(Str); ok {
			failf(e.pos(), "formatting with %% is not supported")
		}
	}
	li, lf, lInt, lok := number(l)
	ri, rf, rInt, rok := number(r)
	if !lok || !rok {
		failf(e.pos(), "cannot compute %s %s %s", in.name(e.pos(), l), e.op, in.name(e.pos(), r))
	}
	if lInt && rInt && e.op != "/" {
		return integer(e, li, ri)
	}
	switch e.op {
	case "+":
		return lf + rf
	case "-":
		return lf - rf
	case "*":
		return lf * rf
	case "**":
		return math.Pow(lf, rf)
	}
	if rf == 0 {
		failf(e.pos(), "division by zero")
	}
	switch e.op {
	case "/":
		return lf / rf
	case "//":
		return math.Floor(lf / rf)
	}
	m := math.Mod(lf, rf)
	if m != 0 && (m < 0) != (rf < 0) {
		m += rf
	}
	return m
}

// integer computes with integers; results beyond 64 bits are refused.
func integer(e binary, a, b int64) Value {
	overflow := func() { failf(e.pos(), "the number is too large") }
	switch e.op {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c
		}
		overflow()
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c
		}
		overflow()
	case "*":
		return multiply(e, a, b)
	case "**":
		if b < 0 {
			return math.Pow(float64(a), float64(b))
		}
		if b > 64 && a != 0 && a != 1 && a != -1 {
			overflow()
		}
		if a == 0 && b > 0 {
			return int64(0)
		}
		out := int64(1)
		for range b % 128 {
			out = multiply(e, out, a)
		}
		return out
	}
	if b == 0 {
		failf(e.pos(), "division by zero")
	}
	if a == math.MinInt64 && b == -1 {
		overflow()
	}
	q, m := a/b, a%b
	if m != 0 && (m < 0) != (b < 0) {
		q, m = q-1, m+b
	}
	if e.op == "//" {
		return q
	}
	return m
}

func multiply(e binary, a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	c := a * b
	if c/b != a || a == -1 && b == math.MinInt64 || b == -1 && a == math.MinInt64 {
		failf(e.pos(), "the number is too large")
	}
	return c
}

func (in *interp) join(a, b Str) Str {
	switch {
	case a.s == "":
		return b
	case b.s == "":
		return a
	}
	in.alloc(len(a.s) + len(b.s) + 16*(len(a.user)+len(b.user)))
	var out builder
	out.b.Grow(len(a.s) + len(b.s))
	out.add(a)
	out.add(b)
	return out.str()
}

// repeat is string * n and list * n.
func (in *interp) repeat(v Value, n int64) (Value, bool) {
	n = max(n, 0)
	charge := func(size int) {
		if size > 0 && n > int64(in.limits.Bytes/size) {
			failf(in.line, "the template needs too much memory")
		}
		in.alloc(size * int(n))
	}
	switch v := v.(type) {
	case Str:
		charge(len(v.s) + 16*len(v.user))
		if len(v.user) == 0 {
			if v.s == "" {
				return v, true
			}
			return Trusted(strings.Repeat(v.s, int(n))), true
		}
		var b builder
		for range n {
			b.add(v)
		}
		return b.str(), true
	case *List:
		charge(16 * len(v.Items))
		out := &List{Tuple: v.Tuple}
		if len(v.Items) > 0 {
			for range n {
				out.Items = append(out.Items, v.Items...)
			}
		}
		return out, true
	}
	return nil, false
}

func (in *interp) compare(e compare) Value {
	l := in.eval(e.first)
	for i, op := range e.ops {
		r := in.eval(e.rest[i])
		ok := false
		switch op {
		case "==":
			ok = in.equal(l, r, 0)
		case "!=":
			ok = !in.equal(l, r, 0)
		case "in":
			ok = in.contains(e.pos(), r, l)
		case "not in":
			ok = !in.contains(e.pos(), r, l)
		default:
			in.name(e.pos(), l)
			in.name(e.pos(), r)
			c := in.order(e.pos(), l, r)
			ok = op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0
		}
		if !ok {
			return false
		}
		l = r
	}
	return true
}

func (in *interp) contains(line int, box, v Value) bool {
	switch box := box.(type) {
	case Str:
		s, ok := v.(Str)
		if !ok {
			failf(line, "cannot look for a %s in a string", in.name(line, v))
		}
		in.work(len(box.s))
		return strings.Contains(box.s, s.s)
	case *Dict:
		_, ok := box.get(line, v)
		return ok
	case *List:
		for _, x := range box.Items {
			if in.equal(x, v, 0) {
				return true
			}
		}
		return false
	case Undefined:
		return false
	}
	failf(line, "cannot look into a %s", typeName(box))
	return false
}

// attr is x.name: a method or attribute, else an item.
func (in *interp) attr(line int, x Value, id string) Value {
	switch x := x.(type) {
	case Undefined:
		failf(line, "%s is undefined", x.what)
	case *Namespace:
		if v, ok := x.attrs.get(line, Trusted(id)); ok {
			return v
		}
	case *Loop:
		if v, ok := in.loopAttr(x, id); ok {
			return v
		}
	case Str:
		if m, ok := strMethods[id]; ok {
			return bind(id, x, m)
		}
	case *List:
		if m, ok := listMethods[id]; ok {
			return bind(id, x, m)
		}
	case *Dict:
		if m, ok := dictMethods[id]; ok {
			return bind(id, x, m)
		}
		if v, ok := x.get(line, Trusted(id)); ok {
			return v
		}
	}
	return Undefined{"attribute '" + id + "' of a " + typeName(x)}
}

// item is x[key]: an item, else an attribute.
func (in *interp) item(line int, x, key Value) Value {
	switch x := x.(type) {
	case Undefined:
		failf(line, "%s is undefined", x.what)
	case *Dict:
		if v, ok := x.get(line, key); ok {
			return v
		}
	case *List:
		if i, _, isInt, ok := number(key); ok && isInt {
			if i < 0 {
				i += int64(len(x.Items))
			}
			if i >= 0 && i < int64(len(x.Items)) {
				return x.Items[i]
			}
			return Undefined{"an item past the end of a list"}
		}
	case Str:
		if i, _, isInt, ok := number(key); ok && isInt {
			in.alloc(8 * len(x.s))
			off := offsets(x.s)
			n := int64(len(off) - 1)
			if i < 0 {
				i += n
			}
			if i >= 0 && i < n {
				return x.slice(off[i], off[i+1])
			}
			return Undefined{"a character past the end of a string"}
		}
	}
	if s, ok := key.(Str); ok {
		return in.attr(line, x, s.s)
	}
	return Undefined{"item of a " + typeName(x)}
}

func (in *interp) slice(e slice) Value {
	x := in.eval(e.x)
	bound := func(e expr) *int64 {
		if e == nil {
			return nil
		}
		v := in.eval(e)
		if v == nil {
			return nil
		}
		i, _, isInt, ok := number(v)
		if !ok || !isInt {
			failf(e.pos(), "a slice needs integers")
		}
		return &i
	}
	from, to, step := bound(e.from), bound(e.to), bound(e.step)
	by := int64(1)
	if step != nil {
		if by = *step; by == 0 {
			failf(e.pos(), "a slice step of zero")
		}
	}
	var off []int
	var n int64
	switch x := x.(type) {
	case Str:
		in.alloc(8 * len(x.s))
		off = offsets(x.s)
		n = int64(len(off) - 1)
	case *List:
		n = int64(len(x.Items))
	case Undefined:
		failf(e.pos(), "%s is undefined", x.what)
	default:
		failf(e.pos(), "cannot slice a %s", typeName(x))
	}
	low, high := int64(0), n
	if by < 0 {
		low, high = -1, n-1
	}
	clamp := func(p *int64, def int64) int64 {
		if p == nil {
			return def
		}
		i := *p
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	start, end := clamp(from, low), clamp(to, high)
	if by < 0 {
		start, end = clamp(from, high), clamp(to, low)
	}
	var index []int64
	for i := start; by > 0 && i < end || by < 0 && i > end; i += by {
		index = append(index, i)
		if by > n || by < -n {
			break
		}
	}
	in.alloc(24 * len(index))
	switch x := x.(type) {
	case Str:
		if by == 1 {
			if start >= end {
				return Str{}
			}
			return x.slice(off[start], off[end])
		}
		var b builder
		for _, i := range index {
			b.add(x.slice(off[i], off[i+1]))
		}
		return b.str()
	case *List:
		out := &List{Tuple: x.Tuple}
		for _, i := range index {
			out.Items = append(out.Items, x.Items[i])
		}
		return out
	}
	return nil
}

func (in *interp) call(e call) Value {
	f := in.eval(e.f)
	a := in.args(e.args)
	switch f := f.(type) {
	case *Func:
		return f.call(in, e.pos(), a)
	case Undefined:
		failf(e.pos(), "%s is undefined", f.what)
	}
	failf(e.pos(), "a %s cannot be called", typeName(f))
	return nil
}

func (in *interp) filter(e filterExpr, v Value) Value {
	a := in.args(e.args)
	in.step()
	return filters[e.name](in, e.pos(), v, a)
}

func (in *interp) test(e testExpr) Value {
	v := in.eval(e.x)
	a := in.args(e.args)
	return tests[e.name](in, e.pos(), v, a) != e.not
}

func (in *interp) loopAttr(l *Loop, id string) (Value, bool) {
	n := len(l.items)
	switch id {
	case "index":
		return int64(l.i + 1), true
	case "index0":
		return int64(l.i), true
	case "revindex":
		return int64(n - l.i), true
	case "revindex0":
		return int64(n - l.i - 1), true
	case "first":
		return l.i == 0, true
	case "last":
		return l.i == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return int64(1), true
	case "depth0":
		return int64(0), true
	case "previtem":
		if l.i > 0 {
			return l.items[l.i-1], true
		}
		return Undefined{"there is no previous item"}, true
	case "nextitem":
		if l.i+1 < n {
			return l.items[l.i+1], true
		}
		return Undefined{"there is no next item"}, true
	case "cycle":
		return &Func{"cycle", func(in *interp, line int, a args) Value {
			if len(a.pos) == 0 {
				failf(line, "no items for cycling given")
			}
			return a.pos[l.i%len(a.pos)]
		}}, true
	case "changed":
		return &Func{"changed", func(in *interp, line int, a args) Value {
			same := l.changed != nil && in.equal(&List{Items: l.changed}, &List{Items: a.pos}, 0)
			l.changed = append([]Value{}, a.pos...)
			return !same
		}}, true
	}
	return nil, false
}
