package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"qwill/engine/schema/automaton"
	"qwill/engine/schema/grammar"
)

// Limits of a grammar.
const (
	maxGrammarBytes = 64 << 10
	maxGrammarRules = 1000
	maxGroups       = 100    // nested
	maxRepeat       = 10_000 // of {n,m}
)

// rule parts of a grammar in GBNF.
type part struct {
	op       byte // 't' text, 'c' class, 'r' rule, 's' sequence, '|' choice, '*' repetition
	text     string
	ranges   []rune
	rule     int
	subs     []*part
	min, max int
}

// gbnf reads llama.cpp's grammar notation: rules NAME ::= ALTERNATIVES, of
// literals "...", classes [a-z] and [^a-z], any character ., groups ( ), names of
// rules, the repetitions * + ? {n} {n,} {n,m}, and comments #. The text starts
// with the rule root. An alternative ends with its line unless it stands in a
// group or a | follows or leads the next line.
type gbnf struct {
	s     string
	i     int
	depth int
	names map[string]int
	order []string
	rules []*part
}

// Grammar makes the grammar of a text in GBNF. The error is an *Error.
func gbnfGrammar(text string, lead lead) (*grammar.Grammar, error) {
	if len(text) > maxGrammarBytes {
		return nil, refuse("", "the grammar has more than %d bytes", maxGrammarBytes)
	}
	if !utf8.ValidString(text) {
		return nil, refuse("", "the grammar is not valid UTF-8")
	}
	p := &gbnf{s: text, names: map[string]int{}}
	if err := p.file(); err != nil {
		line := 1 + strings.Count(p.s[:min(p.i, len(p.s))], "\n")
		return nil, refuse("", "line %d: %v", line, err)
	}
	root, ok := p.names["root"]
	if !ok {
		return nil, refuse("", "there is no rule root")
	}
	for i, r := range p.rules {
		if r == nil {
			return nil, refuse("", "the rule %s is not defined", p.order[i])
		}
	}
	return p.build(root, lead)
}

func (p *gbnf) name(s string) (int, error) {
	i, ok := p.names[s]
	if !ok {
		if len(p.rules) >= maxGrammarRules {
			return 0, fmt.Errorf("more than %d rules", maxGrammarRules)
		}
		i = len(p.rules)
		p.names[s] = i
		p.order = append(p.order, s)
		p.rules = append(p.rules, nil)
	}
	return i, nil
}

// space skips white space and comments; line ends only with lines.
func (p *gbnf) space(lines bool) {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r'):
			p.i++
		case c == '#':
			for p.i < len(p.s) && p.s[p.i] != '\n' {
				p.i++
			}
		default:
			return
		}
	}
}

func word(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func (p *gbnf) word() string {
	from := p.i
	for p.i < len(p.s) && word(p.s[p.i]) {
		p.i++
	}
	return p.s[from:p.i]
}

func (p *gbnf) next() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *gbnf) file() error {
	for p.space(true); p.i < len(p.s); p.space(true) {
		w := p.word()
		if w == "" {
			return fmt.Errorf("a rule's name is expected, not %q", p.s[p.i])
		}
		r, err := p.name(w)
		if err != nil {
			return err
		}
		p.space(true)
		if !strings.HasPrefix(p.s[p.i:], "::=") {
			return fmt.Errorf("::= is expected after %s", w)
		}
		p.i += 3
		p.space(true)
		e, err := p.choice(false)
		if err != nil {
			return err
		}
		if p.rules[r] != nil {
			return fmt.Errorf("the rule %s is defined twice", w)
		}
		p.rules[r] = e
		if c := p.next(); c != 0 && c != '\n' && c != '\r' {
			return fmt.Errorf("%q is not expected here", c)
		}
	}
	return nil
}

// choice reads alternatives, over several lines inside a group.
func (p *gbnf) choice(group bool) (*part, error) {
	if p.depth++; p.depth > maxGroups {
		return nil, fmt.Errorf("groups are nested deeper than %d", maxGroups)
	}
	defer func() { p.depth-- }()
	all := &part{op: '|'}
	for {
		s, err := p.sequence(group)
		if err != nil {
			return nil, err
		}
		all.subs = append(all.subs, s)
		before := p.i
		p.space(true)
		if p.next() != '|' {
			if !group {
				p.i = before
			}
			return all, nil
		}
		p.i++
		p.space(true)
	}
}

