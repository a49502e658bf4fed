package engine_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"qwill/engine"
	"qwill/engine/proto"
)

// edits is the form in which a proofreading comes.
const edits = `{"type":"object","properties":{"edits":{"type":"array","maxItems":20,"items":{"type":"object","properties":{
	"from":{"type":"string","maxLength":200},"to":{"type":"string","maxLength":200},
	"kind":{"enum":["spelling","grammar","style"]},"reason":{"type":"string","maxLength":120}},
	"required":["from","to","kind","reason"],"additionalProperties":false}}},"required":["edits"],"additionalProperties":false}`

func formed(max int, f engine.Format) engine.GenerateParams {
	p := chat("Correct this text and answer in JSON: She go to school yesterday, and he like it.", max)
	p.Mode = engine.ModeFast
	p.Format = &f
	return p
}

// The starter, which knows little of JSON, writes valid JSON wherever it is cut
// and however it is drawn.
func TestFormIsNeverBroken(t *testing.T) {
	e := start(t)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(edits))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///s", doc); err != nil {
		t.Fatal(err)
	}
	judge, err := c.Compile("mem:///s")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 10 {
		p := formed(8+r.IntN(80), engine.Format{JSONSchema: json.RawMessage(edits)})
		switch i % 5 {
		case 1:
			p.Sampling = engine.Sampling{Temperature: ptr(1.5), TopK: ptr(0), TopP: ptr(1.0), Seed: ptr(uint64(i))}
		case 2:
			p.Sampling = engine.Sampling{Temperature: ptr(0.8), RepetitionPenalty: ptr(1.5), PresencePenalty: ptr(1.0), Seed: ptr(uint64(i))}
		case 3:
			p.Logprobs = 3
			p.Stop = []string{"edits", "}"} // would break it: it counts only where the answer is whole
		case 4:
			p.NoCache = true
		}
		got, res := generate(t, e, p)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(got.text))
		if err == nil {
			err = judge.Validate(v)
		}
		if err != nil {
			t.Errorf("%d tokens, finish %s: %q: %v", p.MaxTokens, res.Finish, got.text, err)
		}
		if res.Finish != proto.FinishStop || res.CompletionTokens > p.MaxTokens {
			t.Errorf("finish %s after %d of %d tokens", res.Finish, res.CompletionTokens, p.MaxTokens)
		}
		if n := len(got.tokens); p.Logprobs > 0 && n < res.CompletionTokens-1 { // the end of turn has none
			t.Errorf("%d tokens with figures, %d written", n, res.CompletionTokens)
		}
	}
}

// The same request gives the same text, whatever was kept of the prompt.
func TestFormIsRepeatable(t *testing.T) {
	e := start(t)
	p := formed(60, engine.Format{JSONSchema: json.RawMessage(edits)})
	first, _ := generate(t, e, p)
	again, res := generate(t, e, p)
	if first.text != again.text || res.CachedTokens == 0 {
		t.Errorf("%q, then %q with %d tokens kept", first.text, again.text, res.CachedTokens)
	}
}

func TestOtherForms(t *testing.T) {
	e := start(t)
	got, _ := generate(t, e, formed(40, engine.Format{Regex: `(yes|no), \d{2,4} times`}))
	if !regexp.MustCompile(`^(yes|no), \d{2,4} times$`).MatchString(got.text) {
		t.Errorf("%q", got.text)
	}
	got, _ = generate(t, e, formed(30, engine.Format{Grammar: "root ::= \"(\" (root | [a-z]+) \")\""}))
	if !regexp.MustCompile(`^\(+[a-z]+\)+$`).MatchString(got.text) || strings.Count(got.text, "(") != strings.Count(got.text, ")") {
		t.Errorf("%q", got.text)
	}
	got, _ = generate(t, e, formed(50, engine.Format{JSONObject: true}))
	var any map[string]json.RawMessage
	if err := json.Unmarshal([]byte(got.text), &any); err != nil {
		t.Errorf("%q: %v", got.text, err)
	}
	// A continued answer keeps to the form as a whole.
	p := formed(30, engine.Format{JSONObject: true})
	p.Messages = append(p.Messages, engine.Message{Role: "assistant", Content: `{"text": "She we`})
	p.Continue = true
	got, _ = generate(t, e, p)
	if err := json.Unmarshal([]byte(`{"text": "She we`+got.text), &any); err != nil {
		t.Errorf("%q: %v", got.text, err)
	}
}

