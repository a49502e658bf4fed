package guard

import (
	"strings"
)

// strict words negate whatever they stand by.
var strict = set("not", "no", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "cannot", "without", "don't", "doesn't", "didn't", "isn't", "aren't", "wasn't", "weren't", "can't", "won't", "wouldn't", "couldn't", "shouldn't", "haven't", "hasn't", "hadn't", "mustn't", "needn't", "ain't", "mightn't",
	"dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "cant", "wont", "couldnt", "shouldnt", "havent", "hasnt",
	"nicht", "kein", "keine", "keinen", "keinem", "keiner", "keines", "nie", "niemals", "nichts", "niemand", "ohne", "weder",
	"ne", "pas", "jamais", "rien", "aucun", "aucune", "sans", "nunca", "nada", "nadie", "ningún", "ninguna", "sin", "tampoco", "jamás")

// mild words say a negation in another way: one of them may stand for a strict
// one.
var mild = set("unable", "impossible", "fail", "fails", "failed", "failing", "failure", "lack", "lacks", "lacked", "lacking", "refuse", "refuses", "refused", "deny", "denies", "denied", "avoid", "avoids", "avoided", "avoiding", "prevent", "prevents", "prevented", "hardly", "barely", "rarely", "seldom", "scarcely", "except", "forbid", "forbids", "forbidden", "prohibit", "prohibited", "prohibits", "stop", "stopped", "stops", "cease", "ceased", "refrain", "decline", "declined", "declines", "skip", "skipped", "missing", "miss", "missed", "absent", "absence", "empty", "free", "zero", "unsure", "uncertain", "unclear", "unknown", "unaware", "unlikely", "unavailable", "unacceptable", "unnecessary", "unwilling", "unhappy", "unfair", "unusual", "unchanged", "unpaid", "unopened", "unresolved", "unanswered", "unsuccessful", "unfinished", "uncommon", "unneeded", "unlike", "unused", "untouched", "unaffected", "unfamiliar", "unsatisfied", "unexpected", "unreliable", "unsafe", "unimportant", "incorrect", "incomplete", "inactive", "insufficient", "inaccurate", "invalid", "inconsistent", "independent", "irrelevant", "illegal", "impolite", "impatient", "inappropriate", "inadequate", "insignificant", "dislike", "dislikes", "disagree", "disagrees", "disagreed", "disallow", "disallowed", "disconnected", "disabled", "dissatisfied", "disappointed", "ineligible", "non", "nonexistent", "only", "until", "instead", "wrong", "false", "struggle", "struggled", "reject", "rejected", "rejects", "exclude", "excluded", "excludes", "excluding", "ignore", "ignored", "ignoring", "neglected", "neglect", "pending", "outstanding", "overdue", "off-limits", "closed", "cancelled", "canceled", "withhold", "exempt", "few", "little", "less", "nor", "wonder", "doubt", "doubts", "doubtful", "opposed", "restricted", "unless", "dissatisfaction",
	"differ", "differs", "differed", "mismatch", "locked", "exempt", "waived", "defekt", "kaputt", "streikt", "exento", "exentos", "exenta", "exentas", "libre", "inexperienced", "unmöglich", "kaum", "selten", "fehlt", "fehlen", "impossible", "difficile", "manque", "imposible", "falta", "difícil")

// kept together, these are no negation, or say the same with and without it.
var idioms = [][]string{
	{"not", "only"}, {"no", "later", "than"}, {"no", "more", "than"}, {"no", "less", "than"}, {"no", "fewer", "than"}, {"no", "problem"}, {"no", "worries"}, {"no", "doubt"}, {"not", "hesitate"}, {"don't", "hesitate"},
	{"not", "forget"}, {"don't", "forget"}, {"never", "forget"}, {"why", "not"}, {"why", "don't"}, {"nothing", "but"}, {"no", "matter"}, {"if", "not"}, {"or", "not"}, {"not", "to", "mention"}, {"not", "just"}, {"not", "merely"}, {"no", "one"}, {"can't", "wait"}, {"cannot", "wait"}, {"can't", "help"}, {"not", "least"}, {"whether", "or", "not"}, {"no", "sooner"}, {"last", "but", "not"}, {"don't", "worry"}, {"no", "need"}, {"nicht", "nur"}, {"not", "bad"}, {"next", "to", "nothing"},
}

