package schema

import (
	"fmt"
	"math/big"
	"strings"

	"qwill/engine/schema/automaton"
)

// Digits written when no bound says more: integers that a double holds exactly,
// decimals within its range.
const (
	intDigits      = 15
	fractionDigits = 15
	maxDigits      = 60 // of a bound
)

// bound is a decimal number, as digits.
type bound struct {
	negative  bool
	whole     string // no leading zeros but "0"
	fraction  string // no trailing zeros
	exclusive bool
}

// parseBound reads a JSON number exactly.
func parseBound(number string, exclusive bool) (*bound, error) {
	r, ok := new(big.Rat).SetString(number)
	if !ok || len(number) > 2*maxDigits || strings.ContainsAny(number, "eE") && !smallExponent(number) {
		return nil, fmt.Errorf("%.80s is not a number that can be decided on", number)
	}
	s := new(big.Rat).Abs(r).FloatString(maxDigits)
	whole, fraction, _ := strings.Cut(s, ".")
	if back, _ := new(big.Rat).SetString(s); back.Cmp(new(big.Rat).Abs(r)) != 0 || len(whole) > maxDigits {
		return nil, fmt.Errorf("%s has too many digits", number)
	}
	return &bound{negative: r.Sign() < 0, whole: whole, fraction: strings.TrimRight(fraction, "0"), exclusive: exclusive}, nil
}

func smallExponent(number string) bool {
	_, e, _ := strings.Cut(strings.ToLower(number), "e")
	return len(strings.TrimLeft(e, "+-0")) <= 2
}

func (b *bound) zero() bool { return b.whole == "0" && b.fraction == "" }

// number is the automaton of a JSON number without exponent when there are
// bounds, with one otherwise. Integers have no fraction.
func number(integer bool, lo, hi *bound, l automaton.Limits) (*automaton.DFA, error) {
	digits := intDigits
	for _, b := range []*bound{lo, hi} {
		if b != nil {
			digits = max(digits, len(b.whole))
		}
	}
	pattern := fmt.Sprintf(`-?(0|[1-9][0-9]{0,%d})`, digits-1)
	switch {
	case integer: // -0 is left out
		pattern = fmt.Sprintf(`0|-?[1-9][0-9]{0,%d}`, digits-1)
	case lo == nil && hi == nil:
		pattern += fmt.Sprintf(`(\.[0-9]{1,%d})?([eE][+-]?[0-9]{1,2})?`, fractionDigits)
	default:
		fraction := fractionDigits
		for _, b := range []*bound{lo, hi} {
			if b != nil {
				fraction = max(fraction, len(b.fraction)+1)
			}
		}
		pattern += fmt.Sprintf(`(\.[0-9]{1,%d})?`, fraction)
	}
	d, err := expression(pattern, l)
	if err != nil {
		return nil, err
	}
	for i, b := range []*bound{lo, hi} {
		if b == nil {
			continue
		}
		var side string
		switch {
		case i == 0 && !b.negative: // x >= b >= 0
			side = b.from(b.exclusive)
			if b.zero() && !b.exclusive {
				side += `|-0(\.0*)?`
			}
		case i == 0: // x >= -|b|
			side = `[0-9].*|-(` + b.upTo(b.exclusive) + `)`
		case b.negative: // x <= -|b|
			side = `-(` + b.from(b.exclusive) + `)`
		case b.zero() && b.exclusive: // x < 0
			side = `-(` + b.from(true) + `)`
		default: // x <= b
			side = `-.*|` + b.upTo(b.exclusive)
		}
		limit, err := expression(side, l)
		if err != nil {
			return nil, err
		}
		if d, err = automaton.Both(d, limit, l); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// expression compiles an expression that the whole text matches.
func expression(pattern string, l automaton.Limits) (*automaton.DFA, error) {
	e, err := automaton.Parse(pattern, true)
	if err != nil {
		return nil, err
	}
	return automaton.Compile(e, automaton.UTF8, l)
}

// from matches the decimals of at least |b|, or above it, without a sign. They
// have no leading zeros.
func (b *bound) from(exclusive bool) string {
	const any = `(\.[0-9]*)?`
	alternatives := []string{fmt.Sprintf(`[1-9][0-9]{%d,}`, len(b.whole)) + any} // more digits
	for i, c := range []byte(b.whole) {
		if c < '9' { // greater at digit i
			alternatives = append(alternatives, fmt.Sprintf(`%s[%c-9][0-9]{%d}`, b.whole[:i], c+1, len(b.whole)-i-1)+any)
		}
	}
	for i, c := range []byte(b.fraction) {
		if c < '9' {
			alternatives = append(alternatives, fmt.Sprintf(`%s\.%s[%c-9][0-9]*`, b.whole, b.fraction[:i], c+1))
		}
	}
	equal := b.whole + `\.` + b.fraction
	switch {
	case exclusive: // something above 0 follows
		alternatives = append(alternatives, equal+`0*[1-9][0-9]*`)
	case b.fraction == "":
		alternatives = append(alternatives, b.whole+any)
	default:
		alternatives = append(alternatives, equal+`[0-9]*`)
	}
	return strings.Join(alternatives, "|")
}

// upTo matches the decimals of at most |b|, or below it, without a sign.
func (b *bound) upTo(exclusive bool) string {
	const any = `(\.[0-9]*)?`
	var alternatives []string
	if n := len(b.whole); n > 1 { // fewer digits
		alternatives = append(alternatives, fmt.Sprintf(`(0|[1-9][0-9]{0,%d})`, n-2)+any)
	}
	for i, c := range []byte(b.whole) {
		lowest := byte('0')
		if i == 0 && len(b.whole) > 1 {
			lowest = '1'
		}
		if c > lowest {
			alternatives = append(alternatives, fmt.Sprintf(`%s[%c-%c][0-9]{%d}`, b.whole[:i], lowest, c-1, len(b.whole)-i-1)+any)
		}
	}
	for i, c := range []byte(b.fraction) {
		if c > '0' { // less at this digit, or the text ends before it
			alternatives = append(alternatives, fmt.Sprintf(`%s\.%s[0-%c][0-9]*`, b.whole, b.fraction[:i], c-1))
		}
		alternatives = append(alternatives, b.whole+`\.`+b.fraction[:i])
	}
	if b.fraction != "" {
		alternatives = append(alternatives, b.whole)
	}
	if !exclusive {
		equal := b.whole + `(\.0*)?`
		if b.fraction != "" {
			equal = b.whole + `\.` + b.fraction + `0*`
		}
		alternatives = append(alternatives, equal)
	}
	if len(alternatives) == 0 {
		return `[^\x{0}-\x{10FFFF}]`
	}
	return strings.Join(alternatives, "|")
}
