package engine_test

import (
	"strings"
	"testing"

	"qwill/engine"
	"qwill/engine/proto"
)

// A reply that was cut short and continued is the one that was not: greedy,
// the same words follow, from the cache that the first part left.
func TestContinue(t *testing.T) {
	e := start(t)
	const question = "Write three sentences about a lighthouse keeper."
	whole, res := generate(t, e, chat(question, 72))
	if res.CompletionTokens < 40 {
		t.Fatalf("only %d tokens to compare", res.CompletionTokens)
	}
	for _, n := range []int{7, 33} {
		part, first := generate(t, e, chat(question, n))
		if first.Finish != proto.FinishLength || !strings.HasPrefix(whole.text, part.text) {
			t.Fatalf("%d tokens gave %q (%s)", n, part.text, first.Finish)
		}
		p := chat(question, 72-n)
		p.Messages = append(p.Messages, engine.Message{Role: "assistant", Content: part.text})
		p.Continue = true
		rest, second := generate(t, e, p)
		if got := part.text + rest.text; got != whole.text {
			t.Errorf("cut after %d tokens:\n%q\nuncut:\n%q", n, got, whole.text)
		}
		if fresh := second.PromptTokens - second.CachedTokens; fresh > 2 {
			t.Errorf("cut after %d tokens: %d of %d were read again", n, fresh, second.PromptTokens)
		}
	}
	p := chat(question, 4)
	p.Continue = true
	_, err := e.Generate(t.Context(), p, func(engine.Event) {})
	if f := wantCode(t, err, proto.CodeInvalid).Field; f != "messages" {
		t.Errorf("continuing the user's message is refused for %q", f)
	}
}
