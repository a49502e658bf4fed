// Package mask follows a grammar along the tokens of a model: which tokens may
// come next, so that the text can still become one of the grammar's within the
// tokens that are left.
package mask

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"qwill/engine/schema/grammar"
)

// node of the trie of all tokens, in the order of a walk from the top. The nodes
// below node i are those up to end.
type node struct {
	end   int32
	token int32 // that ends here, -1: none
	depth uint16
	b     byte
}

// Vocabulary is what masks need of a tokenizer. It is safe for concurrent use.
type Vocabulary struct {
	rows    int
	eos     []int32
	tags    map[string]int // control texts that a grammar may ask for -> their tokens
	text    [][]byte       // token -> its bytes; nil: never part of a text
	nodes   []node         // nodes[0] is the top
	alike   map[int32][]int32
	longest int

	mu     sync.Mutex
	shared map[leafState]*leafMask // of leaves that all grammars use
	table  *textTable
	within []Bits // tokens of at most so many characters, made on demand
}

// Bits is a set of tokens.
type Bits []uint64

// Has says whether token id is in the set.
func (b Bits) Has(id int) bool { return b[id>>6]>>(id&63)&1 != 0 }

func (b Bits) set(id int32) { b[id>>6] |= 1 << (id & 63) }

func (b Bits) or(c Bits) {
	for i, w := range c {
		b[i] |= w
	}
}