// noOne is a negation although it begins like an idiom.
var counts = map[string]bool{"no one": true, "no need": true, "if not": true}

// negations compares how often each text negates. A negation may turn into a
// word that says it otherwise ("not possible", "impossible").
func negations(was, is *text, o Options) []Fault {
	if o.Reform {
		return nil
	}
	a, b := was.negated(), is.negated()
	lost, fresh := len(a.strict)-len(b.strict), len(b.strict)-len(a.strict)
	switch {
	case lost > 0 && lost > surplusWords(a.mild, b.mild):
		if o.Shorten && len(b.strict) > 0 {
			return nil // the same thing said once instead of twice
		}
		at := missingIn(a.strict, b.strict, was, is)
		return []Fault{{Kind: Negation, Old: was.raw[at.Start:at.End], In: at}}
	case fresh > 0 && fresh > surplusWords(b.mild, a.mild):
		at := missingIn(b.strict, a.strict, is, was)
		return []Fault{{Kind: Negation, New: is.raw[at.Start:at.End], Out: at}}
	}
	return nil
}

// surplusWords counts the words of b that a has not, or has less often.
func surplusWords(a, b map[string]int) (n int) {
	for w, c := range b {
		n += max(0, c-a[w])
	}
	return n
}

type negated struct {
	strict []Span
	mild   map[string]int
}

func (t *text) negated() negated {
	if t.neg == nil {
		n := t.findNegated()
		t.neg = &n
	}
	return *t.neg
}

func (t *text) findNegated() (n negated) {
	n.mild = map[string]int{}
	for i := 0; i < len(t.words); i++ {
		w := t.words[i]
		if strings.ContainsAny(w.text, "不没無无未别勿莫非否") && han([]rune(w.text)[0]) {
			if !plainChinese(t.words, i) {
				n.strict = append(n.strict, w.at)
			}
			continue
		}
		if skip := idiomAt(t.words, i); skip > 0 {
			i += skip - 1
			continue
		}
		if strict[w.lower] {
			if w.lower == "ne" || w.lower == "n'" || tag(t, i) || second(t, i) || designator(t, i) {
				continue // French says it twice; a question tag asks for consent
			}
			if j := undone(t.words, i); j > 0 {
				i = j // "not prohibited" says that it is allowed
				continue
			}
			n.strict = append(n.strict, w.at)
		} else if mild[w.lower] || strings.HasPrefix(w.lower, "un") && len(w.lower) > 6 && !notUn[w.lower] {
			n.mild[w.lower]++
		}
	}
	for _, w := range []string{"难以", "拒绝", "禁止", "避免", "缺乏", "缺少", "失败", "停止", "很少", "除非", "除了", "谢绝", "防止", "以免", "仅", "只", "才", "免", "难", "禁", "尚", "仍", "还", "取消", "错过", "反对"} {
		if c := strings.Count(t.masked, w); c > 0 {
			n.mild[w] = c
		}
	}
	return n
}

// second says whether the word only completes a negation: neither … nor, sans
// aucune.
func second(t *text, i int) bool {
	for j := i - 1; j >= 0 && j >= i-12; j-- {
		before := t.words[j].lower
		if clause[before] {
			return false
		}
		switch t.words[i].lower {
		case "nor", "or":
			if before == "neither" {
				return true
			}
		case "nothing", "nobody":
			// Said twice, meant once: "don't merge nothing".
			if j >= i-5 && (strings.HasSuffix(before, "n't") || before == "not" || before == "never") && t.masked[t.words[j].at.End:t.words[i].at.Start] == strings.TrimLeft(t.masked[t.words[j].at.End:t.words[i].at.Start], ".,;!?") {
				return true
			}
		case "aucun", "aucune", "rien":
			if before == "sans" && j == i-1 {
				return true
			}
		}
	}
	return false
}

