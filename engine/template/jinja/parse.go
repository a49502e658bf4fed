package jinja

import (
	"strconv"
	"strings"
)

// Template is a parsed template. It is immutable and safe for concurrent use.
type Template struct {
	body []stmt
}

// Parse reads a template. Errors are *Error: a syntax error, an unknown tag,
// filter or test, or nesting past the limit.
func Parse(source string) (t *Template, err error) {
	defer catch(&err)
	if len(source) > maxSource {
		return nil, &Error{Msg: "the template is longer than 1 MiB"}
	}
	p := parser{toks: lex(source)}
	body := p.statements()
	if p.peek().kind != tEOF {
		p.unexpected()
	}
	return &Template{body: body}, nil
}

// Uses reports whether the template reads the variable of this name.
func (t *Template) Uses(id string) bool {
	found := false
	walk(t.body, func(e expr) {
		if n, ok := e.(name); ok && n.id == id {
			found = true
		}
	})
	return found
}

type parser struct {
	toks  []token
	i     int
	depth int // of the recursion here
	loops int
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != tEOF {
		p.i++
	}
	return t
}

func (p *parser) at() at { return at(p.peek().line) }

func (p *parser) unexpected() {
	t := p.peek()
	what := strconv.Quote(t.text)
	switch t.kind {
	case tEOF:
		what = "end of the template"
	case tVarEnd, tBlockEnd:
		what = "end of the tag"
	case tVarBegin, tBlockBegin:
		what = "start of a tag"
	}
	failf(t.line, "unexpected %s", what)
}

func (p *parser) isOp(op string) bool {
	t := p.peek()
	return t.kind == tOp && t.text == op
}

func (p *parser) isName(id string) bool {
	t := p.peek()
	return t.kind == tName && t.text == id
}

func (p *parser) acceptOp(op string) bool {
	if p.isOp(op) {
		p.i++
		return true
	}
	return false
}

func (p *parser) acceptName(id string) bool {
	if p.isName(id) {
		p.i++
		return true
	}
	return false
}

func (p *parser) wantOp(op string) {
	if !p.acceptOp(op) {
		p.unexpected()
	}
}

func (p *parser) wantName() string {
	if p.peek().kind != tName {
		p.unexpected()
	}
	return p.next().text
}

func (p *parser) want(k kind) {
	if p.peek().kind != k {
		p.unexpected()
	}
	p.i++
}

// enter counts nesting, so that neither this parser nor the evaluation, which
// nests no deeper, can exhaust the stack.
func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		failf(p.peek().line, "nested deeper than %d", maxDepth)
	}
}

func (p *parser) leave() { p.depth-- }

// statements reads up to the end or a block tag named in stop, which is left
// unread behind its opening.
func (p *parser) statements(stop ...string) []stmt {
	p.enter()
	defer p.leave()
	var out []stmt
	for {
		line := p.at()
		switch t := p.peek(); t.kind {
		case tData:
			p.i++
			out = append(out, textStmt{line, t.text})
		case tVarBegin:
			p.i++
			x := p.tuple(true)
			p.want(tVarEnd)
			out = append(out, outputStmt{line, x})
		case tBlockBegin:
			p.i++
			for _, s := range stop {
				if p.isName(s) {
					return out
				}
			}
			if s := p.block(); s != nil {
				out = append(out, s)
			}
		default:
			if len(stop) > 0 {
				failf(int(line), "the template ends before %s", strings.Join(stop, " or "))
			}
			return out
		}
	}
}

// end reads the closing tag of a block.
func (p *parser) end(id string) {
	if !p.acceptName(id) {
		p.unexpected()
	}
	p.want(tBlockEnd)
}

func (p *parser) block() stmt {
	line := p.at()
	id := p.wantName()
	switch id {
	case "for":
		return p.forBlock(line)
	case "if":
		return p.ifBlock(line)
	case "set":
		return p.setBlock(line)
	case "macro":
		m := macroStmt{at: line, name: p.wantName()}
		p.signature(&m)
		p.want(tBlockEnd)
		p.macroBody(&m, "endmacro", true)
		return m
	case "call":
		m := macroStmt{at: line, name: "caller"}
		if p.isOp("(") {
			p.signature(&m)
		}
		x := p.expression()
		if _, ok := x.(call); !ok {
			failf(int(line), "a call block needs a call")
		}
		p.want(tBlockEnd)
		p.macroBody(&m, "endcall", false)
		return callStmt{line, m, x}
	case "filter":
		f := p.filterChain(nil)
		p.want(tBlockEnd)
		body := p.statements("endfilter")
		p.end("endfilter")
		return filterStmt{line, f, body}
	case "with":
		w := withStmt{at: line}
		for p.peek().kind != tBlockEnd {
			if len(w.targets) > 0 {
				p.wantOp(",")
			}
			w.targets = append(w.targets, p.target(false))
			p.wantOp("=")
			w.values = append(w.values, p.expression())
		}
		p.want(tBlockEnd)
		w.body = p.statements("endwith")
		p.end("endwith")
		return w
	case "generation":
		p.want(tBlockEnd)
		body := p.statements("endgeneration")
		p.end("endgeneration")
		return scopeStmt{line, body}
	case "break", "continue":
		if p.loops == 0 {
			failf(int(line), "%s outside of a loop", id)
		}
		p.want(tBlockEnd)
		return jumpStmt{line, id == "break"}
	case "include", "import", "from", "extends", "block":
		failf(int(line), "the tag %q is not allowed: a chat template stands alone", id)
	}
	failf(int(line), "unknown tag %q", id)
	return nil
}