func (p *gbnf) sequence(group bool) (*part, error) {
	s := &part{op: 's'}
	for {
		p.space(group)
		var e *part
		var err error
		switch c := p.next(); {
		case c == '"':
			e, err = p.literal()
		case c == '[':
			e, err = p.class()
		case c == '.':
			p.i++
			e = &part{op: 'c', ranges: []rune{0, utf8.MaxRune}}
		case c == '(':
			p.i++
			if e, err = p.choice(true); err == nil {
				if p.next() != ')' {
					return nil, fmt.Errorf(") is expected")
				}
				p.i++
			}
		case word(c):
			w := p.word()
			e = &part{op: 'r'}
			e.rule, err = p.name(w)
		default:
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if e, err = p.times(e, group); err != nil {
			return nil, err
		}
		s.subs = append(s.subs, e)
	}
}

// times reads the repetitions behind a part.
func (p *gbnf) times(e *part, group bool) (*part, error) {
	for n := 0; ; n++ {
		p.space(group)
		lo, hi := 0, -1
		switch p.next() {
		case '*':
		case '+':
			lo = 1
		case '?':
			hi = 1
		case '{':
			end := strings.IndexByte(p.s[p.i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("} is expected")
			}
			a, b, two := strings.Cut(p.s[p.i+1:p.i+end], ",")
			a, b = strings.TrimSpace(a), strings.TrimSpace(b)
			var err error
			if a != "" || !two {
				if lo, err = strconv.Atoi(a); err != nil || lo < 0 || lo > maxRepeat {
					return nil, fmt.Errorf("%q is not a number from 0 to %d", a, maxRepeat)
				}
			}
			if !two {
				hi = lo
			} else if b != "" {
				if hi, err = strconv.Atoi(b); err != nil || hi < lo || hi > maxRepeat {
					return nil, fmt.Errorf("%q is not a number from %d to %d", b, lo, maxRepeat)
				}
			}
			p.i += end
		default:
			return e, nil
		}
		if n >= 8 {
			return nil, fmt.Errorf("too many repetitions of one part")
		}
		p.i++
		e = &part{op: '*', subs: []*part{e}, min: lo, max: hi}
	}
}

// character reads one character or escape of a literal or class.
func (p *gbnf) character() (rune, error) {
	r, n := utf8.DecodeRuneInString(p.s[p.i:])
	p.i += n
	if r != '\\' {
		if r == '\n' || r == '\r' {
			return 0, fmt.Errorf("the line ends inside a literal or class")
		}
		return r, nil
	}
	c := p.next()
	p.i++
	switch c {
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case '\\', '"', '[', ']', '-', '^', '/', '\'':
		return rune(c), nil
	case 'x', 'u', 'U':
		n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if p.i+n > len(p.s) {
			return 0, fmt.Errorf(`\%c needs %d digits`, c, n)
		}
		v, err := strconv.ParseUint(p.s[p.i:p.i+n], 16, 32)
		if err != nil || !utf8.ValidRune(rune(v)) {
			return 0, fmt.Errorf(`\%c%s is not a character`, c, p.s[p.i:p.i+n])
		}
		p.i += n
		return rune(v), nil
	}
	return 0, fmt.Errorf(`the escape \%c is not known`, c)
}

func (p *gbnf) literal() (*part, error) {
	p.i++
	var b strings.Builder
	for p.i < len(p.s) {
		if p.s[p.i] == '"' {
			p.i++
			return &part{op: 't', text: b.String()}, nil
		}
		r, err := p.character()
		if err != nil {
			return nil, err
		}
		b.WriteRune(r)
	}
	return nil, fmt.Errorf("the literal does not end")
}

func (p *gbnf) class() (*part, error) {
	p.i++
	negative := p.next() == '^'
	if negative {
		p.i++
	}
	e := &part{op: 'c'}
	for p.i < len(p.s) {
		if p.s[p.i] == ']' {
			p.i++
			if negative {
				e.ranges = automaton.Negate(e.ranges)
			}
			return e, nil
		}
		lo, err := p.character()
		if err != nil {
			return nil, err
		}
		hi := lo
		if p.i+1 < len(p.s) && p.s[p.i] == '-' && p.s[p.i+1] != ']' {
			p.i++
			if hi, err = p.character(); err != nil {
				return nil, err
			}
			if hi < lo {
				return nil, fmt.Errorf("the range %c-%c runs backwards", lo, hi)
			}
		}
		e.ranges = append(e.ranges, lo, hi)
	}
	return nil, fmt.Errorf("the class does not end")
}

// gbnfBuilder makes rules; what does not recur becomes one automaton.
type gbnfBuilder struct {
	p       *gbnf
	b       grammar.Builder
	recurs  []bool
	regular map[*part]*automaton.Expr
	limits  automaton.Limits
	spent   int
	states  int
}

func (p *gbnf) build(root int, lead lead) (*grammar.Grammar, error) {
	g := &gbnfBuilder{p: p, recurs: make([]bool, len(p.rules)), regular: map[*part]*automaton.Expr{}}
	g.limits = automaton.Limits{States: 5_000, Nodes: 20_000, Work: 20_000_000, Spent: &g.spent}
	g.findRecursion()
	for range p.rules {
		g.b.Rule()
	}
	for i, r := range p.rules {
		e, err := g.expr(r)
		if err != nil {
			return nil, wrap("", fmt.Errorf("rule %s: %w", p.order[i], err))
		}
		g.b.Define(i, e)
	}
	start := g.b.Rule()
	g.b.Define(start, lead.before(grammar.Call(root)))
	out, err := g.b.Build(start)
	if err == grammar.ErrLeft {
		return nil, refuse("", "a rule begins with itself: write the repetition with * or behind something")
	}
	return out, wrap("", err)
}

// findRecursion marks the rules that reach a loop.
func (g *gbnfBuilder) findRecursion() {
	uses := make([][]int, len(g.p.rules))
	for i, r := range g.p.rules {
		var walk func(*part)
		walk = func(e *part) {
			if e.op == 'r' {
				uses[i] = append(uses[i], e.rule)
			}
			for _, s := range e.subs {
				walk(s)
			}
		}
		walk(r)
	}
	mark := make([]uint8, len(uses)) // 0 fresh, 1 open, 2 done
	var visit func(i int) bool
	visit = func(i int) bool {
		if mark[i] == 1 {
			return true
		}
		if mark[i] == 0 {
			mark[i] = 1
			for _, u := range uses[i] {
				if visit(u) {
					g.recurs[i] = true
				}
			}
			mark[i] = 2
		}
		return g.recurs[i]
	}
	for i := range uses {
		visit(i)
	}
}

// flat gives e as a regular expression, nil when a rule in it recurs.
func (g *gbnfBuilder) flat(e *part) *automaton.Expr {
	if r, ok := g.regular[e]; ok {
		return r
	}
	var out *automaton.Expr
	all := func() []*automaton.Expr {
		var subs []*automaton.Expr
		for _, s := range e.subs {
			f := g.flat(s)
			if f == nil {
				return nil
			}
			subs = append(subs, f)
		}
		if subs == nil {
			subs = []*automaton.Expr{}
		}
		return subs
	}
	switch e.op {
	case 't':
		out = automaton.Raw(e.text)
	case 'c':
		out = &automaton.Expr{Op: automaton.Class, Ranges: e.ranges}
	case 'r':
		if !g.recurs[e.rule] {
			out = g.flat(g.p.rules[e.rule])
		}
	case 's':
		if subs := all(); subs != nil {
			out = automaton.Concat(subs...)
		}
	case '|':
		if subs := all(); subs != nil {
			out = automaton.Either(subs...)
		}
	case '*':
		if f := g.flat(e.subs[0]); f != nil {
			out = automaton.Times(f, e.min, e.max)
		}
	}
	g.regular[e] = out
	return out
}

// leaf gives e as one automaton, nil when that is not possible or too large.
func (g *gbnfBuilder) leaf(f *automaton.Expr) (*grammar.Expr, error) {
	if f == nil || g.states > maxStates || g.spent > g.limits.Work {
		return nil, nil
	}
	d, err := automaton.Compile(f, automaton.UTF8, g.limits)
	switch err {
	case nil:
		g.states += d.States()
		return grammar.Of(d), nil
	case automaton.ErrTooLarge:
		return nil, nil
	case automaton.ErrNothing:
		return grammar.Alt(), nil
	}
	return nil, err
}

func (g *gbnfBuilder) expr(e *part) (*grammar.Expr, error) {
	if l, err := g.leaf(g.flat(e)); l != nil || err != nil {
		return l, err
	}
	var subs []*grammar.Expr
	switch e.op {
	case 'r':
		return grammar.Call(e.rule), nil
	case 't', 'c':
		return nil, automaton.ErrTooLarge
	case 's', '|':
		// Neighbours without recursion are one automaton.
		rest := e.subs
		for len(rest) > 0 {
			n := 0
			for n < len(rest) && g.flat(rest[n]) != nil {
				n++
			}
			if n > 1 {
				var fs []*automaton.Expr
				for _, s := range rest[:n] {
					fs = append(fs, g.flat(s))
				}
				f := automaton.Concat(fs...)
				if e.op == '|' {
					f = automaton.Either(fs...)
				}
				l, err := g.leaf(f)
				if err != nil {
					return nil, err
				}
				if l != nil {
					subs, rest = append(subs, l), rest[n:]
					continue
				}
			}
			l, err := g.expr(rest[0])
			if err != nil {
				return nil, err
			}
			subs, rest = append(subs, l), rest[1:]
		}
		if e.op == 's' {
			return grammar.Seq(subs...), nil
		}
		return grammar.Alt(subs...), nil
	}
	l, err := g.expr(e.subs[0])
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]int{0, 1}, e.max) { // copies are calls
		r := g.b.Rule()
		g.b.Define(r, l)
		l = grammar.Call(r)
	}
	return grammar.Repeat(l, e.min, e.max), nil
}
