package mask

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"qwill/engine/schema/grammar"
)

// ErrVocabulary is the error of a grammar that asks for a byte which no token
// of the model can write.
var ErrVocabulary = errors.New("the model's tokens cannot write any text of this form")

// Bounds of what a program keeps and follows.
const (
	maxStates  = 20_000 // kept at once
	maxMasks   = 128    // whole masks kept, 19 kB each for Qwen3
	maxLeaves  = 256    // masks of leaves kept
	maxConfigs = 512    // readings of one text followed side by side
	maxDepth   = 256    // of the stack, beyond which only the shortest ending is open
)

// Program is a grammar made ready for a vocabulary. It is safe for concurrent
// use and meant to be shared: it keeps the masks it has found.
type Program struct {
	g    *grammar.Grammar
	v    *Vocabulary
	cost []int32 // node -> tokens that always suffice to its rule's end
	// edges of the nodes, the cheapest first: what is followed first is never cut.
	edges [][]grammar.Edge

	mu     sync.Mutex
	toll   []map[uint64]int32 // leaf -> state -> tokens that suffice to its end
	leaves map[leafState]*leafMask
	frames map[frameKey]*frame
	states map[string]*State
	masks  int
	serial int64
	start  *State
}

// frame of a stack: where to go on when what is above it has ended.
type frame struct {
	node   int32
	parent *frame // nil: the root's end
	id     int64
	depth  int32
	cost   int32 // tokens that suffice from here to the end of everything
}

type frameKey struct {
	node   int32
	parent *frame
}

// config is one reading of the text so far: a place inside a leaf, and the stack.
type config struct {
	leaf  int32
	state uint64
	up    *frame
	cost  int32
}

// State is all readings of a text.
type State struct {
	configs []config
	accept  bool // the text may end here
	cost    int32
	next    map[byte]*State // nil values: the byte cannot follow
	mask    Bits            // without a limit, nil: not asked for yet
	far     int32           // what the rest may cost at most after a token of it
}

// Bind makes a program.
func Bind(g *grammar.Grammar, v *Vocabulary) (*Program, error) {
	p := &Program{g: g, v: v, leaves: map[leafState]*leafMask{}, frames: map[frameKey]*frame{}, states: map[string]*State{},
		toll: make([]map[uint64]int32, len(g.Leaves))}
	for i := range p.toll {
		p.toll[i] = map[uint64]int32{}
	}
	p.cost = g.Costs(func(i int32) int32 { return p.leafCost(i, g.Leaves[i].Start()) })
	root := g.Rules[g.Root]
	if p.cost[root] >= grammar.Infinite {
		return nil, ErrVocabulary
	}
	p.edges = make([][]grammar.Edge, len(g.Nodes))
	for i, n := range g.Nodes {
		p.edges[i] = slices.SortedStableFunc(slices.Values(n.Edges), func(a, b grammar.Edge) int {
			return cmp.Compare(g.EdgeCost(a, p.cost, p.startCost), g.EdgeCost(b, p.cost, p.startCost))
		})
	}
	c := closure{p: p}
	c.node(root, nil)
	p.start = p.intern(c)
	return p, nil
}

// Start is the state before the first byte.
func (p *Program) Start() *State { return p.start }

// leafCost is a number of tokens with which leaf i can be ended from a state:
// the least for one shortest text. From any state that has not ended some token
// leads to one that costs less.
func (p *Program) leafCost(i int32, s uint64) int32 {
	l := p.g.Leaves[i]
	if l.Accepts(s) {
		return 0
	}
	known := p.toll[i]
	if c, ok := known[s]; ok {
		return c
	}
	// The shortest text from here to the end, or to a state that is known and far
	// enough ahead for all tokens.
	var text []byte
	path := []uint64{s}
	for at, seen := s, 0; !l.Accepts(at); {
		b := l.Via(at)
		at, _ = l.Next(at, b)
		text, path = append(text, b), append(path, at)
		if _, ok := known[at]; ok {
			if seen++; seen > p.v.longest {
				break
			}
		} else {
			seen = 0
		}
	}
	for j := len(text) - 1; j >= 0; j-- {
		if _, ok := known[path[j]]; ok {
			continue
		}
		best := int32(grammar.Infinite)
		for n, k := int32(0), j; k < len(text); k++ {
			if n = p.v.child(n, text[k]); n < 0 {
				break
			}
			if p.v.nodes[n].token < 0 {
				continue
			}
			rest := known[path[k+1]]
			if l.Accepts(path[k+1]) {
				rest = 0
			}
			best = min(best, 1+rest)
		}
		if p.tag(i, path[j]) >= 0 {
			best = 1
		}
		known[path[j]] = best
	}
	return known[s]
}

