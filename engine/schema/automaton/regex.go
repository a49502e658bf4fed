package automaton

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// MaxPattern bounds a pattern in bytes.
const MaxPattern = 16 << 10

// Parse reads a regular expression in Go's syntax (RE2), which covers what JSON
// Schema recommends: literals, classes, groups, alternation, repetition. With
// whole the text must match from end to end, else a part of it is enough, as
// JSON Schema's pattern says; ^ and $ tie it to the ends. Word boundaries, and
// ^ and $ elsewhere, are refused; look-around and back-references are no
// regular expressions.
func Parse(pattern string, whole bool) (*Expr, error) {
	if len(pattern) > MaxPattern {
		return nil, fmt.Errorf("the expression has more than %d bytes", MaxPattern)
	}
	re, err := syntax.Parse(goSyntax(pattern), syntax.Perl)
	if err != nil {
		if se, ok := errors.AsType[*syntax.Error](err); ok {
			return nil, fmt.Errorf("%s: %q", se.Code, se.Expr)
		}
		return nil, err
	}
	var c converter
	if whole {
		return c.edge(re, closed, closed)
	}
	return c.edge(re, open, open)
}

var unicodeEscape = regexp.MustCompile(`(\\\\)|\\u([0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,6})\}`)

// goSyntax writes ECMAScript's \uXXXX as Go's \x{XXXX}.
func goSyntax(p string) string {
	return unicodeEscape.ReplaceAllStringFunc(p, func(m string) string {
		if m == `\\` {
			return m
		}
		return `\x{` + strings.Trim(m[2:], "{}") + `}`
	})
}

// border says what stands on one side of a part of an expression.
type border uint8

const (
	inner  border = iota // another part
	open                 // the text goes on there with anything
	closed               // the text ends there
)

// edge converts a part whose sides may be the expression's own, where ^ and $
// have their place.
func (c *converter) edge(re *syntax.Regexp, left, right border) (*Expr, error) {
	if c.depth++; c.depth > 500 {
		return nil, ErrTooLarge
	}
	defer func() { c.depth-- }()
	switch re.Op {
	case syntax.OpCapture:
		return c.edge(re.Sub[0], left, right)
	case syntax.OpAlternate:
		all := &Expr{Op: Alt}
		for _, s := range re.Sub {
			e, err := c.edge(s, left, right)
			if err != nil {
				return nil, err
			}
			all.Subs = append(all.Subs, e)
		}
		return all, nil
	}
	sub := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		sub = re.Sub
	}
	for len(sub) > 0 && sub[0].Op == syntax.OpBeginText && left != inner {
		sub, left = sub[1:], closed
	}
	for len(sub) > 0 && sub[len(sub)-1].Op == syntax.OpEndText && right != inner {
		sub, right = sub[:len(sub)-1], closed
	}
	all := &Expr{Op: Cat}
	if len(sub) == 0 {
		if left == open || right == open {
			return anything(), nil
		}
		return all, nil
	}
	for i, s := range sub {
		l, r := inner, inner
		if i == 0 {
			l = left
		}
		if i == len(sub)-1 {
			r = right
		}
		if (s.Op == syntax.OpCapture || s.Op == syntax.OpAlternate) && (l != inner || r != inner) {
			e, err := c.edge(s, l, r)
			if err != nil {
				return nil, err
			}
			all.Subs = append(all.Subs, e)
			continue
		}
		e, err := c.expr(s)
		if err != nil {
			return nil, err
		}
		if l == open {
			all.Subs = append(all.Subs, anything())
		}
		all.Subs = append(all.Subs, e)
		if r == open {
			all.Subs = append(all.Subs, anything())
		}
	}
	return all, nil
}

func anything() *Expr { return Times(Any(), 0, -1) }

type converter struct{ depth int }

func (c *converter) expr(re *syntax.Regexp) (*Expr, error) {
	if c.depth++; c.depth > 500 {
		return nil, ErrTooLarge
	}
	defer func() { c.depth-- }()
	subs := func() ([]*Expr, error) {
		var out []*Expr
		for _, s := range re.Sub {
			e, err := c.expr(s)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		return out, nil
	}
	times := func(lo, hi int) (*Expr, error) {
		s, err := c.expr(re.Sub[0])
		if err != nil {
			return nil, err
		}
		return Times(s, lo, hi), nil
	}
	switch re.Op {
	case syntax.OpNoMatch:
		return Either(), nil
	case syntax.OpEmptyMatch:
		return &Expr{Op: Empty}, nil
	case syntax.OpLiteral:
		e := &Expr{Op: Cat}
		for _, r := range re.Rune {
			rs := []rune{r, r}
			if re.Flags&syntax.FoldCase != 0 {
				rs = fold(r)
			}
			e.Subs = append(e.Subs, &Expr{Op: Class, Ranges: rs})
		}
		return e, nil
	case syntax.OpCharClass:
		return &Expr{Op: Class, Ranges: re.Rune}, nil
	case syntax.OpAnyCharNotNL:
		return &Expr{Op: Class, Ranges: []rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune}}, nil
	case syntax.OpAnyChar:
		return Any(), nil
	case syntax.OpCapture:
		return c.expr(re.Sub[0])
	case syntax.OpStar:
		return times(0, -1)
	case syntax.OpPlus:
		return times(1, -1)
	case syntax.OpQuest:
		return times(0, 1)
	case syntax.OpRepeat:
		return times(re.Min, re.Max)
	case syntax.OpConcat:
		all, err := subs()
		return Concat(all...), err
	case syntax.OpAlternate:
		all, err := subs()
		return Either(all...), err
	case syntax.OpBeginText, syntax.OpBeginLine:
		return nil, errors.New("^ is supported only at the start")
	case syntax.OpEndText, syntax.OpEndLine:
		return nil, errors.New("$ is supported only at the end")
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return nil, errors.New(`\b and \B are not supported`)
	}
	return nil, fmt.Errorf("%v is not supported", re)
}
