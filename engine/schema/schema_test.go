package schema

import (
	"math/rand/v2"
	"strings"
	"testing"

	"qwill/engine/proto"
)

// Each schema with values that must be accepted token by token, and values that
// must not be.
var cases = []struct {
	schema  string
	yes, no []string
}{
	{`{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":130}},"required":["name"],"additionalProperties":false}`,
		[]string{`{"name":"Ann","age":41}`, `{"name": "\u00e9\ud83d\ude00 \"x\"", "age": 130}`, "{\n  \"name\": \"日本\"\n}", `{"name":"Ann"}`},
		[]string{`{}`, `{"age":1}`, `{"name":"x","age":131}`, `{"name":"x","age":-1}`, `{"name":"x","age":01}`, `{"name":"x","b":1}`, `{"name":"\ud83d"}`, `{"name":"x",}`, `{"name":"x"} `}},
	{`{"enum":["a","\"b",1,null,{"x":[1,2]}]}`, []string{`"a"`, `"\"b"`, `1`, `null`, `{"x":[1,2]}`, `{"x": [1, 2]}`}, []string{`"b"`, `2`, `{"x":[1]}`}},
	{`{"type":["string","null"],"maxLength":3}`, []string{`"abc"`, `"日本語"`, `"😀😀😀"`, `null`, `""`, `"\n\n\n"`}, []string{`"abcd"`, `"日本語x"`, `1`}},
	{`{"type":"string","minLength":2,"maxLength":2}`, []string{`"ab"`, `"é😀"`}, []string{`"a"`, `"abc"`, `""`}},
	{`{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}`, []string{`[1,2]`, `[1, 2, -3]`, "[\n  1,\n  2\n]"}, []string{`[1]`, `[1,2,3,4]`, `[1,2,]`, `[]`}},
	{`{"type":"array","prefixItems":[{"type":"string"},{"type":"boolean"}],"items":{"type":"null"}}`, []string{`[]`, `["a"]`, `["a",true]`, `["a",false,null,null]`}, []string{`[1]`, `["a",null]`}},
	{`{"type":"string","pattern":"^[a-z]+\\d$"}`, []string{`"abc1"`}, []string{`"abc"`, `"1"`, `"abc12"`}},
	{`{"type":"string","pattern":"q\"","maxLength":4}`, []string{`"q\""`, `"xxq\""`}, []string{`"q"`, `"xxxq\""`}},
	{`{"type":"string","format":"date"}`, []string{`"2024-02-29"`, `"1999-12-31"`}, []string{`"2023-02-29"`, `"2024-13-01"`, `"2024-1-1"`}},
	{`{"type":"number","minimum":-0.5,"exclusiveMaximum":2}`, []string{`-0.5`, `0`, `1.999`, `0.25`, `-0.25`}, []string{`2`, `-0.51`, `2.0`, `-1`}},
	{`{"type":"number"}`, []string{`1`, `-1.5e10`, `0.001`, `1E-9`}, []string{`01`, `.5`, `1.`, `+1`}},
	{`{"$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["v","kids"]}},"$ref":"#/$defs/tree"}`,
		[]string{`{"v":1,"kids":[]}`, `{"v": 1, "kids": [{"v": 2, "kids": [{"v":3,"kids":[]}]}, {"v":4,"kids":[]}]}`}, []string{`{"v":1,"kids":[1]}`, `{"v":1}`}},
	{`{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"n":{"type":"integer"}},"required":["k","n"]},{"type":"object","properties":{"k":{"const":"b"},"s":{"type":"string"}},"required":["k","s"]}]}`,
		[]string{`{"k":"a","n":1}`, `{"k":"b","s":"x"}`}, []string{`{"k":"a","s":"x"}`, `{"k":"c"}`}},
	{`{"allOf":[{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"required":["a"]},{"properties":{"a":{"maximum":5},"b":{"type":"string"}},"required":["b"]}]}`,
		[]string{`{"a":5,"b":""}`}, []string{`{"a":6,"b":""}`, `{"a":0,"b":""}`, `{"a":3}`}},
	{`{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}}`,
		[]string{`{}`, `{"a":1}`, `{"a":1,"b":"x","ab":"y"}`, `{"b":"x"}`}, []string{`{"b":1}`, `{"b":"x","a":"x"}`}},
	{`{"type":"object"}`, []string{`{}`, `{"a":[1,{"b":null}],"c":"d"}`}, []string{`[]`, `{"a"}`}},
	{`true`, []string{`1`, `"x"`, `[[],{}]`, `null`}, []string{``, `nul`}},
	{`{"type":"string","format":"email"}`, []string{`"ann.b@example.org"`}, []string{`"ann"`, `"@x.y"`}},
	{`{"type":"string","format":"uuid"}`, []string{`"123e4567-e89b-12d3-a456-426614174000"`}, []string{`"123e4567"`}},
	{`{"type":"string","format":"date-time"}`, []string{`"2024-02-29T23:59:59.5Z"`, `"2024-01-01T00:00:00+01:00"`}, []string{`"2024-02-29 23:59:59Z"`}},
}