func (p *Program) frame(n int32, up *frame) *frame {
	k := frameKey{n, up}
	f := p.frames[k]
	if f == nil {
		p.serial++
		f = &frame{node: n, parent: up, id: p.serial, depth: 1, cost: p.cost[n]}
		if up != nil {
			f.depth, f.cost = up.depth+1, min(f.cost+up.cost, grammar.Infinite)
		}
		p.frames[k] = f
	}
	return f
}

func (f *frame) costs() int32 {
	if f == nil {
		return 0
	}
	return f.cost
}

func (f *frame) level() int32 {
	if f == nil {
		return 0
	}
	return f.depth
}

// closure collects the readings that follow from some places without a byte.
type closure struct {
	p       *Program
	configs []config
	accept  bool
	seen    map[frameKey]bool
}

// add takes a place inside a leaf; where the leaf may end, what follows too.
func (c *closure) add(leaf int32, state uint64, up *frame) {
	if c.p.g.Leaves[leaf].Accepts(state) {
		c.pop(up)
	}
	if c.p.g.Leaves[leaf].Ends(state) {
		return
	}
	cost := min(c.p.leafCost(leaf, state)+up.costs(), grammar.Infinite)
	if cost < grammar.Infinite {
		c.configs = append(c.configs, config{leaf, state, up, cost})
	}
}

func (c *closure) pop(up *frame) {
	if up == nil {
		c.accept = true
		return
	}
	c.node(up.node, up.parent)
}

// node goes on from a node with the stack up below it.
func (c *closure) node(n int32, up *frame) {
	k := frameKey{n, up}
	if c.seen[k] {
		return
	}
	if c.seen == nil {
		c.seen = map[frameKey]bool{}
	}
	c.seen[k] = true
	g := c.p.g
	if g.Nodes[n].Final {
		c.pop(up)
	}
	for _, e := range c.p.edges[n] {
		cost := g.EdgeCost(e, c.p.cost, c.p.startCost)
		if cost >= grammar.Infinite || len(c.seen) > 8*maxConfigs {
			return
		}
		if cost > c.p.cost[n] && up.level() >= maxDepth {
			return // deep enough: only the shortest way is left
		}
		if e.Leaf < 0 && e.Rule < 0 {
			c.node(e.To, up)
			continue
		}
		next := up
		if t := &g.Nodes[e.To]; !(t.Final && len(t.Edges) == 0) {
			next = c.p.frame(e.To, up)
		}
		if e.Rule >= 0 {
			c.node(g.Rules[e.Rule], next)
			continue
		}
		c.add(e.Leaf, g.Leaves[e.Leaf].Start(), next)
	}
}

func (p *Program) startCost(leaf int32) int32 { return p.leafCost(leaf, p.g.Leaves[leaf].Start()) }

// intern gives the one state of a set of readings, nil for none.
func (p *Program) intern(c closure) *State {
	if len(c.configs) == 0 && !c.accept {
		return nil
	}
	slices.SortFunc(c.configs, func(a, b config) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.leaf, b.leaf), cmp.Compare(a.state, b.state), cmp.Compare(a.up.ident(), b.up.ident()))
	})
	c.configs = slices.CompactFunc(c.configs, func(a, b config) bool { return a.leaf == b.leaf && a.state == b.state && a.up == b.up })
	if len(c.configs) > maxConfigs {
		c.configs = c.configs[:maxConfigs] // those that end soonest: what is written stays right
	}
	key := make([]byte, 0, 24*len(c.configs)+1)
	if c.accept {
		key = append(key, 1)
	}
	for _, f := range c.configs {
		key = binary.LittleEndian.AppendUint32(key, uint32(f.leaf))
		key = binary.LittleEndian.AppendUint64(key, f.state)
		key = binary.LittleEndian.AppendUint64(key, uint64(f.up.ident()))
	}
	if s := p.states[string(key)]; s != nil {
		return s
	}
	s := &State{configs: c.configs, accept: c.accept, cost: grammar.Infinite}
	if c.accept {
		s.cost = 0
	} else if len(c.configs) > 0 {
		s.cost = c.configs[0].cost
	}
	if s.cost >= grammar.Infinite {
		return nil
	}
	p.states[string(key)] = s
	return s
}