func TestFormRefusals(t *testing.T) {
	e := start(t)
	for field, p := range map[string]engine.GenerateParams{
		"format.json_schema/properties/a/not": formed(50, engine.Format{JSONSchema: json.RawMessage(`{"properties":{"a":{"not":{}}}}`)}),
		"format.regex":                        formed(50, engine.Format{Regex: `(a`}),
		"format.grammar":                      formed(50, engine.Format{Grammar: `root ::= missing`}),
		"format":                              formed(50, engine.Format{Regex: `a`, JSONObject: true}),
		"max_tokens":                          formed(2, engine.Format{JSONSchema: json.RawMessage(edits)}),
	} {
		_, err := e.Generate(t.Context(), p, func(engine.Event) {})
		if got := wantCode(t, err, proto.CodeInvalid); got.Field != field {
			t.Errorf("%v names %s, want %s", err, got.Field, field)
		}
	}
	// What the refusal asks for is enough.
	_, err := e.Generate(t.Context(), formed(1, engine.Format{JSONSchema: json.RawMessage(edits)}), func(engine.Event) {})
	var need int
	if _, e := fmt.Sscanf(wantCode(t, err, proto.CodeInvalid).Hint, "allow %d", &need); e != nil {
		t.Fatal(err)
	}
	got, _ := generate(t, e, formed(need, engine.Format{JSONSchema: json.RawMessage(edits)}))
	if !json.Valid([]byte(got.text)) {
		t.Errorf("%q with %d tokens", got.text, need)
	}
}

// BenchmarkForm writes with and without a form in turns and reports how fast
// each is: the starter, or the model folder in QWILL_BENCH_MODEL.
func BenchmarkForm(b *testing.B) {
	path := cmp.Or(os.Getenv("QWILL_BENCH_MODEL"), starter)
	e := engine.New(engine.Config{Binary: binary})
	defer e.Close()
	form := engine.Format{JSONSchema: json.RawMessage(`{"type":"object","properties":{"edits":{"type":"array","minItems":6,"items":{"type":"object",
		"properties":{"from":{"type":"string","maxLength":200},"to":{"type":"string","maxLength":200},
		"kind":{"enum":["spelling","grammar","style"]}},"required":["from","to","kind"]}}},"required":["edits"]}`)}
	const tokens = 200
	var speed [2][]float64
	length := tokens // the free text is as long as the one before it with a form
	for i := range 2 * (b.N + 1) {
		p := formed(tokens, form)
		if i%2 == 0 {
			p.MaxTokens = length
		}
		p.Path, p.NoCache = path, true
		if p.Messages = p.Messages[:1]; i%2 == 0 {
			p.Format, p.IgnoreEOS = nil, true
		}
		r, err := e.Generate(context.Background(), p, func(engine.Event) {})
		if err != nil {
			b.Fatal(err)
		}
		length = r.CompletionTokens
		if i > 1 { // the first of each warms up
			speed[i%2] = append(speed[i%2], r.DecodePerSecond)
		}
	}
	for i := range speed {
		slices.Sort(speed[i])
	}
	free, held := speed[0][len(speed[0])/2], speed[1][len(speed[1])/2]
	b.ReportMetric(free, "free-tokens/s")
	b.ReportMetric(held, "formed-tokens/s")
	b.ReportMetric(held/free, "ratio")
}
