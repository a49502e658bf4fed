package mask

import (
	"fmt"
	"math"
	"slices"

	"qwill/engine/schema/grammar"
)

// Matcher follows one text token by token.
type Matcher struct {
	p  *Program
	at *State // nil: nothing may follow, and the text is not one of the grammar's
}

// Matcher starts a text.
func (p *Program) Matcher() *Matcher { return &Matcher{p: p, at: p.start} }

// Needed is a number of tokens that always suffices for the rest of the text.
func (m *Matcher) Needed() int { return int(m.at.cost) }

// Accepts says whether the text may end here.
func (m *Matcher) Accepts() bool { return m.at != nil && m.at.accept }

// Done says that the text must end here.
func (m *Matcher) Done() bool { return m.at != nil && m.at.accept && len(m.at.configs) == 0 }

// Mask gives the tokens that may come next when left tokens may follow in all,
// the next one included; left < 0: without limit. The set is read only. It is
// never empty while left is at least Needed and the text is not done.
func (m *Matcher) Mask(left int) Bits {
	p := m.p
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trim()
	s := m.at
	rest := int32(math.MaxInt32)
	if left >= 0 {
		rest = int32(min(left, grammar.Infinite) - 1)
	}
	if s.mask == nil {
		b := make(Bits, p.v.words())
		s.far = p.fill(b, s, math.MaxInt32)
		p.end(b, s)
		s.mask = b
		p.masks++
	}
	if rest >= s.far {
		return s.mask
	}
	b := make(Bits, p.v.words())
	p.fill(b, s, rest)
	p.end(b, s)
	return b
}

func (p *Program) end(b Bits, s *State) {
	if s.accept {
		for _, id := range p.v.eos {
			b.set(id)
		}
	}
}

// Advance takes the next token. It fails for one outside the mask.
func (m *Matcher) Advance(id int) error {
	if m.at == nil {
		return fmt.Errorf("token %d after a text that fits no more", id)
	}
	p := m.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.v.eos, int32(id)) {
		if m.at.accept {
			return nil
		}
		return fmt.Errorf("the reply ends early, with token %d", id)
	}
	if id < 0 || id >= p.v.rows {
		m.at = nil
	} else if p.v.text[id] != nil {
		m.write(p.v.text[id])
	} else {
		c := closure{p: p}
		for _, f := range m.at.configs {
			if p.tag(f.leaf, f.state) == id {
				c.pop(f.up)
			}
		}
		m.at = p.intern(c)
	}
	if m.at == nil {
		return fmt.Errorf("token %d does not fit", id)
	}
	return nil
}

func (m *Matcher) write(text []byte) {
	for _, b := range text {
		if m.at == nil {
			return
		}
		m.at = m.p.step(m.at, b)
	}
}

// Write takes text that was there before, and says whether it fits.
func (m *Matcher) Write(text string) bool {
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	m.write([]byte(text))
	return m.at != nil
}

// Accepts says whether text is one of the grammar's.
func (p *Program) Accepts(text string) bool {
	m := p.Matcher()
	return m.Write(text) && m.Accepts()
}
