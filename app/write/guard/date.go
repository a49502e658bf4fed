package guard

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var monthNames = map[string]int{
	"january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9, "october": 10, "november": 11, "december": 12,
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
	"januar": 1, "februar": 2, "märz": 3, "mai": 5, "juni": 6, "juli": 7, "oktober": 10, "dezember": 12,
	"janvier": 1, "février": 2, "mars": 3, "avril": 4, "juin": 6, "juillet": 7, "août": 8, "septembre": 9, "octobre": 10, "novembre": 11, "décembre": 12,
	"enero": 1, "febrero": 2, "marzo": 3, "abril": 4, "mayo": 5, "junio": 6, "julio": 7, "agosto": 8, "septiembre": 9, "octubre": 10, "noviembre": 11, "diciembre": 12,
}

var weekdayNames = map[string]int{
	"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 7,
	"mon": 1, "tue": 2, "tues": 2, "wed": 3, "thu": 4, "thur": 4, "thurs": 4, "fri": 5,
	"montag": 1, "dienstag": 2, "mittwoch": 3, "donnerstag": 4, "freitag": 5, "samstag": 6, "sonntag": 7,
	"lundi": 1, "mardi": 2, "mercredi": 3, "jeudi": 4, "vendredi": 5, "samedi": 6, "dimanche": 7,
	"lunes": 1, "martes": 2, "miércoles": 3, "jueves": 4, "viernes": 5, "sábado": 6, "domingo": 7,
}

// relativeNames are days seen from today.
var relativeNames = map[string]string{
	"today": "0", "tomorrow": "+1", "yesterday": "-1", "tonight": "0", "heute": "0", "morgen": "+1", "gestern": "-1",
	"demain": "+1", "hier": "-1", "aujourd'hui": "0", "mañana": "+1", "ayer": "-1", "hoy": "0",
}

const monthPattern = `(?:jan(?:uary|uar|vier)?|feb(?:ruary|ruar|rero)?|février|mar(?:ch|s|zo)?|märz|apr(?:il)?|avril|abril|may|mai|mayo|june?|juni|juin|junio|july?|juli|juillet|julio|aug(?:ust)?|août|agosto|sept?(?:ember|embre|iembre)?|oct(?:ober|obre|ubre)?|oktober|nov(?:ember|embre|iembre)?|dec(?:ember)?|dezember|décembre|diciembre|enero)`

type datePattern struct {
	re   *regexp.Regexp
	keys func(m []string) (keys []string, year string)
}

func md(m, d int) string { return fmt.Sprintf("d:%02d-%02d", m, d) }

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

var datePatterns = []datePattern{
	{regexp.MustCompile(`\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b`), func(m []string) ([]string, string) {
		return []string{md(atoi(m[2]), atoi(m[3]))}, m[1]
	}},
	{regexp.MustCompile(`\b(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})\b`), func(m []string) ([]string, string) {
		return []string{md(atoi(m[1]), atoi(m[2])), md(atoi(m[2]), atoi(m[1]))}, longYear(m[3])
	}},
	{regexp.MustCompile(`(?:(\d{4}|[〇零一二三四五六七八九]{4})\s*年\s*)?([\d一二三四五六七八九十]{1,3})\s*月(?:\s*([\d一二三四五六七八九十]{1,3})\s*[日号])?`), func(m []string) ([]string, string) {
		month, day := number(m[2]), number(m[3])
		if day == 0 {
			return []string{fmt.Sprintf("m:%d", month)}, number4(m[1])
		}
		return []string{md(month, day)}, number4(m[1])
	}},
	{regexp.MustCompile(`(?i)\b(` + monthPattern + `)\.?\s+(\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s+(\d{4})\b)?`), func(m []string) ([]string, string) {
		month := monthNames[strings.ToLower(m[1])]
		return []string{md(month, atoi(m[2]))}, m[3]
	}},
	{regexp.MustCompile(`(?i)\b(\d{1,2})(?:st|nd|rd|th|er|\.)?\s+(?:of\s+|de\s+)?(` + monthPattern + `)\b\.?(?:,?\s+(?:de\s+)?(\d{4})\b)?`), func(m []string) ([]string, string) {
		month := monthNames[strings.ToLower(m[2])]
		return []string{md(month, atoi(m[1]))}, m[3]
	}},
}

