package guard

import (
	"regexp"
	"strconv"
	"strings"
)

// percentChina is a percentage in Chinese words: 百分之二十一点五.
var percentChina = regexp.MustCompile(`百分之([〇零一二两三四五六七八九十百]+)(?:点([〇零一二三四五六七八九]+))?`)

// findPercents takes them out before 点 is read as a time of day.
func (t *text) findPercents() {
	b := []byte(t.masked)
	for _, m := range percentChina.FindAllSubmatchIndex(b, -1) {
		whole := t.masked[m[2]:m[3]]
		v, ok := chinese([]rune(whole))
		if whole == "一" {
			v, ok = 1, true
		}
		if !ok {
			continue
		}
		key := strconv.FormatInt(v, 10)
		if m[4] >= 0 {
			key += "."
			for _, r := range t.masked[m[4]:m[5]] {
				key += strconv.Itoa(strings.Index("零一二三四五六七八九", strings.Replace(string(r), "〇", "零", 1)) / 3)
			}
		}
		at := Span{m[0], m[1]}
		t.percents = append(t.percents, quantity{keys: []string{key}, unit: "%", text: t.raw[at.Start:at.End], at: at})
		for i := at.Start; i < at.End; i++ {
			b[i] = ' '
		}
	}
	t.masked = string(b)
}
