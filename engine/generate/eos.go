package generate

import "encoding/json"

// Vocabulary is what the end-of-sequence search needs of a tokenizer.
type Vocabulary interface {
	ID(token string) (int, bool)
}

// endings are tokens that end a turn in the chat formats of the supported
// models, whatever the configuration says: checkpoints often name only one.
var endings = []string{"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>"}

// EOS gives the ids that end a generation: those named by
// generation_config.json, config.json and tokenizer_config.json (eos_token), and
// the known endings of the vocabulary.
func EOS(dir string, c Config, v Vocabulary) (map[int]bool, error) {
	set := map[int]bool{}
	for _, id := range c.EOS {
		set[id] = true
	}
	var model struct {
		EOS ids `json:"eos_token_id"`
	}
	if err := readJSON(dir, "config.json", &model); err != nil {
		return nil, err
	}
	for _, id := range model.EOS {
		set[id] = true
	}
	var tc struct {
		EOS json.RawMessage `json:"eos_token"`
	}
	if err := readJSON(dir, "tokenizer_config.json", &tc); err != nil {
		return nil, err
	}
	names := endings
	var name string
	var added struct {
		Content string `json:"content"`
	}
	switch {
	case json.Unmarshal(tc.EOS, &name) == nil && name != "":
		names = append([]string{name}, names...)
	case json.Unmarshal(tc.EOS, &added) == nil && added.Content != "":
		names = append([]string{added.Content}, names...)
	}
	for _, n := range names {
		if id, ok := v.ID(n); ok {
			set[id] = true
		}
	}
	return set, nil
}
