package schema

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"qwill/engine/proto"
	"qwill/engine/schema/automaton"
)

// shape is a random schema with a way to make values for it.
type shape struct {
	schema string
	value  func(*rand.Rand) string
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

var characters = []rune("ab .\"\\\n\té日😀}{[],:0")

func randomText(r *rand.Rand, lo, hi int) string {
	n := lo + r.IntN(hi-lo+1)
	out := make([]rune, n)
	for i := range out {
		out[i] = characters[r.IntN(len(characters))]
	}
	return string(out)
}

// spaced writes a list or object with random white space that is allowed.
func spaced(r *rand.Rand, open string, parts []string, end string) string {
	if len(parts) == 0 {
		return open + end
	}
	gap := func() string { return pick(r, "", "", " ", "\n", "\n    ", "\n\t\t") }
	for i := range parts {
		parts[i] = gap() + parts[i]
	}
	return open + strings.Join(parts, ",") + gap() + end
}

func randomShape(r *rand.Rand, depth int) shape {
	n := 10
	if depth <= 0 {
		n = 7
	}
	switch r.IntN(n) {
	case 0:
		lo := r.IntN(4)
		hi := lo + r.IntN(12)
		switch r.IntN(3) {
		case 0:
			return shape{`{"type":"string"}`, func(r *rand.Rand) string { return automaton.Quote(randomText(r, 0, 9)) }}
		case 1:
			return shape{fmt.Sprintf(`{"type":"string","minLength":%d}`, lo), func(r *rand.Rand) string { return automaton.Quote(randomText(r, lo, lo+9)) }}
		}
		return shape{fmt.Sprintf(`{"type":"string","minLength":%d,"maxLength":%d}`, lo, hi),
			func(r *rand.Rand) string {
				b, _ := json.Marshal(randomText(r, lo, hi)) // other escapes than ours
				return string(b)
			}}
	case 1:
		lo := r.IntN(2001) - 1000
		hi := lo + r.IntN(3000)
		return shape{fmt.Sprintf(`{"type":"integer","minimum":%d,"maximum":%d}`, lo, hi),
			func(r *rand.Rand) string { return fmt.Sprint(lo + r.IntN(hi-lo+1)) }}
	case 2:
		lo := float64(r.IntN(2001)-1000) / 16
		hi := lo + float64(1+r.IntN(900))/16
		return shape{fmt.Sprintf(`{"type":"number","minimum":%v,"exclusiveMaximum":%v}`, lo, hi),
			func(r *rand.Rand) string { return fmt.Sprintf("%.4f", lo+float64(r.IntN(int((hi-lo)*16)))/16) }}
	case 3:
		p := pick(r, `^[A-Z]{2}-\d{1,3}$`, `^(red|green|blü)( \w+)?$`, `x+"y`, `^.{0,5}$`, `^\p{Lu}\p{Ll}*$`)
		give := map[string][]string{`^[A-Z]{2}-\d{1,3}$`: {"AB-1", "ZZ-999"}, `^(red|green|blü)( \w+)?$`: {"red", "blü a_1"},
			`x+"y`: {`x"y`, `aaxx"y日`}, `^.{0,5}$`: {"", "日本é\\\""}, `^\p{Lu}\p{Ll}*$`: {"Äb", "X"}}[p]
		return shape{fmt.Sprintf(`{"type":"string","pattern":%s}`, automaton.Quote(p)), func(r *rand.Rand) string { return automaton.Quote(pick(r, give...)) }}
	case 4:
		f := pick(r, "date", "time", "date-time", "uuid", "email", "ipv4", "hostname")
		give := map[string]string{"date": "2000-02-29", "time": "23:59:59Z", "date-time": "1999-01-31T00:00:00.123+02:00",
			"uuid": "00000000-0000-4000-8000-00000000000f", "email": "a_b@c-d.example", "ipv4": "255.0.10.199", "hostname": "a.example.com"}[f]
		return shape{fmt.Sprintf(`{"type":"string","format":%q}`, f), func(*rand.Rand) string { return automaton.Quote(give) }}
	case 5:
		all := []string{`1`, `"a"`, `null`, `true`, `"é\"\\"`, `-2.5`, `[1,"x"]`, `{"k":{"l":[]}}`}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:1+r.IntN(len(all))]
		return shape{`{"enum":[` + strings.Join(all, ",") + `]}`, func(r *rand.Rand) string { return pick(r, all...) }}
	case 6:
		t := pick(r, "boolean", "integer", "number")
		give := map[string][]string{"boolean": {"true", "false"}, "integer": {"0", "-7", "123456789"}, "number": {"1e5", "-0.25", "3"}}[t]
		return shape{fmt.Sprintf(`{"title":"t","type":[%q,"null"]}`, t), func(r *rand.Rand) string { return pick(r, append(give, "null")...) }}
	case 7: // array
		item := randomShape(r, depth-1)
		lo := r.IntN(3)
		hi := lo + r.IntN(4)
		var first []shape
		for range r.IntN(3) {
			first = append(first, randomShape(r, depth-1))
		}
		s := fmt.Sprintf(`{"type":"array","items":%s,"minItems":%d,"maxItems":%d`, item.schema, lo, hi)
		if len(first) > 0 {
			var all []string
			for _, f := range first {
				all = append(all, f.schema)
			}
			s += `,"prefixItems":[` + strings.Join(all, ",") + `]`
		}
		return shape{s + "}", func(r *rand.Rand) string {
			var parts []string
			for i := range lo + r.IntN(hi-lo+1) {
				if i < len(first) {
					parts = append(parts, first[i].value(r))
				} else {
					parts = append(parts, item.value(r))
				}
			}
			return spaced(r, "[", parts, "]")
		}}
	case 8: // object
		names := []string{"a", "name", "名", "a\"b", "x y", "zeta"}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:r.IntN(5)]
		var parts, needed []string
		shapes := map[string]shape{}
		must := map[string]bool{}
		for _, k := range names {
			shapes[k] = randomShape(r, depth-1)
			parts = append(parts, automaton.Quote(k)+":"+shapes[k].schema)
			if r.IntN(2) == 0 {
				must[k] = true
				needed = append(needed, automaton.Quote(k))
			}
		}
		s := `{"type":"object","properties":{` + strings.Join(parts, ",") + `},"required":[` + strings.Join(needed, ",") + `]`
		more := shape{}
		switch r.IntN(3) {
		case 0:
			s += `,"additionalProperties":false`
		case 1:
			more = randomShape(r, 0)
			s += `,"additionalProperties":` + more.schema
		}
		return shape{s + "}", func(r *rand.Rand) string {
			var parts []string
			for _, k := range names {
				if must[k] || r.IntN(2) == 0 {
					parts = append(parts, automaton.Quote(k)+pick(r, ":", ": ")+shapes[k].value(r))
				}
			}
			if more.value != nil {
				for i := range r.IntN(3) {
					parts = append(parts, fmt.Sprintf(`"%s%d": %s`, pick(r, "a", "名", "name"), i, more.value(r)))
				}
			}
			return spaced(r, "{", parts, "}")
		}}
	}
	a, b := randomShape(r, depth-1), randomShape(r, depth-1)
	return shape{`{"anyOf":[` + a.schema + `,` + b.schema + `]}`, func(r *rand.Rand) string {
		if r.IntN(2) == 0 {
			return a.value(r)
		}
		return b.value(r)
	}}
}