func TestValues(t *testing.T) {
	v := realVocabulary(t)
	for _, c := range cases {
		p := program(t, v, jsonFormat(c.schema), None)
		judge := validator(t, c.schema)
		for _, y := range c.yes {
			if err := valid(judge, y); err != nil {
				t.Errorf("the case itself is wrong: %s for %s: %v", y, c.schema, err)
			}
			if err := v.accepts(p, y); err != nil {
				t.Errorf("%s: %s: %v", c.schema, y, err)
			}
		}
		for _, n := range c.no {
			if p.Accepts(n) {
				t.Errorf("%s: %s is accepted", c.schema, n)
			}
		}
	}
}

// Whatever is drawn, and wherever it is cut, the value is valid.
func TestDrawsAreValid(t *testing.T) {
	v := realVocabulary(t)
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range cases {
		p := program(t, v, jsonFormat(c.schema), None)
		judge := validator(t, c.schema)
		for i := range 12 {
			budget := p.Matcher().Needed()
			if i%3 > 0 {
				budget += r.IntN(60)
			}
			text, _ := v.sample(t, p, r, budget)
			if err := valid(judge, text); err != nil {
				t.Fatalf("%s: %q: %v", c.schema, text, err)
			}
		}
	}
}

func TestRefusedByName(t *testing.T) {
	for _, c := range []struct{ schema, path string }{
		{`{"type":"array","uniqueItems":true}`, "/uniqueItems"},
		{`{"properties":{"a/b":{"not":{}}}}`, "/properties/a~1b/not"},
		{`{"type":"object","patternProperties":{}}`, "/patternProperties"},
		{`{"type":"number","multipleOf":3}`, "/multipleOf"},
		{`{"if":{}}`, "/if"}, {`{"minProperties":1}`, "/minProperties"}, {`{"x-mine":1}`, "/x-mine"},
		{`{"type":"string","format":"iri"}`, "/format"},
		{`{"type":"string","pattern":"a(?=b)"}`, "/pattern"},
		{`{"type":"string","pattern":"(a|b)*a(a|b){40}"}`, "/pattern"},
		{`{"oneOf":[{"type":"string"},{"minLength":2,"type":"string"}]}`, "/oneOf/1"},
		{`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "/oneOf/1"},
		{`{"$ref":"other.json"}`, "/$ref"}, {`{"$ref":"#/$defs/x"}`, "/$ref"},
		{`{"type":"strin"}`, "/type"}, {`{"type":"string","minLength":3,"maxLength":2}`, "/minLength"},
		{`{"type":"object","required":["a"],"additionalProperties":false}`, "/required/0"},
		{`{"type":"integer","minimum":2,"maximum":1}`, ""}, {`{"$ref":"#"}`, ""}, {`false`, ""}, {`[]`, ""}, {`{`, ""},
		{`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, ""},
		{`{"type":"array","items":[{}]}`, "/items"},
		{`{"type":"array","minItems":900000}`, ""},
		{`{"a":1,"a":2}`, ""}, {`{"const":1,"minimum":0}`, "/minimum"},
	} {
		_, err := Compile(jsonFormat(c.schema), None)
		e, ok := err.(*Error)
		if !ok || e.Path != c.path {
			t.Errorf("%s: %v", c.schema, err)
		}
	}
}

func TestNullable(t *testing.T) {
	v := realVocabulary(t)
	p := program(t, v, jsonFormat(`{"type":"object","properties":{"a":{"type":"string","nullable":true}},"required":["a"]}`), None)
	for _, s := range []string{`{"a":null}`, `{"a":"x"}`} {
		if err := v.accepts(p, s); err != nil {
			t.Error(err)
		}
	}
}

func TestGrammars(t *testing.T) {
	v := realVocabulary(t)
	for _, c := range []struct {
		grammar string
		yes, no []string
	}{
		{"root ::= (expr \"=\" ws term \"\\n\")+\nexpr ::= term ([-+*/] term)*\nterm ::= ident | num | \"(\" ws expr \")\" ws\nident ::= [a-z] [a-z0-9_]* ws # a name\nnum ::= [0-9]+ ws\nws ::= [ \\t\\n]*\n",
			[]string{"a=1\n", "(a+b)*3 = c\n", "((1))=x\ny=2\n"}, []string{"a=", "(a=1\n", "=1\n"}},
		{"root ::= \"[\" (root (\",\" root)*)? \"]\"", []string{"[]", "[[],[[]]]"}, []string{"[", "[,]"}},
		{"root ::= [^\"\\n]{2,3}\n  | \"\\u00e9\\x41\" .", []string{"ab", "日本語", "éA\n"}, []string{"a", "abcd", `a"`}},
		{"root ::=\n  \"yes\" |\n  \"no\"", []string{"yes", "no"}, []string{"yesno", ""}},
	} {
		p := program(t, v, proto.Format{Grammar: c.grammar}, None)
		for _, y := range c.yes {
			if err := v.accepts(p, y); err != nil {
				t.Errorf("%q: %v", c.grammar, err)
			}
		}
		for _, n := range c.no {
			if p.Accepts(n) {
				t.Errorf("%q takes %q", c.grammar, n)
			}
		}
		r := rand.New(rand.NewPCG(3, 4))
		for range 10 {
			text, _ := v.sample(t, p, r, p.Matcher().Needed()+r.IntN(40))
			if !p.Accepts(text) {
				t.Errorf("%q gives %q", c.grammar, text)
			}
		}
	}
	for _, g := range []string{" ", "a ::= b", "root ::= x", "root ::= root \"a\" | \"b\"", "root ::= \"a", "root ::= [b-a]", "root ::= a?\na ::= b* a \"x\" | \"\"\nb ::= \"\" | \"y\"",
		"root ::= \"a\"{2,1}", "root = \"a\"", "root ::= \"a\"\nroot ::= \"b\"", "root ::= (((", "root ::= root", "root ::= \"\\q\""} {
		if _, err := Compile(proto.Format{Grammar: g}, None); err == nil {
			t.Errorf("%q is taken", g)
		}
	}
}

func TestRegex(t *testing.T) {
	v := realVocabulary(t)
	p := program(t, v, proto.Format{Regex: `(yes|no), \d{1,3} (apples|Äpfel)`}, None)
	for _, s := range []string{"yes, 12 apples", "no, 1 Äpfel"} {
		if err := v.accepts(p, s); err != nil {
			t.Error(err)
		}
	}
	if p.Accepts("yes") || p.Accepts("yes, 12 apples!") {
		t.Error("too much is accepted")
	}
}

// Thinking is free, ends in time, and the answer follows the form.
func TestThinking(t *testing.T) {
	v := realVocabulary(t)
	r := rand.New(rand.NewPCG(5, 6))
	judge := validator(t, cases[0].schema)
	for _, th := range []Thinking{Inside, Maybe} {
		p := program(t, v, jsonFormat(cases[0].schema), th)
		if err := v.accepts(p, map[Thinking]string{Inside: "Let me <see>.\n</think>\n\n", Maybe: ""}[th]+`{"name":"A"}`); err != nil {
			t.Error(err)
		}
		close, _ := v.tok.ID("</think>")
		m := p.Matcher()
		if set := m.Mask(-1); set.Has(v.eos) || th == Inside && !set.Has(close) {
			t.Error("thinking may not end the reply, but may end itself")
		}
		for range 5 {
			text, _ := v.sample(t, p, r, 40+r.IntN(60))
			if i := strings.LastIndex(text, "</think>"); i >= 0 {
				text = strings.TrimLeft(text[i+8:], "\n")
			}
			if err := valid(judge, text); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// Control tokens are in no mask.
func TestNoControlTokens(t *testing.T) {
	v := realVocabulary(t)
	p := program(t, v, jsonFormat(`{"type":"string"}`), None)
	m := p.Matcher()
	id, _ := v.tok.ID(`"`)
	if err := m.Advance(id); err != nil {
		t.Fatal(err)
	}
	set := m.Mask(-1)
	for _, s := range v.tok.AddedTokens() {
		if id, _ := v.tok.ID(s); set.Has(id) {
			t.Errorf("%s may stand in a string", s)
		}
	}
	if n := set.Count(); n < 140_000 {
		t.Errorf("only %d tokens may stand in a string", n)
	}
}