// ranges of days in one month: "12 to 16 May", "May 12–16".
var ranges = []struct {
	re              *regexp.Regexp
	from, to, month int // groups
}{
	{regexp.MustCompile(`(?i)\b(\d{1,2})(?:st|nd|rd|th|\.)?\s*(?:-|–|—|to|until|till|and|bis|und|au|et|al|y)\s*(\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?(` + monthPattern + `)\b\.?(?:,?\s+(\d{4})\b)?`), 1, 2, 3},
	{regexp.MustCompile(`(?i)\b(` + monthPattern + `)\.?\s+(\d{1,2})(?:st|nd|rd|th)?\s*(?:-|–|—|to|until|till|and|through)\s*(\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s+(\d{4})\b)?`), 2, 3, 1},
}

func longYear(s string) string {
	if len(s) == 2 {
		return "20" + s
	}
	return s
}

func number(s string) int {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return atoi(s)
	}
	if s == "一" {
		return 1
	}
	v, _ := chinese([]rune(s))
	return int(v)
}

func number4(s string) string {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return s
	}
	v, _ := chinese([]rune(s))
	return strconv.FormatInt(v, 10)
}

var (
	clock      = regexp.MustCompile(`(?i)\b(\d{1,2})(?:[:.h](\d{2}))?\s*(a\.m\.|p\.m\.|am\b|pm\b|o'clock|o’clock|uhr\b)|\b(\d{1,2})[:：](\d{2})\b`)
	clockChina = regexp.MustCompile(`(凌晨|早上|上午|中午|下午|晚上|傍晚)?\s*([\d一二两三四五六七八九十]{1,3})\s*[点點时](?:\s*(半)|\s*([\d一二三四五六七八九十]{1,3})\s*分)?`)
	pastHour   = regexp.MustCompile(`(?i)\b(half|quarter)\s+(past|to)\s+(\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b`)
	shortDate  = regexp.MustCompile(`(?i)\b((?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)(\d{1,2})/(\d{1,2})\b`)
	dayMonth   = regexp.MustCompile(`\b(\d{1,2})\.(\d{1,2})\.(?:[\s,;)]|$)`)
	dotClock   = regexp.MustCompile(`(?i)\bat\s+(\d{1,2})\.([0-5]\d)\b`)
	noon       = regexp.MustCompile(`(?i)\b(?:noon|midday|midnight)\b`)
	// A month's name counts by itself only where it cannot be a verb.
	bareMonth = regexp.MustCompile(`(?i)\b(` + monthPattern + `)\b`)
	weekChina = regexp.MustCompile(`(?:周|星期|礼拜)([一二三四五六日天])`)
	dayChina  = regexp.MustCompile(`大后天|后天|前天|昨天|昨晚|今天|今晚|明天|明晚|明日|昨日|今日`)
)

var relativeChina = map[string]string{"大后天": "+3", "后天": "+2", "前天": "-2", "昨天": "-1", "昨日": "-1", "昨晚": "-1", "今天": "0", "今日": "0", "今晚": "0", "明天": "+1", "明日": "+1", "明晚": "+1"}

// moments finds dates, times, months and days; years inside dates come as
// numbers.
func (t *text) moments() (dates, years []fact, masked string) {
	if t.times == nil {
		t.times = &moments{}
		t.times.dates, t.times.years, t.times.masked = t.findMoments()
	}
	return t.times.dates, t.times.years, t.times.masked
}

// moments are what a text says of time, and the text with it blanked.
type moments struct {
	dates, years []fact
	masked       string
}