// undoing words are negations that another one turns round.
var undoing = set("prohibited", "forbidden", "missing", "failed", "fails", "fail", "lack", "lacks", "lacking", "refused", "refuse", "deny", "denied", "free", "empty", "absent", "rejected", "excluded", "exempt", "withhold", "withheld", "impossible", "unavailable", "unable", "invalid", "incorrect", "disabled", "closed", "wrong")

// undone gives the place of a word right behind that undoes the negation at i,
// or 0.
func undone(words []word, i int) int {
	if words[i].lower == "no" || words[i].lower == "without" {
		return 0
	}
	for j := i + 1; j < len(words) && j <= i+3; j++ {
		if undoing[words[j].lower] {
			return j
		}
		if clause[words[j].lower] || words[j].at.Start-words[j-1].at.End > 2 {
			return 0
		}
	}
	return 0
}

// clause begins another statement.
var clause = set("because", "since", "as", "that", "and", "but", "when", "while", "if", "which", "who")

// designator: "part no. 7" negates nothing.
func designator(t *text, i int) bool {
	w := t.words[i]
	if w.lower != "no" || i+1 >= len(t.words) || w.at.End >= len(t.masked) || t.masked[w.at.End] != '.' {
		return false
	}
	return strings.ContainsAny(t.words[i+1].text, "0123456789") || strings.ToUpper(t.words[i+1].text) == t.words[i+1].text
}

var notUn = set("unless", "under", "understand", "understood", "understanding", "until", "unique", "united", "university", "universal", "underline", "undertake", "unified", "uniform", "universe", "unanimous", "unanimously", "underlying", "undergo", "underway", "unfortunately")

// tag: "isn't it?", "Couldn't you…?" are no negations.
func tag(t *text, i int) bool {
	w := t.words[i]
	if !strings.HasSuffix(w.lower, "n't") {
		return false
	}
	for _, s := range t.sentences {
		if s.question && w.at.Start >= s.at.Start && w.at.End <= s.at.End {
			rest := words(t.masked[w.at.End:s.at.End])
			return len(rest) <= 2 || w.first
		}
	}
	return false
}

func idiomAt(all []word, i int) int {
	for _, idiom := range idioms {
		if i+len(idiom) > len(all) {
			continue
		}
		ok := true
		for j, w := range idiom {
			ok = ok && all[i+j].lower == w
		}
		if ok && !counts[strings.Join(idiom, " ")] {
			return len(idiom)
		}
	}
	return 0
}

// chineseIdioms hold a character of negation without being one.
var chineseIdioms = []string{"不仅", "不但", "不过", "不久", "不错", "不同", "不断", "不止", "不管", "不论", "无论", "对不起", "不好意思", "差不多", "不得不", "要不", "不如", "无疑", "非常", "别人", "特别", "区别", "分别", "别的", "级别", "个别", "未来", "是否", "是不是", "能不能", "可不可以", "要不要", "有没有", "会不会", "否则", "不客气", "不用谢", "没关系", "没问题", "来不及", "不禁", "不少", "无线", "除非", "莫非", "不妨", "性别", "类别", "告别", "非洲", "沉没", "并非不", "不由", "不必客气", "能否", "可否", "好不好", "对不对", "无聊", "不时", "没事", "尽管", "莫大", "未满"}

