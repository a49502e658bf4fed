// Package grammar holds context-free grammars whose terminals are automata over
// bytes, ready to be followed by a pushdown automaton.
package grammar

import (
	"errors"
	"fmt"
)

// Leaf is a terminal: an automaton over bytes. From each of its states an
// accepting one can be reached. Leaves are compared by identity, so a pointer
// type is wanted.
type Leaf interface {
	Start() uint64
	// Next is the state after byte b, false where b cannot follow.
	Next(s uint64, b byte) (uint64, bool)
	Accepts(s uint64) bool
	// Ends says whether no byte can follow.
	Ends(s uint64) bool
	// Via is the first byte on a shortest way from s, which does not accept, to a
	// state that does.
	Via(s uint64) byte
	// Far bounds the bytes of such ways.
	Far() int
}

// Limits of a grammar.
const (
	MaxNodes = 200_000
	MaxRules = 20_000
)

// Errors of grammars that cannot be followed.
var (
	ErrTooLarge = errors.New("the grammar is too large")
	ErrNothing  = errors.New("no finite text fits")
	ErrLeft     = errors.New("a rule begins with itself")
)

// Edge leads from one node to another: by a leaf, by a rule, or by nothing.
type Edge struct {
	Leaf int32 // index, -1: none
	Rule int32 // index, -1: none
	To   int32
}

// Node is a place inside a rule.
type Node struct {
	Edges []Edge
	Final bool // the rule may end here
}

// Grammar is immutable.
type Grammar struct {
	Nodes  []Node
	Rules  []int32 // rule -> its first node
	Leaves []Leaf
	Root   int32 // rule
}

// Kind of an expression.
type kind uint8

const (
	kindLeaf kind = iota
	kindRule
	kindSeq
	kindAlt
	kindRepeat
)

// Expr is the right side of a rule.
type Expr struct {
	kind     kind
	leaf     Leaf
	rule     int
	subs     []*Expr
	min, max int
}

// Of is the expression of a leaf.
func Of(l Leaf) *Expr { return &Expr{kind: kindLeaf, leaf: l} }

// Call is the expression of a rule.
func Call(rule int) *Expr { return &Expr{kind: kindRule, rule: rule} }

// Seq is one expression after the other; without any, the empty text.
func Seq(subs ...*Expr) *Expr { return &Expr{kind: kindSeq, subs: subs} }

// Alt is one of several expressions; without any, nothing.
func Alt(subs ...*Expr) *Expr { return &Expr{kind: kindAlt, subs: subs} }

// Repeat is e from lo to hi times; hi -1 is without limit.
func Repeat(e *Expr, lo, hi int) *Expr {
	return &Expr{kind: kindRepeat, subs: []*Expr{e}, min: lo, max: hi}
}

// Builder collects rules.
type Builder struct {
	rules  []*Expr
	g      *Grammar
	leaves map[Leaf]int32
	made   map[made]int32
}

// made is an expression that leads to a node: it is built once, so that parts
// of an expression may be shared.
type made struct {
	e  *Expr
	to int32
}

// Rule reserves a rule, to be defined later.
func (b *Builder) Rule() int {
	b.rules = append(b.rules, nil)
	return len(b.rules) - 1
}

// Rules is the number of rules.
func (b *Builder) Rules() int { return len(b.rules) }

// Define says what a rule is.
func (b *Builder) Define(rule int, e *Expr) { b.rules[rule] = e }

type tooLarge struct{}

// Build makes the grammar that starts with rule root.
func (b *Builder) Build(root int) (g *Grammar, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(tooLarge); !ok {
				panic(r)
			}
			g, err = nil, ErrTooLarge
		}
	}()
	if len(b.rules) > MaxRules {
		return nil, ErrTooLarge
	}
	b.g = &Grammar{Root: int32(root)}
	b.leaves, b.made = map[Leaf]int32{}, map[made]int32{}
	for i, e := range b.rules {
		if e == nil {
			return nil, fmt.Errorf("rule %d is not defined", i)
		}
		end := b.node(Node{Final: true})
		b.g.Rules = append(b.g.Rules, b.expr(e, end))
	}
	if err := b.g.prune(); err != nil {
		return nil, err
	}
	return b.g, b.g.checkLeft()
}

