package guard

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// figures compares numbers and their units. Numbers written in digits must
// survive; in words they may give way ("two reports", "both reports") but not
// become another number.
func figures(was, is *text, o Options) []Fault {
	a, b := was.numbers(), is.numbers()
	fa, fb := numberFacts(a), numberFacts(b)
	// A year may have stood inside a date on the other side.
	da, ya, _ := was.moments()
	db, yb, _ := is.moments()
	lost, fresh := compare(fa, fb)
	lost, fresh = absent(hours(absent(lost, yb)), db), absent(hours(absent(fresh, ya)), da)
	if o.Reform {
		lost, fresh = nil, absent(hours(absent(added(fa, fb), ya)), da)
	}
	all := faults(lost, fresh)
	return append(all, units(a, b, o)...)
}

// hours lets a bare number stand for a time: "at 2" and "at 2:00".
func hours(facts []fact) []fact {
	out := make([]fact, len(facts))
	for i, f := range facts {
		out[i] = f
		out[i].keys = append(slices.Clone(f.keys), quantity{keys: f.keys}.hours()...)
	}
	return out
}

func (q quantity) hours() (keys []string) {
	for _, k := range q.keys {
		if h, err := strconv.Atoi(k); err == nil && q.unit == "" && h > 0 && h <= 24 {
			keys = append(keys, timeKey(h, 0), timeKey(h%12+12, 0))
		}
	}
	return keys
}

func numberFacts(all []quantity) []fact {
	out := make([]fact, len(all))
	for i, q := range all {
		out[i] = fact{kind: Number, keys: q.keys, text: q.text, at: q.at, weak: q.spelled, quiet: q.quiet}
	}
	return out
}

// units compares the unit of each number that is in both texts. A number
// without a unit may take it from the next one: "5 to 10 km".
func units(was, is []quantity, o Options) []Fault {
	if o.Reform {
		return nil
	}
	var all []Fault
	for _, q := range was {
		if q.unit == "" || q.quiet {
			continue
		}
		var other *quantity
		kept := false
		for i := range is {
			p := &is[i]
			if !sameValue(q, *p) {
				continue
			}
			if p.unit == q.unit || p.unit == "" && p.inherited == q.unit {
				kept = true
				break
			}
			if other == nil || other.unit == "" {
				other = p
			}
		}
		if !kept && other != nil && !(other.unit == "" && q.soft) {
			all = append(all, Fault{Kind: Unit, Old: q.text, New: other.text, In: q.at, Out: other.at})
		}
	}
	return all
}

func sameValue(a, b quantity) bool {
	return fact{keys: a.keys}.same(fact{keys: b.keys})
}

// quantity is a number with its unit.
type quantity struct {
	keys      []string // possible values, in decimal
	unit      string   // canonical, "" without
	inherited string   // the unit of the number that this one is listed with
	soft      bool     // a unit that may go without loss: "5 days" in "in 5"
	spelled   bool     // in words, not digits
	quiet     bool     // too common a word to be missed: "first", "half"
	text      string
	at        Span
}

var digits = regexp.MustCompile(`\d+(?:[,.'’ \x{00a0}\x{202f}]\d{3}\b)*(?:[.,]\d+)?`)

// ordinal endings and plural of decades belong to the number: 3rd, 1990s.
var ordinal = regexp.MustCompile(`^(?:st|nd|rd|th|s|er|ème|e)\b`)

// numbers finds the quantities of a text outside its dates and times.
func (t *text) numbers() []quantity {
	if t.figures == nil {
		all := t.findNumbers()
		t.figures = &all
	}
	return *t.figures
}

func (t *text) findNumbers() []quantity {
	masked := t.withoutDates()
	var all []quantity
	for _, m := range digits.FindAllStringIndex(masked, -1) {
		token := masked[m[0]:m[1]]
		if m[0] > 0 && letterBefore(masked, m[0]) && !letterUnitBefore(masked, m[0]) {
			// Part of a name such as "H2O" or "A4": one fact with its letters.
			start, end := wordBounds(masked, m[0], m[1])
			if quarter.MatchString(masked[start:end]) {
				all = append(all, quantity{keys: []string{strings.ToLower(masked[start:end]), masked[start+1 : end]}, spelled: true, text: masked[start:end], at: Span{start, end}})
				continue
			}
			all = append(all, quantity{keys: []string{"#" + strings.ToLower(masked[start:end])}, text: masked[start:end], at: Span{start, end}})
			continue
		}
		q := quantity{keys: values(token), text: token, at: Span{m[0], m[1]}}
		rest := masked[m[1]:]
		if n := len(ordinal.FindString(rest)); n > 0 {
			q.at.End += n
			rest = rest[n:]
		}
		if millions.MatchString(rest) && money.MatchString(masked[:m[0]]) {
			q.keys = scale(q.keys, 1e6)
			q.at.End++
			rest = rest[1:]
		} else if factor, n := multiplier(rest); n > 0 {
			q.keys = scale(q.keys, factor)
			q.at.End += n
			rest = rest[n:]
		}
		q.unit, q.soft = t.unitAround(masked, q.at.Start, rest)
		q.text = t.raw[q.at.Start:q.at.End]
		all = append(all, q)
	}
	all = append(all, t.spelled(masked)...)
	all = append(all, t.percents...)
	for i := range all {
		all[i].keys = append(all[i].keys, duration(all[i].keys, all[i].unit)...)
	}
	inherit(all, masked)
	return all
}

