package mlx

// #include "shim.h"
import "C"

// Scope owns arrays and frees them when it closes.
type Scope struct {
	t      *Thread
	nodes  []*node
	pushed bool // on the thread's stack: made by Enter
	closed bool
}

// node is what an Array points to; it knows its owner so that moving it is
// cheap.
type node struct {
	c     C.qm_array // nil once freed
	t     *Thread
	owner *Scope
	index int // in owner.nodes

	described bool
	dtype     Dtype
	shape     []int
}

// Enter opens a scope inside the current one; results of operations belong to
// it until it closes. Scopes close in reverse order.
func (t *Thread) Enter() *Scope {
	s := &Scope{t: t, pushed: true}
	t.scopes = append(t.scopes, s)
	return s
}

// NewScope makes a scope that nothing allocates into by itself: arrays are
// moved in by [Scope.Adopt]. Its owner closes it; for weights and caches.
func (t *Thread) NewScope() *Scope { return &Scope{t: t} }

func (t *Thread) current() *Scope { return t.scopes[len(t.scopes)-1] }

func (t *Thread) add(c C.qm_array) Array {
	t.live++
	n := &node{c: c, t: t}
	t.current().take(n)
	return Array{n}
}

func (s *Scope) take(n *node) {
	n.owner, n.index = s, len(s.nodes)
	s.nodes = append(s.nodes, n)
}

func (s *Scope) drop(n *node) {
	last := len(s.nodes) - 1
	s.nodes[n.index] = s.nodes[last]
	s.nodes[n.index].index = n.index
	s.nodes[last] = nil
	s.nodes = s.nodes[:last]
}

// Adopt moves arrays into s from whatever scope owns them.
func (s *Scope) Adopt(arrays ...Array) {
	if s.closed {
		fail("adopt", "the scope is closed")
	}
	for _, a := range arrays {
		if a.n == nil {
			continue
		}
		if a.n.c == nil {
			fail("adopt", "the array was freed")
		}
		a.n.owner.drop(a.n)
		s.take(a.n)
	}
}

// Keep moves arrays of an entered scope to the one around it. Absent arrays
// are skipped.
func (s *Scope) Keep(arrays ...Array) {
	for i := len(s.t.scopes) - 1; i > 0; i-- {
		if s.t.scopes[i] == s {
			s.t.scopes[i-1].Adopt(arrays...)
			return
		}
	}
	fail("keep", "the scope is not open on the thread's stack")
}

// Live counts the arrays s owns.
func (s *Scope) Live() int { return len(s.nodes) }

// Close frees what s owns. A second Close does nothing.
func (s *Scope) Close() {
	if s.closed {
		return
	}
	if s.pushed {
		top := len(s.t.scopes) - 1
		if s.t.scopes[top] != s {
			// Inner scopes left open go first.
			for i := top; i > 0 && s.t.scopes[i] != s; i-- {
				s.t.scopes[i].Close()
			}
			top = len(s.t.scopes) - 1
		}
		s.t.scopes = s.t.scopes[:top]
	}
	s.freeAll()
	s.closed = true
}

func (s *Scope) freeAll() {
	if len(s.nodes) == 0 {
		return
	}
	ptrs := make([]C.qm_array, len(s.nodes))
	for i, n := range s.nodes {
		ptrs[i], n.c = n.c, nil
	}
	C.qm_free_many(&ptrs[0], C.size_t(len(ptrs)))
	s.t.live -= len(s.nodes)
	s.nodes = nil
}