// Count is the number of tokens in the set.
func (b Bits) Count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// NewVocabulary takes a model's tokens: rows of its logits, the bytes of each
// token, nil for those that are never part of a text (control tokens), the
// tokens that end a reply, and those of the tags that a grammar may ask for.
func NewVocabulary(rows int, text func(id int) []byte, eos []int, tags map[string]int) (*Vocabulary, error) {
	v := &Vocabulary{rows: rows, text: make([][]byte, rows), tags: tags, alike: map[int32][]int32{},
		shared: map[leafState]*leafMask{}}
	for _, id := range eos {
		if id >= 0 && id < rows {
			v.eos = append(v.eos, int32(id))
		}
	}
	if len(v.eos) == 0 {
		return nil, fmt.Errorf("the model has no token that ends a reply")
	}
	type entry struct {
		text string
		id   int32
	}
	var all []entry
	for id := range rows {
		if b := text(id); len(b) > 0 && !slices.Contains(v.eos, int32(id)) {
			v.text[id] = b
			all = append(all, entry{string(b), int32(id)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		if c := strings.Compare(a.text, b.text); c != 0 {
			return c
		}
		return int(a.id) - int(b.id)
	})
	v.nodes = append(v.nodes, node{token: -1})
	var path []int32 // nodes of the last token's bytes
	last := ""
	for _, e := range all {
		if len(e.text) > 1<<12 {
			v.text[e.id] = nil
			continue
		}
		v.longest = max(v.longest, len(e.text))
		same := 0
		for same < len(last) && same < len(e.text) && last[same] == e.text[same] {
			same++
		}
		for _, n := range path[same:] {
			v.nodes[n].end = int32(len(v.nodes))
		}
		path = path[:same]
		for i := same; i < len(e.text); i++ {
			path = append(path, int32(len(v.nodes)))
			v.nodes = append(v.nodes, node{token: -1, depth: uint16(i + 1), b: e.text[i]})
		}
		n := path[len(path)-1]
		if t := v.nodes[n].token; t >= 0 {
			v.alike[t] = append(v.alike[t], e.id)
		} else {
			v.nodes[n].token = e.id
		}
		last = e.text
	}
	for _, n := range path {
		v.nodes[n].end = int32(len(v.nodes))
	}
	v.nodes[0].end = int32(len(v.nodes))
	return v, nil
}

// Rows is the size of a mask.
func (v *Vocabulary) Rows() int { return v.rows }

// Words is the length of its Bits.
func (v *Vocabulary) words() int { return (v.rows + 63) / 64 }

// put adds the token that ends at a node, and those of the same bytes.
func (v *Vocabulary) put(dst Bits, token int32) {
	dst.set(token)
	if len(v.alike) > 0 {
		for _, t := range v.alike[token] {
			dst.set(t)
		}
	}
}

// child is the node below n by byte b, -1: none.
func (v *Vocabulary) child(n int32, b byte) int32 {
	for c := n + 1; c < v.nodes[n].end; c = v.nodes[c].end {
		switch {
		case v.nodes[c].b == b:
			return c
		case v.nodes[c].b > b:
			return -1
		}
	}
	return -1
}

// leafState is a place inside a leaf.
type leafState struct {
	leaf  grammar.Leaf
	state uint64
}

// leafMask says what tokens can do from a place inside a leaf.
type leafMask struct {
	in    Bits    // those that stay in it or end exactly with it
	exits []int32 // nodes where the leaf may end and tokens go on
}

// walk finds the mask of a place.
func (v *Vocabulary) walk(at leafState) *leafMask {
	m := &leafMask{in: make(Bits, v.words())}
	states := make([]uint64, v.longest+1)
	states[0] = at.state
	for i := int32(1); i < int32(len(v.nodes)); {
		n := &v.nodes[i]
		s, ok := at.leaf.Next(states[n.depth-1], n.b)
		if !ok {
			i = n.end
			continue
		}
		states[n.depth] = s
		if n.token >= 0 {
			v.put(m.in, n.token)
		}
		if n.end > i+1 && at.leaf.Accepts(s) {
			m.exits = append(m.exits, i)
		}
		i++
	}
	return m
}

// textTable sorts the tokens by what they do between two characters of a JSON
// string: whatever its lengths, this is all there is to know.
type textTable struct {
	inside []counted // tokens without a closing quote, by characters begun
	closes []counted // nodes of closing quotes, by characters before them
}

type counted struct {
	characters int32
	token      int32 // -1: none
	node       int32
}

func (v *Vocabulary) texts() *textTable {
	if v.table != nil {
		return v.table
	}
	// A text with a maximum counts its characters.
	t := &grammar.Text{Max: grammar.MaxText}
	states := make([]uint64, v.longest+1)
	first, _ := t.Next(t.Start(), '"')
	states[0] = first
	v.table = &textTable{}
	for i := int32(1); i < int32(len(v.nodes)); {
		n := &v.nodes[i]
		before := states[n.depth-1]
		s, ok := t.Next(before, n.b)
		switch {
		case !ok:
			i = n.end
		case t.Accepts(s):
			v.table.closes = append(v.table.closes, counted{int32(before >> 5), n.token, i})
			i = n.end
		default:
			states[n.depth] = s
			if n.token >= 0 {
				v.table.inside = append(v.table.inside, counted{int32(s >> 5), n.token, i})
			}
			i++
		}
	}
	by := func(a, b counted) int { return int(a.characters) - int(b.characters) }
	slices.SortStableFunc(v.table.inside, by)
	slices.SortStableFunc(v.table.closes, by)
	return v.table
}

// boundary is the mask between two characters of a JSON string when at least
// must and at most may characters follow.
func (v *Vocabulary) boundary(must, may int) *leafMask {
	t := v.texts()
	if v.within == nil {
		v.within = make([]Bits, v.longest+1)
	}
	if v.within[may] == nil {
		b := make(Bits, v.words())
		for _, c := range t.inside {
			if int(c.characters) > may {
				break
			}
			v.put(b, c.token)
		}
		v.within[may] = b
	}
	m := &leafMask{in: slices.Clone(v.within[may])}
	for _, c := range t.closes {
		if n := int(c.characters); n > may {
			break
		} else if n < must {
			continue
		}
		if c.token >= 0 {
			v.put(m.in, c.token)
		}
		if v.nodes[c.node].end > c.node+1 {
			m.exits = append(m.exits, c.node)
		}
	}
	return m
}

// share gives masks that do not depend on the grammar, nil for others.
func (v *Vocabulary) share(at leafState) *leafMask {
	t, ok := at.leaf.(*grammar.Text)
	if !ok {
		return nil
	}
	must, may, ok := t.AtBoundary(at.state)
	if !ok {
		return nil
	}
	if may < 0 {
		may = v.longest
	}
	must, may = min(must, v.longest), min(may, v.longest)
	v.mu.Lock()
	defer v.mu.Unlock()
	k := leafState{state: uint64(must)<<32 | uint64(may)}
	m := v.shared[k]
	if m == nil {
		if len(v.shared) > 512 {
			clear(v.shared)
		}
		m = v.boundary(must, may)
		v.shared[k] = m
	}
	return m
}