func (t *text) findMoments() (dates, years []fact, masked string) {
	b := []byte(t.masked)
	blank := func(at Span) {
		for i := at.Start; i < at.End; i++ {
			if b[i] != '\n' {
				b[i] = ' '
			}
		}
	}
	take := func(at Span, keys ...string) {
		f := fact{kind: Date, keys: keys, text: t.raw[at.Start:at.End], at: at}
		for _, k := range keys { // a full date says its month too
			if month, ok := strings.CutPrefix(k, "d:"); ok {
				f.loose = append(f.loose, fmt.Sprintf("m:%d", atoi(month[:2])))
			}
		}
		dates = append(dates, f)
		blank(at)
	}
	for _, r := range ranges {
		for _, m := range r.re.FindAllSubmatchIndex(b, -1) {
			p := submatches(string(b), m)
			month := monthNames[strings.ToLower(p[r.month])]
			at := Span{m[0], m[1]}
			if year := p[len(p)-1]; len(year) == 4 {
				years = append(years, fact{kind: Number, keys: []string{year}, text: year, at: at})
			}
			take(at, md(month, atoi(p[r.from])))
			take(at, md(month, atoi(p[r.to])))
		}
	}
	for _, p := range datePatterns {
		for _, m := range p.re.FindAllSubmatchIndex(b, -1) {
			parts := submatches(string(b), m)
			keys, year := p.keys(parts)
			at := Span{m[0], m[1]}
			if year != "" {
				years = append(years, fact{kind: Number, keys: []string{year}, text: year, at: at})
			}
			take(at, keys...)
		}
	}
	for _, m := range shortDate.FindAllSubmatchIndex(b, -1) {
		p := submatches(string(b), m)
		take(Span{m[4], m[7]}, md(atoi(p[2]), atoi(p[3])), md(atoi(p[3]), atoi(p[2])))
	}
	for _, m := range dayMonth.FindAllSubmatchIndex(b, -1) {
		p := submatches(string(b), m)
		if t.tongue() == "de" && atoi(p[1]) <= 31 && atoi(p[2]) <= 12 {
			take(Span{m[2], m[5] + 1}, md(atoi(p[2]), atoi(p[1])))
		}
	}
	for _, m := range dotClock.FindAllSubmatchIndex(b, -1) {
		p := submatches(string(b), m)
		take(Span{m[2], m[5]}, timeKey(atoi(p[1]), atoi(p[2])), timeKey(atoi(p[1])+12, atoi(p[2])))
	}
	for _, m := range pastHour.FindAllSubmatchIndex(b, -1) {
		p := submatches(string(b), m)
		h := atoi(p[3])
		if h == 0 {
			h = max(1, ones[strings.ToLower(p[3])])
		}
		minute := 30
		if strings.EqualFold(p[1], "quarter") {
			minute = 15
		}
		if strings.EqualFold(p[2], "to") {
			h, minute = h+23, 60-minute
		}
		take(Span{m[0], m[1]}, timeKey(h, minute), timeKey(h+12, minute))
	}
	for _, m := range clock.FindAllSubmatchIndex(b, -1) {
		p := submatches(string(b), m)
		take(Span{m[0], m[1]}, clockKeys(p)...)
	}
	for _, m := range clockChina.FindAllSubmatchIndex(b, -1) {
		p := submatches(string(b), m)
		h, min := number(p[2]), number(p[4])
		if p[3] != "" {
			min = 30
		}
		if h > 24 || p[1] == "" && p[3] == "" && p[4] == "" && (h < 3 || h > 24) {
			continue // 一点, 两点: "a little", "points"
		}
		keys := []string{timeKey(h, min)}
		switch {
		case p[1] == "下午" || p[1] == "晚上" || p[1] == "傍晚" || p[1] == "中午" && h < 3:
			keys = []string{timeKey(h%12+12, min)}
		case p[1] == "" && h <= 12:
			keys = append(keys, timeKey(h%12+12, min))
		}
		take(Span{m[0], m[1]}, keys...)
	}
	for _, m := range noon.FindAllIndex(b, -1) {
		key := timeKey(12, 0)
		if strings.EqualFold(string(b[m[0]:m[1]]), "midnight") {
			key = timeKey(0, 0)
		}
		take(Span{m[0], m[1]}, key)
	}
	for _, m := range weekChina.FindAllSubmatchIndex(b, -1) {
		day := strings.Index("一二三四五六日天", string(b[m[2]:m[3]]))/3 + 1
		take(Span{m[0], m[1]}, fmt.Sprintf("w:%d", min(day, 7)))
	}
	for _, m := range dayChina.FindAllIndex(b, -1) {
		take(Span{m[0], m[1]}, "r:"+relativeChina[string(b[m[0]:m[1]])])
	}
	for _, w := range t.words {
		if b[w.at.Start] == ' ' {
			continue
		}
		name := strings.TrimSuffix(strings.TrimSuffix(w.lower, "'s"), "'")
		if relativeNames[strings.TrimSuffix(name, "s")] != "" {
			name = strings.TrimSuffix(name, "s") // "tomorrows meeting"
		}
		if d, ok := weekdayNames[strings.TrimSuffix(name, "s")]; ok && w.text[0] < 'a' && len(name) > 4 {
			take(w.at, fmt.Sprintf("w:%d", d))
		} else if d, ok := weekdayNames[strings.TrimSuffix(name, "s")]; ok && len(name) > 6 {
			take(w.at, fmt.Sprintf("w:%d", d))
		} else if d, ok := weekdayNames[name]; ok && (w.text[0] < 'a' || len(name) > 5) {
			take(w.at, fmt.Sprintf("w:%d", d))
		} else if r, ok := relativeNames[name]; ok && w.text != "Morgen" {
			take(w.at, "r:"+r)
		}
	}
	for _, m := range bareMonth.FindAllSubmatchIndex(b, -1) {
		name := string(b[m[2]:m[3]])
		lower := strings.ToLower(name)
		before := strings.Fields(strings.ToLower(string(b[max(0, m[0]-16):m[0]])))
		after := len(before) > 0 && inMonth[before[len(before)-1]]
		if name == lower && name[0] < 0x80 && !after || (lower == "may" || lower == "mar" || lower == "march" || lower == "mars" || lower == "mai") && !after || len(lower) < 3 {
			continue
		}
		take(Span{m[0], m[1]}, fmt.Sprintf("m:%d", monthNames[lower]))
	}
	return dates, years, string(b)
}