func (f *frame) ident() int64 {
	if f == nil {
		return 0
	}
	return f.id
}

// step is the state after byte b, nil where b cannot follow.
func (p *Program) step(s *State, b byte) *State {
	if next, ok := s.next[b]; ok {
		return next
	}
	c := closure{p: p}
	for _, f := range s.configs {
		if to, ok := p.g.Leaves[f.leaf].Next(f.state, b); ok {
			c.add(f.leaf, to, f.up)
		}
	}
	next := p.intern(c)
	if s.next == nil {
		s.next = map[byte]*State{}
	}
	s.next[b] = next
	return next
}

// trim forgets what was found when it has become much. States in use stay good.
func (p *Program) trim() {
	if len(p.states) > maxStates || len(p.frames) > 4*maxStates || p.masks > maxMasks {
		for _, s := range p.states {
			s.next, s.mask = nil, nil
		}
		clear(p.states)
		clear(p.frames)
		p.masks = 0
	}
	if len(p.leaves) > maxLeaves {
		clear(p.leaves)
	}
	for _, m := range p.toll {
		if len(m) > 1<<16 {
			clear(m)
		}
	}
}

func (p *Program) leafMask(leaf int32, state uint64) *leafMask {
	at := leafState{p.g.Leaves[leaf], state}
	if m := p.v.share(at); m != nil {
		return m
	}
	m := p.leaves[at]
	if m == nil {
		m = p.v.walk(at)
		p.leaves[at] = m
	}
	return m
}

// tag is the control token that leads to the end of leaf i from a state, -1:
// none.
func (p *Program) tag(i int32, state uint64) int {
	t, ok := p.g.Leaves[i].(*grammar.Tag)
	if !ok || t.Accepts(state) || !t.Until && state != t.Start() {
		return -1
	}
	if id, ok := p.v.tags[t.Text]; ok {
		return id
	}
	return -1
}

// fill adds the tokens that may follow s so that left tokens after them suffice
// for the rest. far is what the rest may cost at most after any of them.
func (p *Program) fill(dst Bits, s *State, left int32) (far int32) {
	for _, f := range s.configs {
		m := p.leafMask(f.leaf, f.state)
		room := left - f.up.costs()
		l := p.g.Leaves[f.leaf]
		far = max(far, int32(l.Far())+f.up.costs())
		switch {
		case room < 0:
		case int(room) >= l.Far():
			dst.or(m.in)
		default:
			p.near(dst, f.leaf, f.state, room)
		}
		if id := p.tag(f.leaf, f.state); id >= 0 && room >= 0 {
			dst.set(int32(id))
		}
		if len(m.exits) == 0 {
			continue
		}
		c := closure{p: p}
		c.pop(f.up)
		on := p.intern(c)
		if on == nil || len(on.configs) == 0 {
			continue
		}
		for _, e := range m.exits {
			far = max(far, p.after(dst, e, on, left))
		}
	}
	return far
}

// near adds the tokens that stay in a leaf and leave at most room tokens to its
// end.
func (p *Program) near(dst Bits, leaf int32, state uint64, room int32) {
	l, v := p.g.Leaves[leaf], p.v
	states := make([]uint64, v.longest+1)
	states[0] = state
	for i := int32(1); i < int32(len(v.nodes)); {
		n := &v.nodes[i]
		s, ok := l.Next(states[n.depth-1], n.b)
		if !ok {
			i = n.end
			continue
		}
		states[n.depth] = s
		if n.token >= 0 && p.leafCost(leaf, s) <= room {
			v.put(dst, n.token)
		}
		i++
	}
}

// after adds the tokens below a node of the trie whose rest s takes.
func (p *Program) after(dst Bits, top int32, s *State, left int32) (far int32) {
	nodes := p.v.nodes
	for c := top + 1; c < nodes[top].end; c = nodes[c].end {
		next := p.step(s, nodes[c].b)
		if next == nil {
			continue
		}
		if nodes[c].token >= 0 {
			far = max(far, next.cost)
			if next.cost <= left {
				p.v.put(dst, nodes[c].token)
			}
		}
		if nodes[c].end > c+1 {
			far = max(far, p.after(dst, c, next, left))
		}
	}
	return far
}
