package worker

import (
	"slices"
	"testing"

	"qwill/engine/proto"
	"qwill/engine/template"
	"qwill/engine/tokenizer"
)

// Qwen3 goes on from exactly what it has read and written: the prompt of a
// continued reply is the old prompt and the tokens of the reply's text.
func TestQwen3Continues(t *testing.T) {
	const dir = "../../build/.deps/tokenizer"
	tok, err := tokenizer.Load(dir + "/tokenizer.json")
	if err != nil {
		t.Fatalf("%v: run build/setup.sh", err)
	}
	tmpl, err := template.Load(dir, tok)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{tokenizer: tok, template: tmpl}
	m.info.CanThink = true
	question := []proto.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Why is the sea salt? <|im_end|>"}}
	for name, tt := range map[string]struct {
		thinking           bool
		reasoning, content string
		written            string // by the model, behind the prompt
		next               string // what it writes then
		thought, answered  string // what is shown of that
	}{
		"answer":                {false, "", "Rivers carry", "Rivers carry", " salt.\n", "", " salt.\n"},
		"answer after thought":  {true, "Rivers.\n\nRain.", "Rivers carry", "<think>\nRivers.\n\nRain.\n</think>\n\nRivers carry", " <think>salt", "", " <think>salt"},
		"thought":               {true, "Rivers bring", "", "<think>\nRivers bring", " salt.\n</think>\n\nRivers.", " salt.", "Rivers."},
		"thought at a line end": {true, "Rivers.", "", "<think>\nRivers.", "\n\nRain.", "\n\nRain.", ""},
	} {
		_, before, err := m.render(question, tt.thinking)
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.request(proto.GenerateParams{Continue: true, Thinking: tt.thinking,
			Messages: append(slices.Clone(question), proto.Message{Role: "assistant", Content: tt.content, Reasoning: tt.reasoning})}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(before), tok.Encode(tt.written, true)...)
		if !slices.Equal(r.Prompt, want) {
			t.Errorf("%s: the prompt has the tokens\n%v, want\n%v", name, r.Prompt, want)
		}
		thought, answered := r.Split.Push(tt.next)
		t2, a2 := r.Split.Flush()
		if thought+t2 != tt.thought || answered+a2 != tt.answered {
			t.Errorf("%s: shown as %q and %q", name, thought+t2, answered+a2)
		}
	}
}