func (p *parser) forBlock(line at) stmt {
	f := forStmt{at: line, target: p.target(true)}
	if !p.acceptName("in") {
		p.unexpected()
	}
	f.iter = p.tuple(false)
	if p.acceptName("if") {
		f.cond = p.expression()
	}
	if p.isName("recursive") {
		failf(int(line), "recursive loops are not supported")
	}
	p.want(tBlockEnd)
	p.loops++
	f.body = p.statements("endfor", "else")
	p.loops--
	if p.acceptName("else") {
		p.want(tBlockEnd)
		f.none = p.statements("endfor")
	}
	p.end("endfor")
	return f
}

func (p *parser) ifBlock(line at) stmt {
	s := ifStmt{at: line, tests: []expr{p.tuple(true)}}
	p.want(tBlockEnd)
	for {
		s.bodies = append(s.bodies, p.statements("elif", "else", "endif"))
		switch {
		case p.acceptName("elif"):
			s.tests = append(s.tests, p.tuple(true))
			p.want(tBlockEnd)
			continue
		case p.acceptName("else"):
			p.want(tBlockEnd)
			s.bodies = append(s.bodies, p.statements("endif"))
		}
		p.end("endif")
		return s
	}
}

func (p *parser) setBlock(line at) stmt {
	s := setStmt{at: line, target: p.target(true)}
	if p.acceptOp("=") {
		s.value = p.tuple(true)
		p.want(tBlockEnd)
		return s
	}
	if p.isOp("|") {
		p.i++
		s.filter = p.filterChain(nil)
	}
	p.want(tBlockEnd)
	s.body = p.statements("endset")
	p.end("endset")
	return s
}

// target reads what a value is assigned to: a name, namespace.attribute, or
// several of them.
func (p *parser) target(several bool) expr {
	line := p.at()
	one := func() expr {
		if p.isOp("(") {
			p.enter()
			defer p.leave()
			p.i++
			t := p.target(true)
			p.wantOp(")")
			return t
		}
		at := p.at()
		n := name{at, p.wantName()}
		switch n.id {
		case "true", "false", "none", "True", "False", "None", "loop", "self", "super":
			failf(int(at), "cannot assign to %q", n.id)
		}
		if p.acceptOp(".") {
			return getAttr{at, n, p.wantName()}
		}
		return n
	}
	first := one()
	if !several || !p.isOp(",") {
		return first
	}
	t := listExpr{at: line, items: []expr{first}, tuple: true}
	for p.acceptOp(",") {
		if p.peek().kind != tName && !p.isOp("(") || p.isName("in") {
			break
		}
		t.items = append(t.items, one())
	}
	return t
}

func (p *parser) signature(m *macroStmt) {
	p.wantOp("(")
	for !p.acceptOp(")") {
		if len(m.params) > 0 {
			p.wantOp(",")
			if p.acceptOp(")") {
				return
			}
		}
		m.params = append(m.params, p.wantName())
		if p.acceptOp("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			failf(p.peek().line, "a parameter without default follows one with")
		}
	}
}

func (p *parser) macroBody(m *macroStmt, end string, named bool) {
	loops := p.loops
	p.loops = 0
	m.body = p.statements(end)
	p.loops = loops
	p.end(end)
	walk(m.body, func(e expr) {
		if n, ok := e.(name); ok {
			m.varargs = m.varargs || n.id == "varargs"
			m.kwargs = m.kwargs || n.id == "kwargs"
			m.caller = m.caller || named && n.id == "caller"
		}
	})
}

