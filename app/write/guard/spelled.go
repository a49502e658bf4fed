package guard

import (
	"regexp"
	"strconv"
	"strings"
)

var ones = map[string]int{
	"zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
	"zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "zwölf": 12,
	"deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
	"dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10,
	"third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
	"twice": 2, "both": 2,
}

// quietWords may stand for a number, but say much else too.
var quietWords = map[string][]string{
	"half": {"0.5", "50"}, "quarter": {"0.25", "25", "15"}, "first": {"1"}, "firstly": {"1"}, "second": {"2"}, "secondly": {"2"}, "once": {"1"}, "single": {"1"}, "one": {"1"},
	"eins": {"1"}, "ersten": {"1"}, "erste": {"1"}, "zweiten": {"2"}, "zweite": {"2"}, "dritten": {"3"}, "dritte": {"3"}, "vierten": {"4"}, "halbe": {"0.5"}, "halben": {"0.5"},
	"premier": {"1"}, "première": {"1"}, "deuxième": {"2"}, "troisième": {"3"}, "demi": {"0.5"}, "primer": {"1"}, "primero": {"1"}, "primera": {"1"}, "segundo": {"2"}, "segunda": {"2"}, "tercer": {"3"}, "tercero": {"3"}, "medio": {"0.5"}, "media": {"0.5"},
	"一": {"1"}, "半": {"0.5"},
}

// halfOf is what stands between "half" and its unit.
var halfOf = regexp.MustCompile(`^ (?:an?|of an?) |^个`)

var tens = map[string]int{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}

