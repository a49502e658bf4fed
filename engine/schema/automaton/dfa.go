package automaton

import (
	"encoding/binary"
	"slices"
)

// DFA is a deterministic automaton over bytes. State 0 is its start; from every
// state an accepting one can be reached. It is immutable.
type DFA struct {
	class   [256]uint8 // byte -> class of bytes that no state tells apart
	classes int
	sample  []byte  // class -> its plainest byte
	next    []int32 // state*classes+class -> state, -1: none
	accept  []bool
	dist    []int32 // state -> bytes to the nearest accepting one
	far     int
}

// Compile gives the automaton of e in an encoding.
func Compile(e *Expr, enc Encoding, l Limits) (d *DFA, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(tooLarge); !ok {
				panic(r)
			}
			d, err = nil, ErrTooLarge
		}
	}()
	b := &builder{enc: enc, limit: l.Nodes}
	end := b.split()
	start := b.expr(e, end, 0)
	return determinize(b.nodes, start, end, l)
}

// classesOf finds the bytes that no node tells apart.
func classesOf(nodes []nfaNode) (class [256]uint8, n int) {
	var cut [257]bool
	for _, v := range nodes {
		if v.to >= 0 {
			cut[v.lo] = true
			cut[int(v.hi)+1] = true
		}
	}
	for i := 1; i < 256; i++ {
		if cut[i] {
			n++
		}
		class[i] = uint8(n)
	}
	return class, n + 1
}

func determinize(nodes []nfaNode, start, end int32, l Limits) (*DFA, error) {
	d := &DFA{}
	d.class, d.classes = classesOf(nodes)
	d.samples()
	mark := make([]int, len(nodes)) // generation in which a node was seen
	generation, work := 0, 0
	var stack []int32
	closure := func(seed []int32) []int32 {
		generation++
		var set []int32
		stack = append(stack[:0], seed...)
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			work++
			if mark[n] == generation {
				continue
			}
			mark[n] = generation
			if nodes[n].to >= 0 || n == end {
				set = append(set, n)
			}
			stack = append(stack, nodes[n].eps...)
		}
		slices.Sort(set)
		return set
	}
	ids := map[string]int32{}
	var sets [][]int32
	var key []byte
	intern := func(set []int32) int32 {
		if len(set) == 0 {
			return -1
		}
		key = key[:0]
		for _, n := range set {
			key = binary.LittleEndian.AppendUint32(key, uint32(n))
		}
		if id, ok := ids[string(key)]; ok {
			return id
		}
		id := int32(len(sets))
		ids[string(key)] = id
		sets = append(sets, set)
		d.accept = append(d.accept, slices.Contains(set, end))
		return id
	}
	intern(closure([]int32{start}))
	moves := make([][]int32, d.classes)
	for s := 0; s < len(sets); s++ {
		if len(sets) > l.States {
			return nil, ErrTooLarge
		}
		if err := l.spend(work); err != nil {
			return nil, err
		}
		if l.Spent != nil {
			work = 0
		}
		for c := range moves {
			moves[c] = moves[c][:0]
		}
		for _, n := range sets[s] {
			if v := nodes[n]; v.to >= 0 {
				for c := int(d.class[v.lo]); c <= int(d.class[v.hi]); c++ {
					moves[c] = append(moves[c], v.to)
					work++
				}
			}
		}
		for c := range moves {
			if len(moves[c]) == 0 {
				d.next = append(d.next, -1)
			} else {
				d.next = append(d.next, intern(closure(moves[c])))
			}
		}
	}
	return d.finish()
}

// plain lists the bytes that are best where any would do.
const plain = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ "

func (d *DFA) samples() {
	d.sample = make([]byte, d.classes)
	for i := 255; i >= 0; i-- {
		d.sample[d.class[i]] = byte(i)
	}
	for i := len(plain) - 1; i >= 0; i-- {
		d.sample[d.class[plain[i]]] = plain[i]
	}
}

