package guard

import "unicode"

// profiles are the commonest short words of languages written in Latin
// letters. Detection libraries for Go carry models of a hundred megabytes or
// have had no care for years; the question here is only whether a language
// changed into another.
var profiles = map[string]map[string]bool{
	"en": set("the", "and", "of", "to", "is", "that", "it", "for", "was", "with", "are", "this", "have", "you", "be", "not", "we", "from", "will", "your", "our", "by", "at", "has", "i", "they", "been", "would", "can", "please", "there", "which", "before", "my"),
	"de": set("der", "die", "und", "das", "ist", "nicht", "ein", "eine", "zu", "den", "mit", "von", "für", "auf", "dem", "sich", "wir", "ich", "sie", "es", "im", "werden", "haben", "auch", "bitte", "dass", "sind", "wird", "bis", "einen", "uns", "ihr", "noch", "um", "am"),
	"fr": set("le", "la", "les", "et", "est", "des", "une", "un", "du", "pas", "pour", "que", "dans", "nous", "vous", "je", "il", "elle", "sur", "avec", "ce", "qui", "au", "sont", "votre", "être", "merci", "ne", "à", "notre", "cette", "plus", "aux"),
	"es": set("el", "los", "las", "y", "es", "una", "un", "por", "que", "con", "para", "no", "se", "su", "del", "al", "como", "pero", "más", "está", "son", "nos", "gracias", "lo", "muy", "esta", "este", "le", "antes", "hay", "ha", "mi", "todos"),
	"it": set("il", "lo", "gli", "e", "è", "una", "un", "per", "che", "con", "non", "si", "di", "del", "della", "al", "come", "ma", "più", "sono", "nel", "questo", "grazie", "anche", "ha", "alla", "dei", "le"),
	"pt": set("o", "os", "as", "e", "é", "uma", "um", "por", "que", "com", "para", "não", "se", "do", "da", "dos", "ao", "como", "mas", "mais", "são", "em", "no", "na", "obrigado", "está", "foi"),
	"nl": set("de", "het", "en", "een", "is", "niet", "van", "te", "dat", "op", "voor", "met", "zijn", "wij", "ik", "je", "ook", "aan", "er", "maar", "om", "wordt", "naar", "deze"),
}

// language reports a change of script or language.
func language(was, is *text) []Fault {
	a, b := was.tongue(), is.tongue()
	if a == "" || b == "" || a == b {
		return nil
	}
	return []Fault{{Kind: Language, Old: a, New: b}}
}

// tongue names the language, or the script where that decides it; "" when the
// text is too short to tell.
func (t *text) tongue() string {
	scripts := map[string]int{}
	letters := 0
	for _, r := range t.masked {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		for name, table := range map[string]*unicode.RangeTable{"zh": unicode.Han, "ja": unicode.Hiragana, "ko": unicode.Hangul, "ru": unicode.Cyrillic, "el": unicode.Greek, "ar": unicode.Arabic, "he": unicode.Hebrew, "th": unicode.Thai, "hi": unicode.Devanagari} {
			if unicode.Is(table, r) {
				scripts[name]++
			}
		}
		if unicode.Is(unicode.Katakana, r) {
			scripts["ja"]++
		}
	}
	if letters == 0 {
		return ""
	}
	if scripts["ja"]*10 > letters {
		return "ja"
	}
	best, n := "", 0
	for name, k := range scripts {
		// A character of these scripts says as much as three letters.
		if w := k * 3; w > n {
			best, n = name, w
		}
	}
	if n > letters-n/3 {
		if n/3 >= 2 {
			return best
		}
		return ""
	}
	hits := map[string]int{}
	for _, w := range t.words {
		for name, p := range profiles {
			if p[w.lower] {
				hits[name]++
			}
		}
	}
	first, second := "", ""
	for name := range profiles {
		switch {
		case first == "" || hits[name] > hits[first] || hits[name] == hits[first] && name < first:
			first, second = name, first
		case second == "" || hits[name] > hits[second]:
			second = name
		}
	}
	if hits[first] < 3 || hits[first] < hits[second]+2 {
		return ""
	}
	return first
}