func plainChinese(all []word, i int) bool {
	if i > 0 && i+1 < len(all) && all[i-1].text == all[i+1].text && all[i-1].at.End == all[i].at.Start && all[i].at.End == all[i+1].at.Start {
		return true // 需不需要, 好不好
	}
	from, to := max(0, i-3), min(len(all), i+4)
	var b strings.Builder
	at := 0
	for j := from; j < to; j++ {
		if j > from && all[j].at.Start != all[j-1].at.End {
			b.WriteByte(' ')
		}
		if j == i {
			at = b.Len()
		}
		b.WriteString(all[j].text)
	}
	s := b.String()
	for _, idiom := range chineseIdioms {
		for start := 0; ; {
			k := strings.Index(s[start:], idiom)
			if k < 0 {
				break
			}
			k += start
			if k <= at && at < k+len(idiom) && !strings.HasPrefix(s[k:], "不同意") {
				return true
			}
			start = k + 1
		}
	}
	return false
}

// missingIn guesses which of the negations has no partner: the one whose
// neighbours do not stand by a negation in the other text.
func missingIn(from, in []Span, t, other *text) Span {
	near := func(t *text, at Span) map[string]bool {
		m := map[string]bool{}
		for _, w := range t.words {
			if w.at.Start >= at.Start-30 && w.at.End <= at.End+30 && w.at != at && !common[w.lower] {
				m[stem(w.lower)] = true
			}
		}
		return m
	}
	best, score := from[0], 1<<30
	for _, a := range from {
		shared := 0
		words := near(t, a)
		for _, b := range in {
			n := 0
			for w := range near(other, b) {
				if words[w] {
					n++
				}
			}
			shared = max(shared, n)
		}
		if shared < score {
			best, score = a, shared
		}
	}
	return best
}

// pairs of opposites: one lost and the other new is a fault.
var pairs = [][2]string{
	{"increase", "decrease"}, {"increased", "decreased"}, {"increases", "decreases"}, {"rise", "fall"}, {"rose", "fell"}, {"risen", "fallen"}, {"grew", "shrank"}, {"before", "after"}, {"more", "less"}, {"more", "fewer"}, {"most", "least"}, {"higher", "lower"}, {"high", "low"}, {"maximum", "minimum"}, {"always", "never"}, {"always", "sometimes"}, {"all", "none"}, {"all", "some"}, {"every", "some"}, {"accept", "reject"}, {"accepted", "rejected"}, {"accept", "refuse"}, {"accepted", "refused"}, {"approve", "reject"}, {"approved", "rejected"}, {"approved", "denied"}, {"agree", "disagree"}, {"agreed", "disagreed"}, {"agreed", "refused"}, {"open", "closed"}, {"opened", "closed"}, {"opens", "closes"}, {"buy", "sell"}, {"bought", "sold"}, {"include", "exclude"}, {"includes", "excludes"}, {"included", "excluded"}, {"win", "lose"}, {"won", "lost"}, {"pass", "fail"}, {"passed", "failed"}, {"enable", "disable"}, {"enabled", "disabled"}, {"must", "may"}, {"must", "might"}, {"required", "optional"}, {"mandatory", "optional"}, {"allowed", "forbidden"}, {"arrive", "depart"}, {"arrives", "departs"}, {"arrived", "departed"}, {"early", "late"}, {"earlier", "later"}, {"start", "end"}, {"starts", "ends"}, {"possible", "impossible"}, {"able", "unable"}, {"available", "unavailable"}, {"with", "without"}, {"safe", "dangerous"}, {"true", "false"}, {"correct", "incorrect"}, {"above", "below"}, {"left", "right"}, {"push", "pull"}, {"lend", "borrow"}, {"lent", "borrowed"}, {"success", "failure"}, {"succeeded", "failed"}, {"profit", "loss"}, {"cheaper", "dearer"}, {"faster", "slower"}, {"better", "worse"}, {"best", "worst"}, {"larger", "smaller"}, {"bigger", "smaller"}, {"longer", "shorter"}, {"older", "younger"}, {"newer", "older"}, {"stronger", "weaker"}, {"warm", "cold"}, {"hot", "cold"}, {"north", "south"}, {"east", "west"}, {"hired", "fired"}, {"can", "must"}, {"happy", "unhappy"}, {"likely", "unlikely"}, {"legal", "illegal"}, {"up", "down"}, {"on", "off"}, {"gained", "lost"}, {"received", "sent"}, {"until", "after"}, {"till", "after"}, {"by", "after"}, {"over", "under"}, {"over", "less"}, {"over", "fewer"}, {"above", "less"}, {"bigger", "less"}, {"larger", "less"}, {"more", "under"}, {"below", "more"}, {"under", "more"}, {"shall", "may"},
	{"增加", "减少"}, {"贵", "便宜"}, {"快", "慢"}, {"上升", "下降"}, {"提高", "降低"}, {"同意", "拒绝"}, {"同意", "反对"}, {"接受", "拒绝"}, {"之前", "之后"}, {"以前", "以后"}, {"必须", "可以"}, {"允许", "禁止"}, {"开始", "结束"}, {"总是", "从不"}, {"成功", "失败"}, {"盈利", "亏损"}, {"最高", "最低"}, {"所有", "部分"}, {"支持", "反对"}, {"打开", "关闭"}, {"买入", "卖出"}, {"包括", "不包括"}, {"有效", "无效"}, {"安全", "危险"}, {"提前", "推迟"}, {"大于", "小于"}, {"多于", "少于"}, {"至少", "至多"}, {"至少", "最多"},
}

