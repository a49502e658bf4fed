package guard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "generate app/eval/data/faults.jsonl anew")

// planted is a rewrite with one fault put into it.
type planted struct {
	Kind     string `json:"kind"`
	Original string `json:"original"`
	Result   string `json:"result"`
}

// A mutation puts one fault into a faithful rewrite; "" where it does not
// apply. The patterns here are plain on purpose: they share nothing with those
// of the checks.
type mutation struct {
	kind string
	make func(r *rand.Rand, original, rewrite string) string
}

// pick replaces one of the pattern's matches.
func pick(pattern string, with func(r *rand.Rand, m string) string) func(*rand.Rand, string, string) string {
	re := regexp.MustCompile(pattern)
	return func(r *rand.Rand, _, s string) string {
		all := re.FindAllStringIndex(s, -1)
		if len(all) == 0 {
			return ""
		}
		m := all[r.IntN(len(all))]
		return s[:m[0]] + with(r, s[m[0]:m[1]]) + s[m[1]:]
	}
}

func swap(table map[string]string) func(*rand.Rand, string, string) string {
	return func(r *rand.Rand, _, s string) string {
		var keys []string
		for k := range table {
			if regexp.MustCompile(bound(k)).MatchString(s) {
				keys = append(keys, k)
			}
		}
		if len(keys) == 0 {
			return ""
		}
		slices.Sort(keys)
		k := keys[r.IntN(len(keys))]
		loc := regexp.MustCompile(bound(k)).FindStringIndex(s)
		return s[:loc[0]] + table[k] + s[loc[1]:]
	}
}

// bound keeps Latin words whole.
func bound(k string) string {
	if k[0] < 0x80 {
		return `\b` + regexp.QuoteMeta(k) + `\b`
	}
	return regexp.QuoteMeta(k)
}

func otherDigit(r *rand.Rand, m string) string {
	b := []byte(m)
	i := r.IntN(len(b))
	for b[i] < '0' || b[i] > '9' {
		i = r.IntN(len(b))
	}
	old := b[i]
	for b[i] == old || i == 0 && b[i] == '0' {
		b[i] = byte('0' + r.IntN(10))
	}
	return string(b)
}