// tuple reads an expression or, with commas, a tuple.
func (p *parser) tuple(cond bool) expr {
	line := p.at()
	read := p.or
	if cond {
		read = p.expression
	}
	first := read()
	if !p.isOp(",") {
		return first
	}
	t := listExpr{at: line, items: []expr{first}, tuple: true}
	for p.acceptOp(",") {
		if k := p.peek(); k.kind == tVarEnd || k.kind == tBlockEnd || p.isOp(")") {
			break
		}
		t.items = append(t.items, read())
	}
	return t
}

func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	line := p.at()
	x := p.or()
	n := 0
	for p.acceptName("if") {
		n++
		p.chain(n)
		c := condition{at: line, test: p.or(), then: x}
		if p.acceptName("else") {
			c.other = p.expression()
		}
		x = c
	}
	return x
}

// chain bounds chains such as a+b+c, whose evaluation nests to the left.
func (p *parser) chain(n int) {
	if n > maxDepth {
		failf(p.peek().line, "an expression of more than %d parts", maxDepth)
	}
}

func (p *parser) or() expr {
	x := p.and()
	for n := 1; p.isName("or"); n++ {
		p.chain(n)
		line := p.at()
		p.i++
		x = binary{line, "or", x, p.and()}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for n := 1; p.isName("and"); n++ {
		p.chain(n)
		line := p.at()
		p.i++
		x = binary{line, "and", x, p.not()}
	}
	return x
}

func (p *parser) not() expr {
	if !p.isName("not") {
		return p.compare()
	}
	p.enter()
	defer p.leave()
	line := p.at()
	p.i++
	return unary{line, "not", p.not()}
}

func (p *parser) compare() expr {
	c := compare{at: p.at(), first: p.math1()}
	for {
		op := ""
		switch t := p.peek(); {
		case t.kind == tOp && (t.text == "==" || t.text == "!=" || t.text == "<" || t.text == "<=" || t.text == ">" || t.text == ">="):
			op = t.text
		case p.isName("in"):
			op = "in"
		case p.isName("not") && p.toks[p.i+1].kind == tName && p.toks[p.i+1].text == "in":
			p.i++
			op = "not in"
		}
		if op == "" {
			break
		}
		p.i++
		c.ops = append(c.ops, op)
		c.rest = append(c.rest, p.math1())
	}
	if len(c.ops) == 0 {
		return c.first
	}
	return c
}

func (p *parser) leftAssoc(operand func() expr, ops ...string) expr {
	x := operand()
	for n := 1; ; n++ {
		t := p.peek()
		found := false
		for _, op := range ops {
			found = found || t.kind == tOp && t.text == op
		}
		if !found {
			return x
		}
		p.chain(n)
		p.i++
		x = binary{at(t.line), t.text, x, operand()}
	}
}

func (p *parser) math1() expr { return p.leftAssoc(p.concat, "+", "-") }

func (p *parser) concat() expr {
	line := p.at()
	first := p.math2()
	if !p.isOp("~") {
		return first
	}
	c := concat{at: line, items: []expr{first}}
	for p.acceptOp("~") {
		c.items = append(c.items, p.math2())
	}
	return c
}

func (p *parser) math2() expr { return p.leftAssoc(p.pow, "*", "/", "//", "%") }

func (p *parser) pow() expr {
	return p.leftAssoc(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) expr {
	line := p.at()
	var x expr
	switch {
	case p.isOp("-"), p.isOp("+"):
		p.enter()
		defer p.leave()
		op := p.next().text
		x = unary{line, op, p.unary(false)}
	default:
		x = p.primary()
	}
	x = p.postfix(x)
	if filters {
		x = p.filters(x)
	}
	return x
}

func (p *parser) primary() expr {
	p.enter()
	defer p.leave()
	line := p.at()
	switch t := p.next(); t.kind {
	case tName:
		switch t.text {
		case "true", "True":
			return constant{line, true}
		case "false", "False":
			return constant{line, false}
		case "none", "None":
			return constant{line, nil}
		}
		return name{line, t.text}
	case tString:
		s := t.text
		for p.peek().kind == tString {
			s += p.next().text
		}
		return constant{line, Trusted(s)}
	case tInt:
		v, err := strconv.ParseInt(strings.ReplaceAll(t.text, "_", ""), 0, 64)
		if err != nil && len(t.text) > 1 && t.text[0] == '0' {
			v, err = strconv.ParseInt(t.text, 10, 64)
		}
		if err != nil {
			failf(int(line), "the number %.40s is too large", t.text)
		}
		return constant{line, v}
	case tFloat:
		v, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			failf(int(line), "the number %.40s is too large", t.text)
		}
		return constant{line, v}
	case tOp:
		switch t.text {
		case "(":
			if p.acceptOp(")") {
				return listExpr{at: line, tuple: true}
			}
			x := p.tuple(true)
			p.wantOp(")")
			return x
		case "[":
			l := listExpr{at: line}
			for !p.acceptOp("]") {
				if len(l.items) > 0 {
					p.wantOp(",")
					if p.acceptOp("]") {
						break
					}
				}
				l.items = append(l.items, p.expression())
			}
			return l
		case "{":
			d := dictExpr{at: line}
			for !p.acceptOp("}") {
				if len(d.keys) > 0 {
					p.wantOp(",")
					if p.acceptOp("}") {
						break
					}
				}
				d.keys = append(d.keys, p.expression())
				p.wantOp(":")
				d.values = append(d.values, p.expression())
			}
			return d
		}
	}
	p.i--
	p.unexpected()
	return nil
}

func (p *parser) postfix(x expr) expr {
	for n := 1; ; n++ {
		line := p.at()
		switch {
		case p.acceptOp("."):
			switch t := p.next(); t.kind {
			case tName:
				x = getAttr{line, x, t.text}
			case tInt:
				v, err := strconv.ParseInt(t.text, 10, 64)
				if err != nil {
					failf(int(line), "the index %.40s is too large", t.text)
				}
				x = getItem{line, x, constant{line, v}}
			default:
				p.i--
				p.unexpected()
			}
		case p.acceptOp("["):
			x = p.subscript(line, x)
		case p.isOp("("):
			x = call{line, x, p.arguments()}
		default:
			return x
		}
		p.chain(n)
	}
}

func (p *parser) subscript(line at, x expr) expr {
	if p.acceptOp(":") {
		return p.slice(line, x, nil)
	}
	key := p.expression()
	if p.acceptOp(":") {
		return p.slice(line, x, key)
	}
	p.wantOp("]")
	return getItem{line, x, key}
}

func (p *parser) slice(line at, x, from expr) expr {
	s := slice{at: line, x: x, from: from}
	if !p.isOp(":") && !p.isOp("]") {
		s.to = p.expression()
	}
	if p.acceptOp(":") && !p.isOp("]") {
		s.step = p.expression()
	}
	p.wantOp("]")
	return s
}

func (p *parser) arguments() arguments {
	var a arguments
	p.wantOp("(")
	for n := 0; !p.acceptOp(")"); n++ {
		if n > 0 {
			p.wantOp(",")
			if p.acceptOp(")") {
				break
			}
		}
		switch {
		case p.acceptOp("*"):
			a.star = p.expression()
		case p.acceptOp("**"):
			a.starstar = p.expression()
		case p.peek().kind == tName && p.toks[p.i+1].kind == tOp && p.toks[p.i+1].text == "=":
			a.names = append(a.names, p.wantName())
			p.i++
			a.named = append(a.named, p.expression())
		default:
			if len(a.named) > 0 {
				failf(p.peek().line, "a positional argument follows a named one")
			}
			a.pos = append(a.pos, p.expression())
		}
	}
	return a
}

// filters reads filters, tests and calls behind an expression.
func (p *parser) filters(x expr) expr {
	for n := 1; ; n++ {
		line := p.at()
		switch {
		case p.isOp("|"):
			p.i++
			x = p.filter(line, x)
		case p.isName("is"):
			p.i++
			x = p.test(line, x)
		case p.isOp("("):
			x = call{line, x, p.arguments()}
		default:
			return x
		}
		p.chain(n)
	}
}

func (p *parser) filter(line at, x expr) filterExpr {
	f := filterExpr{at: line, x: x, name: p.wantName()}
	if _, ok := filters[f.name]; !ok {
		failf(int(line), "unknown filter %q", f.name)
	}
	if p.isOp("(") {
		f.args = p.arguments()
	}
	return f
}

// filterChain reads the filters of a block: name|name(args).
func (p *parser) filterChain(out []filterExpr) []filterExpr {
	out = append(out, p.filter(p.at(), nil))
	for p.acceptOp("|") {
		p.chain(len(out))
		out = append(out, p.filter(p.at(), nil))
	}
	return out
}

func (p *parser) test(line at, x expr) expr {
	t := testExpr{at: line, x: x}
	t.not = p.acceptName("not")
	t.name = p.wantName()
	if _, ok := tests[t.name]; !ok {
		failf(int(line), "unknown test %q", t.name)
	}
	k := p.peek()
	switch {
	case p.isOp("("):
		t.args = p.arguments()
	case k.kind == tString, k.kind == tInt, k.kind == tFloat, p.isOp("["), p.isOp("{"),
		k.kind == tName && k.text != "else" && k.text != "or" && k.text != "and" && k.text != "is" && k.text != "if" && k.text != "in" && k.text != "not":
		t.args.pos = []expr{p.postfix(p.primary())}
	}
	return t
}
