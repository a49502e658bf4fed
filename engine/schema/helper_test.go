package schema

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"qwill/engine/proto"
	"qwill/engine/schema/mask"
	"qwill/engine/tokenizer"
)

type vocabulary struct {
	tok *tokenizer.Tokenizer
	*mask.Vocabulary
	eos int
}

// qwen is the real vocabulary of Qwen3.
var qwen = sync.OnceValues(func() (vocabulary, error) {
	tok, err := tokenizer.Load(filepath.Join("..", "..", "build", ".deps", "tokenizer", "tokenizer.json"))
	if err != nil {
		return vocabulary{}, err
	}
	eos, _ := tok.ID("<|im_end|>")
	tags := map[string]int{}
	added := map[int]bool{}
	for _, s := range tok.AddedTokens() {
		id, _ := tok.ID(s)
		added[id] = true
		if s == "<think>" || s == "</think>" {
			tags[s] = id
		}
	}
	v, err := mask.NewVocabulary(151936, func(id int) []byte {
		if added[id] || tok.IsSpecial(id) {
			return nil
		}
		return tok.TokenBytes(id)
	}, []int{eos}, tags)
	return vocabulary{tok, v, eos}, err
})

func realVocabulary(t testing.TB) vocabulary {
	t.Helper()
	v, err := qwen()
	if os.IsNotExist(err) {
		t.Fatal("the tokenizer is not set up: run make setup")
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func program(t testing.TB, v vocabulary, f proto.Format, th Thinking) *mask.Program {
	t.Helper()
	g, err := Compile(f, th)
	if err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	p, err := mask.Bind(g, v.Vocabulary)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func jsonFormat(s string) proto.Format { return proto.Format{JSONSchema: json.RawMessage(s)} }

// sample writes a text by drawing tokens of the masks. Some draws are wild, the
// others prefer tokens that a reader would write, so that both long and short
// values come up.
func (v vocabulary) sample(t testing.TB, p *mask.Program, r *rand.Rand, budget int) (text string, tokens int) {
	t.Helper()
	m := p.Matcher()
	if m.Needed() > budget {
		t.Fatalf("%d tokens are needed, there are %d", m.Needed(), budget)
	}
	var b strings.Builder
	for tokens < budget && !m.Done() {
		set := m.Mask(budget - tokens)
		n := set.Count()
		if n == 0 {
			t.Fatalf("no token fits after %q with %d left of %d", b.String(), budget-tokens, budget)
		}
		k := r.IntN(n)
		id := -1
		for i := range v.Rows() {
			if set.Has(i) {
				if k == 0 {
					id = i
					break
				}
				k--
			}
		}
		if r.IntN(2) == 0 { // end a string more often than chance would
			for _, c := range []string{`"`, `",`, `"}`, `}`, `]`, v.tok2(v.eos)} {
				if q, ok := v.tok.ID(c); ok && set.Has(q) && r.IntN(3) == 0 {
					id = q
				}
			}
		}
		if err := m.Advance(id); err != nil {
			t.Fatalf("after %q: %v", b.String(), err)
		}
		tokens++
		if id == v.eos {
			break
		}
		b.Write(v.tok.TokenBytes(id))
	}
	if !m.Accepts() {
		t.Fatalf("cut at %q with %d tokens", b.String(), budget)
	}
	return b.String(), tokens
}

func (v vocabulary) tok2(id int) string { return string(v.tok.TokenBytes(id)) }

// validator is an independent judge of JSON Schema.
func validator(t testing.TB, schema string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///s.json")
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return s
}

func valid(s *jsonschema.Schema, text string) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return s.Validate(doc)
}

// accepts follows the ids of text token by token, as a model would write it.
func (v vocabulary) accepts(p *mask.Program, text string) error {
	m := p.Matcher()
	at := ""
	for _, id := range v.tok.Encode(text, false) {
		if m.Done() || !m.Mask(-1).Has(id) {
			return fmt.Errorf("%q is refused after %q", v.tok.TokenBytes(id), at)
		}
		if err := m.Advance(id); err != nil {
			return err
		}
		at += string(v.tok.TokenBytes(id))
	}
	if !m.Accepts() {
		return fmt.Errorf("%q is not taken as complete", at)
	}
	return nil
}