var mutations = []mutation{
	{"number", pick(`\b[0-9][0-9.,]*[0-9]\b|\b[2-9]\b`, otherDigit)},
	{"number", swap(map[string]string{"two": "three", "three": "four", "four": "six", "six": "seven", "seven": "eight", "seven years": "nine years", "两": "三", "三十": "四十"})},
	{"unit", swap(map[string]string{"GB": "MB", "percent": "points", "%": " points", "hours": "minutes", "grams": "kilograms", "euros": "dollars", "euro": "dollars", "km": "miles", "days": "weeks", "years": "months", "kg": "lb", "minutes": "hours", "seconds": "minutes", "dollars": "euros", "€": "$", "$": "€", "元": "美元", "分钟": "小时", "天": "周", "meters": "feet", "metres": "feet", "weeks": "days", "months": "weeks"})},
	{"name", pick(`[a-z,] [A-Z][a-z]{2,}\b`, func(r *rand.Rand, m string) string {
		return m[:2] + []string{"Keller", "Oslo", "Martinez", "Priya", "Dunmore"}[r.IntN(5)]
	})},
	{"date", swap(map[string]string{"Monday": "Tuesday", "Tuesday": "Thursday", "Wednesday": "Friday", "Thursday": "Monday", "Friday": "Thursday", "Saturday": "Sunday", "Sunday": "Saturday", "Sundays": "Mondays", "January": "June", "February": "March", "March": "April", "May": "June", "June": "July", "July": "August", "August": "September", "September": "October", "October": "November", "November": "December", "December": "January", "tomorrow": "today", "tomorrow's": "today's", "yesterday": "today", "today": "tomorrow", "周三": "周四", "明天": "后天", "上午": "下午", "下午": "上午", "Montag": "Dienstag", "juillet": "juin", "pm": "am", "p.m.": "a.m.", "3 pm": "3 am"})},
	{"link", pick(`https?://[^\s)]+|[a-z0-9.]+@[a-z0-9.]+[a-z]`, func(r *rand.Rand, m string) string {
		i := strings.LastIndexAny(m, ".")
		return m[:i] + "s" + m[i:]
	})},
	{"link", pick(`https?://[^\s)]+|[a-z0-9.]+@[a-z0-9.]+[a-z]`, func(*rand.Rand, string) string { return "our website" })},
	{"code", pick("`[^`\n]+`", func(r *rand.Rand, m string) string { return strings.ReplaceAll(m, m[1:3], "x"+m[1:2]) })},
	{"code", pick("`[^`\n]+`", func(*rand.Rand, string) string { return "the option" })},
	{"placeholder", pick(`\{[a-z_]+\}|\[[A-Z ]+\]|%[sd]`, func(*rand.Rand, string) string { return "John" })},
	{"placeholder", pick(`\{[a-z_]+\}`, func(_ *rand.Rand, m string) string { return strings.Replace(m, "{", "{the_", 1) })},
	{"quotation", func(r *rand.Rand, _, s string) string {
		m := regexp.MustCompile(`"[^"\n]{12,}"|“[^”\n]{12,}”`).FindString(s)
		if m == "" {
			return ""
		}
		inner := strings.Fields(m)
		if len(inner) < 4 {
			return ""
		}
		inner[len(inner)/2] = "surely"
		return strings.Replace(s, m, strings.Join(inner, " "), 1)
	}},
	{"negation", func(r *rand.Rand, _, s string) string { // takes one away
		for _, p := range [][2]string{{" not ", " "}, {"don't ", ""}, {"doesn't ", ""}, {"didn't ", ""}, {"cannot", "can"}, {"can't", "can"}, {"won't", "will"}, {"isn't", "is"}, {"wasn't", "was"}, {"never ", "always "}, {" no ", " some "}, {"nobody", "somebody"}, {"没有", "有"}, {"不同意", "同意"}, {"不", ""}, {" nicht ", " "}, {"shouldn't", "should"}, {"aren't", "are"}, {"without", "with"}, {"without ", "with "}} {
			if strings.Contains(s, p[0]) {
				return strings.Replace(s, p[0], p[1], 1)
			}
		}
		return ""
	}},
	{"negation", func(r *rand.Rand, _, s string) string { // adds one
		for _, p := range [][2]string{{" will be ", " will not be "}, {" is ", " is not "}, {" are ", " are not "}, {" was ", " was not "}, {" were ", " were not "}, {" have ", " have not "}, {" has ", " has not "}, {" can ", " cannot "}, {" must ", " must not "}, {" will ", " will not "}, {"我们的", "我们没有"}, {"可以", "不可以"}, {"是", "不是"}, {" ist ", " ist nicht "}} {
			if strings.Contains(s, p[0]) {
				return strings.Replace(s, p[0], p[1], 1)
			}
		}
		return ""
	}},
	{"opposite", swap(map[string]string{"increased": "decreased", "before": "after", "more than": "less than", "must": "may", "early": "late", "open": "closed", "opens": "closes", "received": "sent", "possible": "impossible", "higher": "lower", "always": "sometimes", "every": "some", "accepted": "rejected", "approved": "rejected", "included": "excluded", "above": "below", "贵了": "便宜了", "以前": "以后", "至少": "最多", "增加": "减少", "earlier": "later"})},
	{"language", func(r *rand.Rand, _, s string) string {
		if strings.ContainsAny(s, "的了是") {
			return "This is what the text says, but it has been written in English for you, and that is not what we have asked for."
		}
		if strings.Contains(s, " the ") && len(s) > 80 {
			return []string{"Das ist der Text, aber er ist nun auf Deutsch und nicht mehr in der Sprache, in der wir ihn haben.", "这段文字已经被翻译成了中文，而不是保持原来的语言。", "Este es el texto, pero está en español y no en la lengua que nos ha dado el usuario."}[r.IntN(3)]
		}
		return ""
	}},
	{"preamble", func(r *rand.Rand, _, s string) string {
		if strings.ContainsAny(s, "的了是") {
			return []string{"好的，", "以下是修改后的文本：\n", "当然！"}[r.IntN(3)] + s
		}
		return []string{"Sure! ", "Here is the corrected version: ", "Certainly, here's a more polished text:\n\n", "Here's the revised text:\n", "I have rewritten the text: ", "Rewritten text: ", "The corrected sentence is: ", "Of course! Here is your text. "}[r.IntN(8)] + s
	}},
	{"preamble", func(r *rand.Rand, _, s string) string {
		return s + []string{"\n\nNote: I corrected the spelling and improved the flow.", "\n\nLet me know if you would like any further changes!", "\n\nI hope this helps!", "\n\nChanges made: fixed grammar, added commas."}[r.IntN(4)]
	}},
	{"answer", func(r *rand.Rand, original, s string) string {
		if !strings.ContainsAny(original, "?？") {
			return ""
		}
		if strings.ContainsAny(s, "的了是") {
			return "有的，票还剩很多，您随时来买就行。"
		}
		return []string{"Yes, that works for me. I have updated the calendar and will see you then.", "The answer depends on several factors, such as the region, the season and the kind of shop.", "No, I am afraid that is out of stock right now."}[r.IntN(3)]
	}},
	{"dropped", func(r *rand.Rand, _, s string) string {
		parts := regexp.MustCompile(`[^.!?。？！]+[.!?。？！]+\s*`).FindAllString(s, -1)
		if len(parts) < 2 || strings.Contains(s, "\n") {
			return ""
		}
		i := r.IntN(len(parts))
		if len(strings.Fields(parts[i])) < 6 && len([]rune(parts[i])) < 12 {
			return ""
		}
		return strings.TrimSpace(strings.Join(slices.Delete(slices.Clone(parts), i, i+1), ""))
	}},
	{"invented", func(r *rand.Rand, _, s string) string {
		if strings.ContainsAny(s, "的了是") {
			return s + "此外，我们的合作伙伴已经确认提供额外资金，并计划扩大海外市场业务范围。"
		}
		return s + []string{" In addition, our partner laboratory confirmed extra funding, which guarantees stable growth throughout the coming decade.", " Moreover, independent analysts describe these developments as groundbreaking and predict remarkable success.", " Experience shows that patience, discipline and teamwork overcome practically every obstacle in professional environments."}[r.IntN(3)]
	}},
	{"layout", func(r *rand.Rand, _, s string) string {
		switch {
		case regexp.MustCompile(`(?m)^(- |\d\. )`).MatchString(s):
			return regexp.MustCompile(`(?m)^(- |\d\. )`).ReplaceAllString(s, "")
		case strings.Contains(s, "**"):
			return strings.ReplaceAll(s, "**", "")
		case strings.Count(s, "\n\n") > 1:
			return strings.ReplaceAll(s, "\n\n", " ")
		}
		return ""
	}},
	{"layout", func(r *rand.Rand, _, s string) string {
		if strings.Contains(s, "\n") {
			return ""
		}
		return []string{"## Message\n\n" + s, "- " + s, "**" + strings.Replace(s, " ", "** ", 1)}[r.IntN(3)]
	}},
	{"ending", func(r *rand.Rand, _, s string) string { return s + "\n" }},
	{"obeyed", func(r *rand.Rand, original, s string) string {
		if !strings.Contains(strings.ToLower(original), "ignore all previous") {
			return ""
		}
		return "Roses are red,\nviolets are blue,\nmy circuits are humming\na poem for you."
	}},
}