func (b *Builder) node(n Node) int32 {
	if len(b.g.Nodes) >= MaxNodes {
		panic(tooLarge{})
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return int32(len(b.g.Nodes) - 1)
}

// expr gives the node from which e leads to node to.
func (b *Builder) expr(e *Expr, to int32) int32 {
	k := made{e, to}
	n, ok := b.made[k]
	if !ok {
		n = b.build(e, to)
		b.made[k] = n
	}
	return n
}

func (b *Builder) build(e *Expr, to int32) int32 {
	switch e.kind {
	case kindLeaf:
		id, ok := b.leaves[e.leaf]
		if !ok {
			id = int32(len(b.g.Leaves))
			b.leaves[e.leaf] = id
			b.g.Leaves = append(b.g.Leaves, e.leaf)
		}
		return b.node(Node{Edges: []Edge{{id, -1, to}}})
	case kindRule:
		return b.node(Node{Edges: []Edge{{-1, int32(e.rule), to}}})
	case kindSeq:
		for i := len(e.subs) - 1; i >= 0; i-- {
			to = b.expr(e.subs[i], to)
		}
		return to
	case kindAlt:
		n := Node{}
		for _, s := range e.subs {
			n.Edges = append(n.Edges, Edge{-1, -1, b.expr(s, to)})
		}
		return b.node(n)
	}
	sub := e.subs[0]
	if e.max < 0 {
		loop := b.node(Node{})
		body := b.expr(sub, loop)
		b.g.Nodes[loop].Edges = []Edge{{-1, -1, body}, {-1, -1, to}}
		to = loop
	} else {
		end := to
		for i := e.min; i < e.max; i++ {
			body := b.expr(sub, to)
			to = b.node(Node{Edges: []Edge{{-1, -1, body}, {-1, -1, end}}})
		}
	}
	for i := 0; i < e.min; i++ {
		to = b.expr(sub, to)
	}
	return to
}

// Infinite is a cost that cannot be paid.
const Infinite = 1 << 28

// Costs gives, for each node, the least cost from it to its rule's end, where
// leaf i costs leaf(i).
func (g *Grammar) Costs(leaf func(i int32) int32) []int32 {
	cost := make([]int32, len(g.Nodes))
	users := make([][]int32, len(g.Nodes)) // nodes that depend on a node
	var queue []int32
	queued := make([]bool, len(g.Nodes))
	push := func(n int32) {
		if !queued[n] {
			queued[n] = true
			queue = append(queue, n)
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		cost[i] = Infinite
		for _, e := range n.Edges {
			users[e.To] = append(users[e.To], int32(i))
			if e.Rule >= 0 {
				users[g.Rules[e.Rule]] = append(users[g.Rules[e.Rule]], int32(i))
			}
		}
		push(int32(i))
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		queued[i] = false
		best := int32(Infinite)
		if g.Nodes[i].Final {
			best = 0
		}
		for _, e := range g.Nodes[i].Edges {
			best = min(best, g.EdgeCost(e, cost, leaf))
		}
		if best < cost[i] {
			cost[i] = best
			for _, u := range users[i] {
				push(u)
			}
		}
	}
	return cost
}

// EdgeCost is the cost of going by e and on to the rule's end.
func (g *Grammar) EdgeCost(e Edge, cost []int32, leaf func(i int32) int32) int32 {
	c := cost[e.To]
	switch {
	case e.Leaf >= 0:
		c += leaf(e.Leaf)
	case e.Rule >= 0:
		c += cost[g.Rules[e.Rule]]
	}
	return min(c, Infinite)
}

// prune takes out edges that lead to no end.
func (g *Grammar) prune() error {
	one := func(int32) int32 { return 1 }
	cost := g.Costs(one)
	if cost[g.Rules[g.Root]] >= Infinite {
		return ErrNothing
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		kept := n.Edges[:0:0]
		for _, e := range n.Edges {
			if g.EdgeCost(e, cost, one) < Infinite {
				kept = append(kept, e)
			}
		}
		n.Edges = kept
	}
	return nil
}

// checkLeft refuses rules that begin with themselves: following them would
// never end.
func (g *Grammar) checkLeft() error {
	// What costs nothing may be empty.
	empty := g.Costs(func(i int32) int32 {
		if l := g.Leaves[i]; l.Accepts(l.Start()) {
			return 0
		}
		return 1
	})
	const (
		fresh = iota
		open
		done
	)
	mark := make([]uint8, len(g.Nodes))
	// The walk is over nodes: by nothing, into rules, and past what may be empty.
	// A loop in it that enters a rule is left recursion; one that does not is a
	// repetition of something that may be empty, which is harmless.
	type frame struct {
		node    int32
		edge    int
		part    int
		entered bool // by a rule
	}
	for root := range g.Nodes {
		if mark[root] != fresh {
			continue
		}
		stack := []frame{{node: int32(root)}}
		mark[root] = open
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			n := &g.Nodes[f.node]
			if f.edge == len(n.Edges) {
				mark[f.node] = done
				stack = stack[:len(stack)-1]
				continue
			}
			e := n.Edges[f.edge]
			target, entered := int32(-1), false
			if f.part == 0 && e.Rule >= 0 {
				target, entered = g.Rules[e.Rule], true
				f.part = 1
			} else {
				if e.Leaf < 0 && e.Rule < 0 || e.Rule >= 0 && empty[g.Rules[e.Rule]] == 0 ||
					e.Leaf >= 0 && g.Leaves[e.Leaf].Accepts(g.Leaves[e.Leaf].Start()) {
					target = e.To
				}
				f.part, f.edge = 0, f.edge+1
			}
			if target < 0 {
				continue
			}
			switch mark[target] {
			case fresh:
				mark[target] = open
				stack = append(stack, frame{node: target, entered: entered})
			case open:
				if entered {
					return ErrLeft
				}
				for i := len(stack) - 1; stack[i].node != target; i-- {
					if stack[i].entered {
						return ErrLeft
					}
				}
			}
		}
	}
	return nil
}