var inMonth = set("in", "of", "since", "until", "till", "by", "during", "from", "to", "last", "next", "this", "late", "early", "mid", "im", "seit", "bis", "en", "de", "depuis", "through", "before", "after", "and")

func submatches(s string, m []int) []string {
	out := make([]string, len(m)/2)
	for i := range out {
		if m[2*i] >= 0 {
			out[i] = s[m[2*i]:m[2*i+1]]
		}
	}
	return out
}

func timeKey(h, m int) string { return fmt.Sprintf("t:%02d:%02d", h%24, m) }

// clockKeys: "3 pm" is 15:00; "3:30" can be in the morning or the afternoon.
func clockKeys(p []string) []string {
	if p[4] != "" {
		h, m := atoi(p[4]), atoi(p[5])
		if h > 0 && h <= 12 {
			return []string{timeKey(h, m), timeKey(h%12+12, m)}
		}
		return []string{timeKey(h, m)}
	}
	h, m := atoi(p[1]), atoi(p[2])
	switch suffix := strings.ToLower(strings.ReplaceAll(p[3], ".", "")); suffix {
	case "am":
		return []string{timeKey(h%12, m)}
	case "pm":
		return []string{timeKey(h%12+12, m)}
	}
	if h <= 12 {
		return []string{timeKey(h, m), timeKey(h%12+12, m)}
	}
	return []string{timeKey(h, m)}
}

// withoutDates blanks them, so that their digits are no numbers.
func (t *text) withoutDates() string {
	_, _, masked := t.moments()
	return masked
}

// dates compares points in time.
func dates(was, is *text, o Options) []Fault {
	a, ay, _ := was.moments()
	b, by, _ := is.moments()
	lost, fresh := compare(a, b)
	// A year may stand beside its date or by itself.
	var plainA, plainB []fact
	for _, q := range was.numbers() {
		plainA = append(plainA, fact{kind: Number, keys: append(q.keys, q.hours()...)})
	}
	for _, q := range is.numbers() {
		plainB = append(plainB, fact{kind: Number, keys: append(q.keys, q.hours()...)})
	}
	if o.Reform {
		fresh = added(a, b)
	}
	lost, fresh = absent(lost, plainB), absent(fresh, plainA) // "at 2" and "at 2:00"
	lost = append(lost, absent(ay, append(by, plainB...))...)
	fresh = append(fresh, absent(by, append(ay, plainA...))...)
	if o.Reform {
		lost = nil
	}
	return faults(lost, fresh)
}
