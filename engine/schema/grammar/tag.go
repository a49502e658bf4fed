package grammar

// Tag is the leaf of a control text such as <think>, or of anything up to and
// including it. A model may write it as one control token.
type Tag struct {
	Text  string // its first byte does not come again
	Until bool
}

// Start is the state before the tag: states count the bytes of it.
func (t *Tag) Start() uint64 { return 0 }

// Next is the state after byte b.
func (t *Tag) Next(s uint64, b byte) (uint64, bool) {
	switch {
	case s == uint64(len(t.Text)):
		return 0, false
	case t.Text[s] == b:
		return s + 1, true
	case !t.Until:
		return 0, false
	case t.Text[0] == b:
		return 1, true
	}
	return 0, true
}

// Accepts says whether the tag is complete.
func (t *Tag) Accepts(s uint64) bool { return s == uint64(len(t.Text)) }

// Ends says the same: nothing follows the tag.
func (t *Tag) Ends(s uint64) bool { return t.Accepts(s) }

// Via is the tag's next byte.
func (t *Tag) Via(s uint64) byte { return t.Text[s] }

// Far is the tag's length.
func (t *Tag) Far() int { return len(t.Text) }
