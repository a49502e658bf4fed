package tokenizer

// mergeTable maps a pair of ids to the merge's rank and result: an open
// addressing hash table, half the size and twice the speed of a Go map here.
type mergeTable struct {
	keys []uint64 // left<<32 | right, noPair where empty
	vals []uint64 // rank<<32 | result
	mask uint64
	n    int
}

const noPair = ^uint64(0)

func newMergeTable(n int) mergeTable {
	size := 16
	for size < n+n/2 {
		size *= 2
	}
	m := mergeTable{keys: make([]uint64, size), vals: make([]uint64, size), mask: uint64(size - 1)}
	for i := range m.keys {
		m.keys[i] = noPair
	}
	return m
}

func (m *mergeTable) slot(key uint64) uint64 {
	h := key * 0x9E3779B97F4A7C15
	return (h ^ h>>29) & m.mask
}

// put stores a merge; a later one replaces an earlier, as in the reference.
func (m *mergeTable) put(left, right, rank, result int32) {
	key := uint64(uint32(left))<<32 | uint64(uint32(right))
	i := m.slot(key)
	for m.keys[i] != noPair && m.keys[i] != key {
		i = (i + 1) & m.mask
	}
	if m.keys[i] == noPair {
		m.n++
	}
	m.keys[i] = key
	m.vals[i] = uint64(uint32(rank))<<32 | uint64(uint32(result))
}

// get gives rank<<32|result, or noPair.
func (m *mergeTable) get(left, right int32) uint64 {
	key := uint64(uint32(left))<<32 | uint64(uint32(right))
	for i := m.slot(key); ; i = (i + 1) & m.mask {
		switch m.keys[i] {
		case key:
			return m.vals[i]
		case noPair:
			return noPair
		}
	}
}

// grown gives a table of twice the size.
func (m *mergeTable) grown() mergeTable {
	g := newMergeTable(len(m.keys))
	for i, k := range m.keys {
		if k != noPair {
			v := m.vals[i]
			g.put(int32(uint32(k>>32)), int32(uint32(k)), int32(uint32(v>>32)), int32(uint32(v)))
		}
	}
	return g
}

// bpeScratch is reused from word to word.
type bpeScratch struct {
	ids        []int32
	prev, next []int32
	heap       []uint64 // rank<<32 | position
}

// scanLimit is the length up to which scanning for the best pair beats a heap.
const scanLimit = 32

// word appends the ids of one pre-token.
func (e *encoder) word(w string) {
	t, s := e.t, &e.scratch
	if t.whole {
		if id, ok := t.vocab[surface(w)]; ok && !t.added.has(id) {
			e.ids = append(e.ids, int(id))
			return
		}
	}
	s.ids = s.ids[:0]
	unknown := false
	for i := 0; i < len(w); i++ {
		id := t.byteID[w[i]]
		if id < 0 {
			if t.unk < 0 || (unknown && t.fuseUnk) {
				continue
			}
			id, unknown = t.unk, true
		} else {
			unknown = false
		}
		s.ids = append(s.ids, id)
	}
	if len(s.ids) <= scanLimit {
		s.ids = t.mergeScan(s.ids)
	} else {
		t.mergeHeap(s)
	}
	for _, id := range s.ids {
		e.ids = append(e.ids, int(id))
	}
}

// mergeScan applies merges lowest rank first, leftmost first; quadratic, for
// short words.
func (t *Tokenizer) mergeScan(ids []int32) []int32 {
	for len(ids) > 1 {
		best, at := noPair, -1
		for i := 0; i+1 < len(ids); i++ {
			if v := t.merges.get(ids[i], ids[i+1]); v != noPair && (at < 0 || v>>32 < best>>32) {
				best, at = v, i
			}
		}
		if at < 0 {
			break
		}
		ids[at] = int32(uint32(best))
		ids = append(ids[:at+1], ids[at+2:]...)
	}
	return ids
}

// mergeHeap does the same in n log n: a heap of candidate pairs over a linked
// list, stale candidates dropped when they surface.
func (t *Tokenizer) mergeHeap(s *bpeScratch) {
	n := len(s.ids)
	s.prev, s.next, s.heap = grow(s.prev, n), grow(s.next, n), s.heap[:0]
	for i := range n {
		s.prev[i], s.next[i] = int32(i-1), int32(i+1)
		if i+1 < n {
			if v := t.merges.get(s.ids[i], s.ids[i+1]); v != noPair {
				s.heap = append(s.heap, v>>32<<32|uint64(i))
			}
		}
	}
	for i := len(s.heap)/2 - 1; i >= 0; i-- {
		siftDown(s.heap, i)
	}
	for len(s.heap) > 0 {
		top := s.heap[0]
		last := len(s.heap) - 1
		s.heap[0] = s.heap[last]
		s.heap = s.heap[:last]
		siftDown(s.heap, 0)

		i := int32(uint32(top))
		if s.ids[i] < 0 || int(s.next[i]) >= n {
			continue
		}
		j := s.next[i]
		v := t.merges.get(s.ids[i], s.ids[j])
		if v == noPair || v>>32 != top>>32 {
			continue
		}
		s.ids[i], s.ids[j] = int32(uint32(v)), -1
		s.next[i] = s.next[j]
		if int(s.next[i]) < n {
			s.prev[s.next[i]] = i
			t.push(s, i, s.next[i])
		}
		if p := s.prev[i]; p >= 0 {
			t.push(s, p, i)
		}
	}
	kept := s.ids[:0]
	for _, id := range s.ids {
		if id >= 0 {
			kept = append(kept, id)
		}
	}
	s.ids = kept
}

func (t *Tokenizer) push(s *bpeScratch, i, j int32) {
	v := t.merges.get(s.ids[i], s.ids[j])
	if v == noPair {
		return
	}
	s.heap = append(s.heap, v>>32<<32|uint64(uint32(i)))
	for c := len(s.heap) - 1; c > 0; {
		p := (c - 1) / 2
		if s.heap[p] <= s.heap[c] {
			break
		}
		s.heap[p], s.heap[c] = s.heap[c], s.heap[p]
		c = p
	}
}

func siftDown(h []uint64, i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[i] <= h[c] {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

func grow(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

// The byte-level alphabet gives every byte a printable character (GPT-2).
var (
	byteToRune [256]rune
	runeToByte = map[rune]byte{}
)

func init() {
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE) {
			r = next
			next++
		}
		byteToRune[b] = r
		runeToByte[r] = byte(b)
	}
}

// surface writes bytes in the byte-level alphabet.
func surface(w string) string {
	out := make([]rune, len(w))
	for i := 0; i < len(w); i++ {
		out[i] = byteToRune[w[i]]
	}
	return string(out)
}

// unsurface is its inverse; a token with a character outside the alphabet
// stands for itself.
func unsurface(dst []byte, token string) []byte {
	n := len(dst)
	for _, r := range token {
		b, ok := byte(r), r >= '!' && r <= '~'
		if !ok {
			b, ok = runeToByte[r]
		}
		if !ok {
			return append(dst[:n], token...)
		}
		dst = append(dst, b)
	}
	return dst
}
