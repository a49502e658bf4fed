package prefix

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// tokenKV holds the real tokens, so that a wrong reuse is seen as wrong content.
type tokenKV struct {
	tokens []int
	closed bool
	stuck  bool // cannot go back
	live   *int
}

func (k *tokenKV) Len() int     { return len(k.tokens) }
func (k *tokenKV) Bytes() int64 { return int64(len(k.tokens)) }
func (k *tokenKV) Close() {
	if k.closed {
		panic("closed twice")
	}
	k.closed = true
	*k.live--
}
func (k *tokenKV) Truncate(n int) error {
	if n > len(k.tokens) || k.closed {
		panic("truncate")
	}
	if k.stuck && n < len(k.tokens) {
		return errors.New("stuck")
	}
	k.tokens = k.tokens[:n]
	return nil
}

func store(live *int, fork bool) *Store[*tokenKV] {
	s := &Store[*tokenKV]{MaxBytes: 60, MaxCount: 3, New: func() (*tokenKV, error) {
		*live++
		return &tokenKV{live: live}, nil
	}}
	if fork {
		s.Fork = func(kv *tokenKV, n int) (*tokenKV, error) {
			*live++
			return &tokenKV{tokens: slices.Clone(kv.tokens[:n]), live: live}, nil
		}
	}
	return s
}

// read stands for prefill and decode.
func read(seq *Seq[*tokenKV], tokens []int) {
	seq.KV.tokens = append(seq.KV.tokens, tokens...)
	seq.Tokens = append(seq.Tokens, tokens...)
}

func take(t *testing.T, s *Store[*tokenKV], tokens []int) (*Seq[*tokenKV], int) {
	t.Helper()
	seq, n, err := s.Take(tokens)
	if err != nil {
		t.Fatal(err)
	}
	return seq, n
}

func TestTurns(t *testing.T) {
	live := 0
	s := store(&live, false)
	seq, n := take(t, s, []int{1, 2, 3})
	if n != 0 {
		t.Errorf("%d cached of nothing", n)
	}
	read(seq, []int{1, 2, 3, 10, 11, 12}) // the prompt and the answer
	s.Put(seq)

	seq, n = take(t, s, []int{1, 2, 3, 10, 11, 20, 21}) // the template ends the answer otherwise
	if n != 5 || len(seq.KV.tokens) != 5 {
		t.Errorf("%d cached, want 5", n)
	}
	if s.Len() != 0 {
		t.Error("a lent cache is still kept")
	}
	read(seq, []int{20, 21})
	s.Put(seq)

	if _, n = take(t, s, []int{1, 2, 3, 10, 11, 20, 21}); n != 6 {
		t.Errorf("%d cached of an equal request, want all but one", n)
	}
}

// What a generation read ahead but did not give out is forgotten.
func TestPutReconciles(t *testing.T) {
	live := 0
	s := store(&live, false)
	seq, _ := take(t, s, []int{1, 2})
	read(seq, []int{1, 2, 3})
	seq.KV.tokens = append(seq.KV.tokens, 99)
	s.Put(seq)
	seq, n := take(t, s, []int{1, 2, 3, 4})
	if n != 3 || !slices.Equal(seq.KV.tokens, []int{1, 2, 3}) {
		t.Errorf("%d cached: %v", n, seq.KV.tokens)
	}
	seq.Tokens = append(seq.Tokens, 4) // sampled, never read
	s.Put(seq)
	if _, n = take(t, s, []int{1, 2, 3, 4, 5}); n != 3 {
		t.Errorf("%d cached, want 3", n)
	}
}

func TestForkKeepsOtherChat(t *testing.T) {
	live := 0
	s := store(&live, true)
	seq, _ := take(t, s, []int{1, 2})
	read(seq, []int{1, 2, 3, 4, 5, 6, 7, 8})
	s.Put(seq)
	other, n := take(t, s, []int{1, 2, 30})
	if n != 2 || s.Len() != 1 {
		t.Errorf("%d cached, %d kept", n, s.Len())
	}
	read(other, []int{30})
	s.Put(other)
	if _, n := take(t, s, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}); n != 8 {
		t.Errorf("%d cached of the first chat, want 8", n)
	}
}

func TestLimits(t *testing.T) {
	live := 0
	s := store(&live, false)
	for i := range 5 {
		seq, _ := take(t, s, []int{i * 100})
		read(seq, []int{i * 100, 1, 2})
		s.Put(seq)
	}
	if s.Len() != 3 || live != 3 {
		t.Errorf("%d kept, %d live, want 3", s.Len(), live)
	}
	if _, n := take(t, s, []int{0, 1, 2, 3}); n != 0 {
		t.Error("the oldest is still there")
	}
	seq, _ := take(t, s, []int{7})
	read(seq, make([]int, 61)) // more than the budget by itself
	s.Put(seq)
	if s.Bytes() > 60 {
		t.Errorf("%d bytes kept", s.Bytes())
	}
	s.Clear()
	if s.Len() != 0 {
		t.Error("not cleared")
	}
}

func TestStuck(t *testing.T) {
	live := 0
	s := store(&live, false)
	seq, _ := take(t, s, []int{1})
	read(seq, []int{1, 2, 3})
	seq.KV.stuck = true
	s.Put(seq)
	seq, n := take(t, s, []int{1, 2, 9})
	if n != 0 || len(seq.KV.tokens) != 0 || live != 1 {
		t.Errorf("%d cached, %d live", n, live)
	}
}

// Whatever the order of requests, a lent cache holds a prefix of its request and
// nothing leaks.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		live, lent := 0, []*Seq[*tokenKV]{}
		s := store(&live, rapid.Bool().Draw(rt, "fork"))
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if len(lent) > 0 && rapid.Bool().Draw(rt, "put") {
				s.Put(lent[0])
				lent = lent[1:]
				continue
			}
			tokens := rapid.SliceOfN(rapid.IntRange(0, 2), 1, 12).Draw(rt, "tokens")
			seq, n, err := s.Take(tokens)
			if err != nil {
				rt.Fatal(err)
			}
			if n >= len(tokens) || !slices.Equal(seq.Tokens, tokens[:n]) || !slices.Equal(seq.KV.tokens, tokens[:n]) {
				rt.Fatalf("%v got %d cached: %v %v", tokens, n, seq.Tokens, seq.KV.tokens)
			}
			read(seq, tokens[n:])
			lent = append(lent, seq)
		}
		for _, seq := range lent {
			s.Put(seq)
		}
		if live != s.Len() {
			rt.Fatalf("%d live, %d kept", live, s.Len())
		}
		s.Clear()
		if live != 0 {
			rt.Fatalf("%d leaked", live)
		}
	})
}
