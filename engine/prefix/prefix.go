// Package prefix keeps the key-value caches of finished generations together
// with the token ids they hold, so that the next request that starts with the
// same tokens reads only what is new.
//
// Invariants:
//   - a cache is either kept here or lent to one generation, never both;
//   - the tokens kept with a cache are exactly those it holds, in order;
//   - at least one token of a request is always left to read: its logits start
//     the reply.
package prefix

import "slices"

// KV is a key-value cache of one sequence.
type KV interface {
	Len() int             // tokens held
	Truncate(n int) error // forget all but the first n
	Bytes() int64         // memory it occupies
	Close()               // free it
}

// Seq is a cache on loan, with the tokens it holds. The borrower appends to
// Tokens as it reads.
type Seq[K KV] struct {
	KV     K
	Tokens []int
}

type entry[K KV] struct {
	seq  *Seq[K]
	used uint64
}

// Store keeps caches of one model. It is used from one goroutine.
type Store[K KV] struct {
	// New makes an empty cache; Fork makes a copy of the first n tokens of a cache,
	// so that the original can be kept too. Fork may be nil.
	New  func() (K, error)
	Fork func(kv K, n int) (K, error)

	MaxBytes int64 // of what is kept, not of what is lent
	MaxCount int

	kept  []*entry[K]
	clock uint64
}

// Take lends a cache that holds the longest possible prefix of tokens, and says
// how many that are. A kept sequence that goes on differently soon, such as
// another chat with the same system prompt, is copied instead of cut, where the
// store can fork.
func (s *Store[K]) Take(tokens []int) (*Seq[K], int, error) {
	best, shared := -1, 0
	for i, e := range s.kept {
		if n := common(e.seq.Tokens, tokens); n > shared {
			best, shared = i, n
		}
	}
	shared = min(shared, len(tokens)-1)
	if best < 0 || shared <= 0 {
		return s.empty()
	}
	e := s.kept[best]
	if s.Fork != nil && shared < len(e.seq.Tokens)/2 {
		kv, err := s.Fork(e.seq.KV, shared)
		if err != nil {
			return nil, 0, err
		}
		s.clock++
		e.used = s.clock
		return &Seq[K]{KV: kv, Tokens: slices.Clone(tokens[:shared])}, shared, nil
	}
	s.kept = slices.Delete(s.kept, best, best+1)
	if err := e.seq.KV.Truncate(shared); err != nil {
		e.seq.KV.Close()
		return s.empty() // a cache that cannot go back is of no use here
	}
	e.seq.Tokens = e.seq.Tokens[:shared]
	return e.seq, shared, nil
}

func (s *Store[K]) empty() (*Seq[K], int, error) {
	kv, err := s.New()
	if err != nil {
		return nil, 0, err
	}
	return &Seq[K]{KV: kv}, 0, nil
}

// Put takes a cache back. Its length is brought in line with its tokens first,
// the shorter counts: a generation may have read a token that it never gave out.
func (s *Store[K]) Put(seq *Seq[K]) {
	n := min(len(seq.Tokens), seq.KV.Len())
	if n == 0 || seq.KV.Truncate(n) != nil {
		seq.KV.Close()
		return
	}
	seq.Tokens = seq.Tokens[:n]
	// A kept sequence that the new one begins with holds nothing more.
	s.kept = slices.DeleteFunc(s.kept, func(e *entry[K]) bool {
		if len(e.seq.Tokens) <= n && common(e.seq.Tokens, seq.Tokens) == len(e.seq.Tokens) {
			e.seq.KV.Close()
			return true
		}
		return false
	})
	s.clock++
	s.kept = append(s.kept, &entry[K]{seq: seq, used: s.clock})
	s.shrink()
}

// shrink drops the sequences unused for the longest time until the limits hold.
func (s *Store[K]) shrink() {
	for len(s.kept) > 0 && (len(s.kept) > s.MaxCount || s.Bytes() > s.MaxBytes) {
		oldest := 0
		for i, e := range s.kept {
			if e.used < s.kept[oldest].used {
				oldest = i
			}
		}
		s.kept[oldest].seq.KV.Close()
		s.kept = slices.Delete(s.kept, oldest, oldest+1)
	}
}

// Bytes is the memory of what is kept.
func (s *Store[K]) Bytes() int64 {
	var n int64
	for _, e := range s.kept {
		n += e.seq.KV.Bytes()
	}
	return n
}

// Len is the number of sequences kept.
func (s *Store[K]) Len() int { return len(s.kept) }

// Clear frees everything kept.
func (s *Store[K]) Clear() {
	for _, e := range s.kept {
		e.seq.KV.Close()
	}
	s.kept = nil
}

// common is the length of the longest common prefix.
func common(a, b []int) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