// duration gives a time in minutes or months, so that half an hour is 30
// minutes.
func duration(keys []string, unit string) []string {
	name, factor := "min:", map[string]float64{"s": 1. / 60, "min": 1, "h": 60, "d": 1440, "wk": 10080}[unit]
	if factor == 0 {
		name, factor = "mo:", map[string]float64{"mo": 1, "yr": 12}[unit]
	}
	if factor == 0 {
		return nil
	}
	var out []string
	for _, k := range scale(keys, factor) {
		out = append(out, name+k)
	}
	return out
}

// inherit gives numbers without a unit that of the number they are listed with.
func inherit(all []quantity, masked string) {
	for i := range all {
		for j := range all {
			if all[i].unit == "" && all[j].unit != "" && all[j].at.Start >= all[i].at.End {
				between := masked[all[i].at.End:all[j].at.Start]
				if len(between) <= 24 && listed.MatchString(between) {
					all[i].inherited = all[j].unit
				}
			}
			if all[i].unit == "" && all[j].unit != "" && all[j].at.End <= all[i].at.Start {
				between := masked[all[j].at.End:all[i].at.Start]
				if len(between) <= 24 && listed.MatchString(between) {
					all[i].inherited = all[j].unit
				}
			}
		}
	}
}

var listed = regexp.MustCompile(`^[^.;!?\n]*(?:[-–—,、至到和]|\b(?:to|and|or|by|from|bis|und|oder|à|et|y|a|than|versus|vs)\b)[^.;!?\n]*$`)

// values gives what a token of digits can mean: "1,500" is 1500, "1.500" is
// 1500 or 1.5, "1,5" is 1.5 and "1 500" is 1500.
func values(token string) []string {
	plain := strings.NewReplacer(" ", "", "'", "", "’", "", "\u00a0", "", "\u202f", "").Replace(token)
	comma, dot := strings.Count(plain, ","), strings.Count(plain, ".")
	var out []string
	add := func(s string) {
		if v, err := strconv.ParseFloat(s, 64); err == nil {
			out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	last := strings.LastIndexAny(plain, ",.")
	switch {
	case comma == 0 && dot == 0:
		add(plain)
	case comma > 0 && dot > 0: // the last one is the decimal
		whole := strings.NewReplacer(",", "", ".", "").Replace(plain[:last])
		add(whole + "." + plain[last+1:])
	case comma+dot > 1:
		add(strings.NewReplacer(",", "", ".", "").Replace(plain))
	case len(plain)-last-1 == 3:
		add(strings.NewReplacer(",", "", ".", "").Replace(plain))
		if dot == 1 || plain[0] == '0' {
			add(plain[:last] + "." + plain[last+1:])
		}
	default:
		add(plain[:last] + "." + plain[last+1:])
	}
	if out == nil {
		out = []string{token}
	}
	return out
}

var multipliers = map[string]float64{
	"k": 1e3, "K": 1e3, "m": 0, "M": 1e6, "bn": 1e9, "mn": 1e6, "mio": 1e6, "b": 0, "B": 0,
	"hundred": 100, "thousand": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12,
	"tausend": 1e3, "millionen": 1e6, "milliarden": 1e9, "mille": 1e3, "mil": 1e3, "millones": 1e6,
	"百": 100, "千": 1e3, "万": 1e4, "百万": 1e6, "千万": 1e7, "亿": 1e8,
}

// "$2.1m" is money, "2.1 m" is a length.
var (
	millions = regexp.MustCompile(`^m\b`)
	money    = regexp.MustCompile(`[$€£¥₹]\s?$`)
)

var afterNumber = regexp.MustCompile(`^[ \x{00a0}-]?(hundred|thousand|millions?|millionen|milliarden|millones|billion|trillion|tausend|mille|mil|dozen|bn|mn|mio|k|K|M|百万|千万|百|千|万|亿)`)

// multiplier gives the factor written behind a number and its length.
func multiplier(rest string) (factor float64, n int) {
	m := afterNumber.FindStringSubmatchIndex(rest)
	if m == nil {
		return 0, 0
	}
	name := rest[m[2]:m[3]]
	if name[0] < utf8.RuneSelf && m[1] < len(rest) && (wordByte(rest[m[1]])) {
		return 0, 0 // "5 kg" is no "5 k"
	}
	return multipliers[name], m[1]
}

func scale(keys []string, factor float64) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		if v, err := strconv.ParseFloat(k, 64); err == nil {
			out = append(out, strconv.FormatFloat(v*factor, 'f', -1, 64))
		}
	}
	return out
}

func letterBefore(s string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return r != utf8.RuneError && !han(r) && isLetter(r)
}

// letterUnitBefore allows "USD500" and "EUR20".
func letterUnitBefore(s string, i int) bool {
	start, _ := wordBounds(s, i, i)
	_, ok := unitNames[strings.ToLower(s[start:i])]
	return ok
}

func wordBounds(s string, start, end int) (int, int) {
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(s[:start])
		if !isLetter(r) && !(r >= '0' && r <= '9') || han(r) {
			break
		}
		start -= n
	}
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		if !isLetter(r) && !(r >= '0' && r <= '9') || han(r) {
			break
		}
		end += n
	}
	return start, end
}