// loose opposites are too common as other words to be looked for in any order.
var loose = set("over", "under", "less", "fewer", "shall", "before", "after", "until", "till", "by", "on", "off", "up", "down", "left", "right", "with", "more", "can", "all", "some", "every", "open", "may")

func opposites(was, is *text) []Fault {
	count := func(t *text, w string) (n int, at Span) {
		if han([]rune(w)[0]) {
			if i := strings.Index(t.masked, w); i >= 0 {
				at = Span{i, i + len(w)}
			}
			return strings.Count(t.masked, w), at
		}
		for _, x := range t.words {
			if x.lower == w {
				n++
				at = x.at
			}
		}
		return n, at
	}
	var all []Fault
	for _, p := range pairs {
		for _, d := range [][2]string{{p[0], p[1]}, {p[1], p[0]}} {
			old0, at := count(was, d[0])
			old1, _ := count(was, d[1])
			new0, _ := count(is, d[0])
			new1, out := count(is, d[1])
			if old0 <= new0 || new1 <= old1 {
				continue
			}
			// A negation that came or went with it may turn the sentence back,
			// except where the same date or number stands behind both.
			turned := len(is.negated().strict) != len(was.negated().strict)
			vague := (loose[d[0]] || loose[d[1]]) && !sameNeighbours(was, at, is, out)
			if (turned || vague) && !sameFact(was, at, is, out) {
				continue
			}
			all = append(all, Fault{Kind: Opposite, Old: d[0], New: d[1], In: at, Out: out})
		}
	}
	return all
}

// sameFact says whether the same date or number follows both words closely.
func sameFact(a *text, at Span, b *text, out Span) bool {
	next := func(t *text, at Span) (facts []fact) {
		dates, _, _ := t.moments()
		for _, f := range append(dates, numberFacts(t.numbers())...) {
			if f.at.Start >= at.End && f.at.Start <= at.End+16 {
				facts = append(facts, f)
			}
		}
		return facts
	}
	for _, f := range next(a, at) {
		for _, g := range next(b, out) {
			if f.same(g) {
				return true
			}
		}
	}
	return false
}

// sameNeighbours says whether a word before or behind is the same.
func sameNeighbours(a *text, at Span, b *text, out Span) bool {
	next := func(t *text, at Span) (before, after string) {
		for i, w := range t.words {
			if w.at == at {
				if i > 0 {
					before = t.words[i-1].lower
				}
				if i+1 < len(t.words) {
					after = t.words[i+1].lower
				}
			}
		}
		return before, after
	}
	b1, a1 := next(a, at)
	b2, a2 := next(b, out)
	return b1 != "" && b1 == b2 && (a1 == a2 || a1 == "" || a2 == "") || a1 != "" && a1 == a2
}
