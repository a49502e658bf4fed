package grammar

// Text is the leaf of a JSON string of Min to Max characters (Max -1: without
// limit), in any form that RFC 8259 allows but without lone surrogates: raw
// characters are valid UTF-8 and at least U+0020.
type Text struct{ Min, Max int }

// MaxText bounds Min and Max.
const MaxText = 1 << 20

// A state of a text is count<<5 | place. The count is of the characters begun;
// without a maximum it stops at the minimum.
const (
	opening  = iota // before the first quote
	ended           // behind the last quote
	Boundary        // between two characters
	escaped         // after a backslash
	hex1            // after \u
	hexD            // after \ud
	hexP3           // three more digits
	hexP2           // two
	hexP1           // one
	hexH2           // two more digits of a high surrogate
	hexH1           // one
	low0            // a low surrogate must follow: its backslash,
	low1            // its u,
	low2            // its d,
	low3            // its c to f
	more1           // continuation bytes
	more2
	more3
	afterE0
	afterED
	afterF0
	afterF4
	places
)

const begins = 0x80 // flag: the byte begins a character

// texts gives the place after a byte, 0 where it cannot follow.
var texts = func() (t [places][256]uint8) {
	set := func(from, lo, hi int, to uint8) {
		for b := lo; b <= hi; b++ {
			t[from][b] = to
		}
	}
	hex := func(from int, to uint8) {
		set(from, '0', '9', to)
		set(from, 'a', 'f', to)
		set(from, 'A', 'F', to)
	}
	set(opening, '"', '"', Boundary)
	set(Boundary, 0x20, 0x7F, Boundary|begins)
	set(Boundary, '"', '"', ended)
	set(Boundary, '\\', '\\', escaped|begins)
	set(Boundary, 0xC2, 0xDF, more1|begins)
	set(Boundary, 0xE0, 0xEF, more2|begins)
	set(Boundary, 0xE0, 0xE0, afterE0|begins)
	set(Boundary, 0xED, 0xED, afterED|begins)
	set(Boundary, 0xF0, 0xF0, afterF0|begins)
	set(Boundary, 0xF1, 0xF3, more3|begins)
	set(Boundary, 0xF4, 0xF4, afterF4|begins)
	set(more1, 0x80, 0xBF, Boundary)
	set(more2, 0x80, 0xBF, more1)
	set(more3, 0x80, 0xBF, more2)
	set(afterE0, 0xA0, 0xBF, more1)
	set(afterED, 0x80, 0x9F, more1)
	set(afterF0, 0x90, 0xBF, more2)
	set(afterF4, 0x80, 0x8F, more2)
	for _, c := range `"\/bfnrt` {
		set(escaped, int(c), int(c), Boundary)
	}
	set(escaped, 'u', 'u', hex1)
	hex(hex1, hexP3)
	set(hex1, 'd', 'd', hexD)
	set(hex1, 'D', 'D', hexD)
	set(hexD, '0', '7', hexP2)
	for _, c := range "89abAB" {
		set(hexD, int(c), int(c), hexH2)
	}
	hex(hexP3, hexP2)
	hex(hexP2, hexP1)
	hex(hexP1, Boundary)
	hex(hexH2, hexH1)
	hex(hexH1, low0)
	set(low0, '\\', '\\', low1)
	set(low1, 'u', 'u', low2)
	set(low2, 'd', 'd', low3)
	set(low2, 'D', 'D', low3)
	set(low3, 'c', 'f', hexP2)
	set(low3, 'C', 'F', hexP2)
	return t
}()

// vias are the bytes of shortest ways; that of a boundary depends on the count.
var vias = [places]byte{opening: '"', Boundary: '.', escaped: 'n', hex1: '0', hexD: '0', hexP3: '0', hexP2: '0', hexP1: '0',
	hexH2: '0', hexH1: '0', low0: '\\', low1: 'u', low2: 'd', low3: 'c', more1: 0x80, more2: 0x80, more3: 0x80,
	afterE0: 0xA0, afterED: 0x80, afterF0: 0x90, afterF4: 0x80}

// Start is the state before the opening quote.
func (t *Text) Start() uint64 { return opening }

// Next is the state after byte b.
func (t *Text) Next(s uint64, b byte) (uint64, bool) {
	count, place := s>>5, s&31
	to := texts[place][b]
	switch {
	case to == 0:
		return 0, false
	case to == ended:
		return ended, count >= uint64(t.Min)
	case to&begins != 0:
		if t.Max >= 0 && count >= uint64(t.Max) {
			return 0, false
		}
		if t.Max >= 0 || count < uint64(t.Min) {
			count++
		}
	}
	return count<<5 | uint64(to&31), true
}

// Accepts says whether the string is closed.
func (t *Text) Accepts(s uint64) bool { return s&31 == ended }

// Ends says the same: nothing follows the closing quote.
func (t *Text) Ends(s uint64) bool { return t.Accepts(s) }

// Via is the next byte of the shortest way to the closing quote.
func (t *Text) Via(s uint64) byte {
	if s&31 == Boundary && s>>5 >= uint64(t.Min) {
		return '"'
	}
	return vias[s&31]
}

// Far bounds the bytes to the closing quote.
func (t *Text) Far() int { return t.Min + 16 }

// AtBoundary says whether s is between two characters, and how many must and
// may follow (-1: any number).
func (t *Text) AtBoundary(s uint64) (must, may int, ok bool) {
	if s&31 != Boundary {
		return 0, 0, false
	}
	count := int(s >> 5)
	may = -1
	if t.Max >= 0 {
		may = t.Max - count
	}
	return max(0, t.Min-count), may, true
}