var hundreds = map[string]float64{"hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "dozen": 12}

// spelled finds numbers in words: English ones up to billions, Chinese ones,
// and the small ones of German, French and Spanish.
func (t *text) spelled(masked string) []quantity {
	var all []quantity
	for i := 0; i < len(t.words); i++ {
		w := t.words[i]
		if masked[w.at.Start] == ' ' {
			continue // part of a date
		}
		if v, ok := quietWords[w.text]; ok && han([]rune(w.text)[0]) && !numeral(t.words, i) {
			q := quantity{keys: v, quiet: true, spelled: true, at: w.at, text: w.text}
			q.unit, q.soft = t.unitAround(masked, w.at.Start, halfOf.ReplaceAllString(masked[w.at.End:], ""))
			q.soft = true
			all = append(all, q)
			continue
		}
		if r := []rune(w.text)[0]; han(r) {
			j := i
			var digitsOf []rune
			for j < len(t.words) && (j == i || t.words[j].at.Start == t.words[j-1].at.End) {
				r := []rune(t.words[j].text)[0]
				if !strings.ContainsRune("〇零一二两三四五六七八九十百千万亿", r) {
					break
				}
				digitsOf = append(digitsOf, r)
				j++
			}
			if v, ok := chinese(digitsOf); ok && !idiom(t.words, i, j) {
				at := Span{w.at.Start, t.words[j-1].at.End}
				q := quantity{keys: []string{strconv.FormatInt(v, 10)}, spelled: true, at: at, text: t.raw[at.Start:at.End]}
				q.unit, q.soft = t.unitAround(masked, at.Start, masked[at.End:])
				q.soft = true
				all = append(all, q)
			}
			if j > i {
				i = j - 1
			}
			continue
		}
		if v, ok := quietWords[w.lower]; ok {
			q := quantity{keys: v, quiet: true, spelled: true, at: w.at, text: w.text}
			q.unit, q.soft = t.unitAround(masked, w.at.Start, halfOf.ReplaceAllString(masked[w.at.End:], " "))
			q.soft = true
			all = append(all, q)
			continue
		}
		v, n := english(t.words[i:])
		if n == 0 {
			continue
		}
		at := Span{w.at.Start, t.words[i+n-1].at.End}
		q := quantity{keys: []string{strconv.FormatFloat(v, 'f', -1, 64)}, spelled: true, at: at, text: t.raw[at.Start:at.End]}
		q.unit, q.soft = t.unitAround(masked, at.Start, masked[at.End:])
		q.soft = true
		all = append(all, q)
		i += n - 1
	}
	return all
}

// numeral says whether a neighbour makes a longer number of a character.
func numeral(words []word, i int) bool {
	is := func(j int) bool {
		return j >= 0 && j < len(words) && strings.ContainsAny(words[j].text, "〇零一二两三四五六七八九十百千万亿") && (words[j].at.End == words[i].at.Start || words[i].at.End == words[j].at.Start)
	}
	return is(i-1) || is(i+1)
}

// english reads a number from the start of words and says how many it took.
// "one" alone is a pronoun more often than a number.
func english(words []word) (v float64, n int) {
	var sum, group float64
	for n < len(words) {
		if n > 0 && words[n].at.Start-words[n-1].at.End > 1 {
			break
		}
		w := words[n].lower
		if x, ok := ones[w]; ok {
			group += float64(x)
		} else if x, ok := tens[w]; ok {
			group += float64(x)
		} else if w == "one" && n+1 < len(words) && hundreds[words[n+1].lower] > 0 {
			group++
		} else if w == "one" && n > 0 {
			group++
		} else if x, ok := hundreds[w]; ok && n > 0 && w != "dozen" {
			if x == 100 {
				group = max(group, 1) * x
			} else {
				sum += max(group, 1) * x
				group = 0
			}
		} else if w == "dozen" && n > 0 {
			group = max(group, 1) * 12
		} else if w == "and" && n > 0 && n+1 < len(words) && hundreds[words[n-1].lower] > 0 && (ones[words[n+1].lower] > 0 || tens[words[n+1].lower] > 0) {
			// "two hundred and five"
		} else {
			break
		}
		n++
	}
	if n == 1 && words[0].lower == "one" {
		return 0, 0
	}
	return sum + group, n
}

// chinese reads a number in Chinese characters; 一 alone means "a" too often.
func chinese(runes []rune) (int64, bool) {
	if len(runes) == 0 || len(runes) == 1 && strings.ContainsRune("一零〇万千百亿", runes[0]) {
		return 0, false
	}
	value := map[rune]int64{'〇': 0, '零': 0, '一': 1, '二': 2, '两': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9}
	unit := map[rune]int64{'十': 10, '百': 100, '千': 1000}
	var total, section, digit int64
	plain := true
	for _, r := range runes {
		if u, ok := unit[r]; ok {
			plain = false
			section += max(digit, 1) * u
			digit = 0
		} else if r == '万' || r == '亿' {
			plain = false
			f := int64(10000)
			if r == '亿' {
				f = 100000000
			}
			total += max(section+digit, 1) * f
			section, digit = 0, 0
		} else {
			digit = value[r]
		}
	}
	if plain && len(runes) > 1 { // 二〇二四
		var v int64
		for _, r := range runes {
			v = v*10 + value[r]
		}
		return v, true
	}
	return total + section + digit, true
}

// idiom says whether the characters belong to a word that is no number.
func idiom(words []word, i, j int) bool {
	if j < len(words) && words[j].at.Start == words[j-1].at.End {
		pair := words[j-1].text + words[j].text
		if j-i > 1 {
			pair = "" // 三十分钟
		}
		for _, w := range []string{"十分", "千万", "万一", "一些", "一下", "三思", "四处", "百姓", "万能", "一起", "一样", "一直", "一定", "万分", "七夕", "三明", "一般", "一切"} {
			if pair == w {
				return true
			}
		}
	}
	if i > 0 && words[i-1].at.End == words[i].at.Start {
		switch words[i-1].text {
		case "星", "期", "周", "拜", "第", "月", "统", "唯", "之", "万":
			return true // weekdays are dates; 第一 and the like order
		}
	}
	return false
}