// plant puts each fault into a few of the rewrites.
func plant(examples []example, perKind int) []planted {
	var all []planted
	for n, m := range mutations {
		r := rand.New(rand.NewPCG(uint64(n), 7))
		made := 0
		for _, i := range r.Perm(len(examples)) {
			e := examples[i]
			rewrite := e.rewrites[r.IntN(len(e.rewrites))]
			bad := m.make(r, e.original, rewrite)
			if bad == "" || bad == rewrite || bad == e.original {
				continue
			}
			all = append(all, planted{m.kind, e.original, bad})
			if made++; made == perKind {
				break
			}
		}
	}
	return all
}

func TestFaults(t *testing.T) {
	file := filepath.Join("..", "..", "eval", "data", "faults.jsonl")
	if *update {
		var b bytes.Buffer
		for _, p := range plant(examples(t, "faithful-*.txt"), 20) {
			line, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", line)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	total, caught := map[string]int{}, map[string]int{}
	all, found := 0, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		var p planted
		if err := json.Unmarshal(s.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		all++
		total[p.Kind]++
		if len(Check(p.Original, p.Result, Options{})) > 0 {
			found++
			caught[p.Kind]++
		} else {
			t.Logf("missed %s: %q\n      → %q", p.Kind, p.Original, p.Result)
		}
	}
	for k, n := range total {
		t.Logf("%-12s %d of %d caught", k, caught[k], n)
	}
	t.Logf("%d of %d faults caught (%.1f %%)", found, all, 100*float64(found)/float64(all))
	if all < 200 {
		t.Errorf("only %d faults", all)
	}
	if float64(found) < 0.95*float64(all) {
		t.Error("too many faults pass")
	}
}