// finish measures distances and cuts what leads nowhere.
func (d *DFA) finish() (*DFA, error) {
	n := len(d.accept)
	back := make([][]int32, n)
	for s := range n {
		for c := range d.classes {
			if t := d.next[s*d.classes+c]; t >= 0 {
				back[t] = append(back[t], int32(s))
			}
		}
	}
	d.dist = make([]int32, n)
	var queue []int32
	for s := range n {
		d.dist[s] = -1
		if d.accept[s] {
			d.dist[s] = 0
			queue = append(queue, int32(s))
		}
	}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		for _, s := range back[t] {
			if d.dist[s] < 0 {
				d.dist[s] = d.dist[t] + 1
				queue = append(queue, s)
			}
		}
	}
	if n == 0 || d.dist[0] < 0 {
		return nil, ErrNothing
	}
	for i, t := range d.next {
		if t >= 0 && d.dist[t] < 0 {
			d.next[i] = -1
		}
	}
	for _, v := range d.dist {
		d.far = max(d.far, int(v))
	}
	return d, nil
}

// Start is the state before the first byte.
func (d *DFA) Start() uint64 { return 0 }

// Next is the state after byte b, false where b cannot follow.
func (d *DFA) Next(s uint64, b byte) (uint64, bool) {
	t := d.next[int(s)*d.classes+int(d.class[b])]
	return uint64(t), t >= 0
}

// Accepts says whether the text may end here.
func (d *DFA) Accepts(s uint64) bool { return d.accept[s] }

// Ends says whether no byte can follow.
func (d *DFA) Ends(s uint64) bool {
	for c := range d.classes {
		if d.next[int(s)*d.classes+c] >= 0 {
			return false
		}
	}
	return true
}

// Far bounds the bytes from any state to the nearest accepting one.
func (d *DFA) Far() int { return d.far }

// Via is the first byte on a shortest way to an accepting state, from a state
// that is not one itself.
func (d *DFA) Via(s uint64) byte {
	best, bestRank := -1, 0
	for c := range d.classes {
		if t := d.next[int(s)*d.classes+c]; t >= 0 && d.dist[t] == d.dist[s]-1 {
			if r := rank[d.sample[c]]; best < 0 || r < bestRank {
				best, bestRank = c, r
			}
		}
	}
	return d.sample[best]
}

var rank = func() (r [256]int) {
	for i := range r {
		r[i] = 1000 + i
	}
	for i := range len(plain) {
		r[plain[i]] = i
	}
	return r
}()

// States is the number of states.
func (d *DFA) States() int { return len(d.accept) }

// Match says whether text is matched as a whole.
func (d *DFA) Match(text string) bool {
	s, ok := uint64(0), true
	for i := 0; i < len(text); i++ {
		if s, ok = d.Next(s, text[i]); !ok {
			return false
		}
	}
	return d.accept[s]
}

// Both matches what a and b match.
func Both(a, b *DFA, l Limits) (*DFA, error) { return product(a, b, false, l) }

// Without matches what a matches and b does not.
func Without(a, b *DFA, l Limits) (*DFA, error) { return product(a, b, true, l) }

func product(a, b *DFA, without bool, l Limits) (*DFA, error) {
	d := &DFA{}
	pairs := map[[2]uint8]uint8{}
	for i := range 256 {
		k := [2]uint8{a.class[i], b.class[i]}
		c, ok := pairs[k]
		if !ok {
			c = uint8(len(pairs))
			pairs[k] = c
		}
		d.class[i] = c
	}
	d.classes = len(pairs)
	d.samples()
	ids := map[[2]int32]int32{}
	var states [][2]int32
	intern := func(k [2]int32) int32 {
		if id, ok := ids[k]; ok {
			return id
		}
		id := int32(len(states))
		ids[k] = id
		states = append(states, k)
		in := k[1] >= 0 && b.accept[k[1]]
		d.accept = append(d.accept, a.accept[k[0]] && in != without)
		return id
	}
	intern([2]int32{0, 0})
	for s := 0; s < len(states); s++ {
		if len(states) > l.States || l.Spent != nil && l.spend(d.classes) != nil {
			return nil, ErrTooLarge
		}
		k := states[s]
		for c := range d.classes {
			by := d.sample[c]
			t := [2]int32{a.next[int(k[0])*a.classes+int(a.class[by])], -1}
			if k[1] >= 0 {
				t[1] = b.next[int(k[1])*b.classes+int(b.class[by])]
			}
			if t[0] < 0 || t[1] < 0 && !without {
				d.next = append(d.next, -1)
				continue
			}
			d.next = append(d.next, intern(t))
		}
	}
	return d.finish()
}
