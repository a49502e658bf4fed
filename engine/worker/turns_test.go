package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"qwill/engine/prefix"
	"qwill/engine/proto"
	"qwill/engine/template"
	"qwill/engine/tokenizer"
)

// lengths is a cache without contents.
type lengths struct{ n int }

func (l *lengths) Len() int             { return l.n }
func (l *lengths) Truncate(n int) error { l.n = n; return nil }
func (l *lengths) Bytes() int64         { return int64(l.n) }
func (l *lengths) Close()               {}

// Qwen3's template drops the thinking of earlier answers and moves its empty
// block, so a later turn differs from what was read where the last answer
// begins. Each turn re-reads at most that answer and the new message.
func TestQwen3TurnsReuse(t *testing.T) {
	const dir = "../../build/.deps/tokenizer"
	if _, err := os.Stat(dir); err != nil {
		t.Fatal("Qwen3's tokenizer is not in build/.deps: run build/setup.sh")
	}
	tok, err := tokenizer.Load(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.Load(dir, tok)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{tokenizer: tok, template: tmpl}
	count := func(s string) int { return len(tok.Encode(s, false)) }
	for _, thinking := range []bool{false, true} {
		t.Run(fmt.Sprint("thinking ", thinking), func(t *testing.T) {
			store := prefix.Store[*lengths]{New: func() (*lengths, error) { return &lengths{}, nil }, MaxBytes: 1 << 30, MaxCount: 4}
			messages := []proto.Message{{Role: "system", Content: "You are a careful editor. " + fmt.Sprint("Rules: ", make([]int, 40))}}
			last := 0 // tokens of the last answer
			for turn := range 5 {
				question := fmt.Sprintf("Question %d: what does chapter %d say about the harbour?", turn, turn*7)
				messages = append(messages, proto.Message{Role: "user", Content: question})
				_, ids, err := m.render(messages, thinking)
				if err != nil {
					t.Fatal(err)
				}
				seq, cached, err := store.Take(ids)
				if err != nil {
					t.Fatal(err)
				}
				const words = 24 // of the template around the two
				if fresh := len(ids) - cached; turn > 0 && fresh > last+count(question)+words {
					t.Errorf("turn %d reads %d of %d tokens, the last answer has %d and the message %d", turn, fresh, len(ids), last, count(question))
				}
				if turn > 0 && cached == 0 {
					t.Errorf("turn %d: nothing was reused", turn)
				}
				answer := fmt.Sprintf("Chapter %d says that the harbour was silent, and that nobody came for %d days.", turn*7, turn)
				said := answer
				reasoning := ""
				if thinking {
					reasoning = "The user asks about a chapter. I recall the harbour."
					said = "<think>\n" + reasoning + "\n</think>\n\n" + answer
				}
				reply := tok.Encode(said+"<|im_end|>", true)
				seq.Tokens = append(append(seq.Tokens, ids[cached:]...), reply...)
				seq.KV.n = len(seq.Tokens)
				store.Put(seq)
				messages = append(messages, proto.Message{Role: "assistant", Content: answer, Reasoning: reasoning})
				last = count(answer)
			}
		})
	}
}