// Of random schemas whatever is drawn is valid, wherever it is cut, and every
// valid value in the canonical form is accepted. An independent validator judges.
func TestRandomSchemas(t *testing.T) {
	n := 40
	if os.Getenv("QWILL_SOAK") != "" {
		n = 1000
	}
	v := realVocabulary(t)
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 11))
		s := randomShape(r, 3)
		if i%5 == 0 { // a list that holds itself
			s.schema = `{"$defs":{"n":{"type":"object","properties":{"v":` + s.schema + `,"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"]}},"$ref":"#/$defs/n"}`
			item := s.value
			s.value = func(r *rand.Rand) string { return `{"v":` + item(r) + `,"next":{"v":` + item(r) + `,"next":null}}` }
		}
		judge := validator(t, s.schema)
		p := program(t, v, jsonFormat(s.schema), None)
		for j := range 3 {
			text, _ := v.sample(t, p, r, p.Matcher().Needed()+j*r.IntN(80))
			if err := valid(judge, text); err != nil {
				t.Fatalf("schema %d: %s gives %q: %v", i, s.schema, text, err)
			}
		}
		for range 3 {
			text := s.value(r)
			if err := valid(judge, text); err != nil {
				t.Fatalf("schema %d: the test's own value is wrong: %s: %q: %v", i, s.schema, text, err)
			}
			if err := v.accepts(p, text); err != nil {
				t.Fatalf("schema %d: %s: %q: %v", i, s.schema, text, err)
			}
		}
	}
}

// No schema, expression or grammar hangs the compiler or ends the process.
func FuzzCompile(f *testing.F) {
	for _, c := range cases {
		f.Add(c.schema, uint8(0))
	}
	f.Add(`root ::= "a" ([b-c] root)? | "\x41"{2,3} # x`, uint8(1))
	f.Add(`(a|b)*c{2,5}`, uint8(2))
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		var form proto.Format
		switch kind % 3 {
		case 0:
			form.JSONSchema = json.RawMessage(text)
		case 1:
			form.Grammar = text
		case 2:
			form.Regex = text
		}
		g, err := Compile(form, Thinking(kind/3%3))
		if e, ok := err.(*Error); err != nil && !ok {
			t.Fatalf("untyped error %v", e)
		}
		if err == nil && len(g.Rules) == 0 {
			t.Fatal("an empty grammar")
		}
	})
}

// BenchmarkMask finds the masks of answers in the form of a proofreading, over
// the real vocabulary. The first answer fills the caches, later ones use them.
func BenchmarkMask(b *testing.B) {
	v := realVocabulary(b)
	form := jsonFormat(`{"type":"object","properties":{"edits":{"type":"array","maxItems":20,"items":{"type":"object","properties":{
		"from":{"type":"string","maxLength":200},"to":{"type":"string","maxLength":200},"kind":{"enum":["spelling","grammar","style"]},
		"reason":{"type":"string","maxLength":120}},"required":["from","to","kind","reason"]}}},"required":["edits"]}`)
	text := `{"edits": [` + strings.TrimSuffix(strings.Repeat(`{"from": "She go to school", "to": "She went to school", "kind": "grammar", "reason": "The text is in the past."}, `, 3), ", ") + `]}`
	ids := v.tok.Encode(text, false)
	for _, c := range []struct {
		name string
		left int // tokens left beyond those of the text
	}{{"free", 1000}, {"near", 30}} {
		for _, cold := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/cold=%v", c.name, cold), func(b *testing.B) {
				var times []float64
				p := program(b, v, form, None)
				for b.Loop() {
					if cold {
						p = program(b, v, form, None)
					}
					m := p.Matcher()
					for i, id := range ids {
						start := nanotime()
						set := m.Mask(len(ids) - i + c.left)
						times = append(times, float64(nanotime()-start)/1000)
						if !set.Has(id) {
							b.Fatalf("%q is not allowed", v.tok.TokenBytes(id))
						}
						if err := m.Advance(id); err != nil {
							b.Fatal(err)
						}
					}
				}
				reportQuantiles(b, times)
			})
		}
	}
}
