package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qwill/engine/proto"
)

// Config is the part of a model's generation_config.json that matters here.
// Absent fields are nil.
type Config struct {
	DoSample          *bool    `json:"do_sample"`
	Temperature       *float64 `json:"temperature"`
	TopK              *int     `json:"top_k"`
	TopP              *float64 `json:"top_p"`
	MinP              *float64 `json:"min_p"`
	RepetitionPenalty *float64 `json:"repetition_penalty"`
	EOS               ids      `json:"eos_token_id"`
}

// ids is one token id or a list of them.
type ids []int

// UnmarshalJSON accepts a number, a list of numbers or null.
func (v *ids) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if err := json.Unmarshal(b, (*[]int)(v)); err == nil {
		return nil
	}
	var one int
	if err := json.Unmarshal(b, &one); err != nil {
		return errors.New("must be a token id or a list of them")
	}
	*v = ids{one}
	return nil
}

// maxConfig bounds the size of a configuration file.
const maxConfig = 1 << 20

// readJSON reads a small file of the model's folder into v. An absent file is
// no error and leaves v as it is.
func readJSON(dir, name string, v any) error {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && info.Size() > maxConfig:
		err = fmt.Errorf("is larger than %d bytes", maxConfig)
	}
	if err == nil {
		var b []byte
		if b, err = os.ReadFile(path); err == nil {
			if err = json.Unmarshal(b, v); err == nil {
				return nil
			}
		}
	}
	e := &proto.Error{Code: proto.CodeModel, Message: err.Error(), ErrorData: proto.ErrorData{File: path,
		Hint: "fetch the model again"}}
	if te := new(json.UnmarshalTypeError); errors.As(err, &te) {
		e.Field = te.Field
	}
	return e
}

// LoadConfig reads generation_config.json; without one the result is empty.
func LoadConfig(dir string) (Config, error) {
	var c Config
	err := readJSON(dir, "generation_config.json", &c)
	return c, err
}

// Settings are the decoding settings of one generation, all decided.
type Settings struct {
	Temperature       float64 // 0 is greedy
	TopK              int     // 0 is off
	TopP              float64 // 1 is off
	MinP              float64 // 0 is off
	PresencePenalty   float64 // 0 is off
	RepetitionPenalty float64 // 1 is off
	Seed              uint64
}

// Decide fills what the request leaves open: from the model's own
// generation_config.json if it has one, else from what the makers of the
// architecture publish. Seed is drawn by seed when none is asked for.
func Decide(asked proto.Sampling, c Config, architecture string, thinking bool, seed func() uint64) Settings {
	s := published(architecture, thinking)
	if c.DoSample != nil || c.Temperature != nil || c.TopK != nil || c.TopP != nil || c.MinP != nil {
		// The library that defines the file takes these for absent fields.
		s = Settings{Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1}
		set(&s.Temperature, c.Temperature)
		set(&s.TopK, c.TopK)
		set(&s.TopP, c.TopP)
		set(&s.MinP, c.MinP)
		if c.DoSample != nil && !*c.DoSample {
			s.Temperature = 0
		}
	}
	set(&s.RepetitionPenalty, c.RepetitionPenalty)
	if !s.valid() { // a file with nonsense in it does not stop anybody from writing
		s = published(architecture, thinking)
	}
	set(&s.Temperature, asked.Temperature)
	set(&s.TopK, asked.TopK)
	set(&s.TopP, asked.TopP)
	set(&s.MinP, asked.MinP)
	set(&s.PresencePenalty, asked.PresencePenalty)
	set(&s.RepetitionPenalty, asked.RepetitionPenalty)
	if asked.Seed != nil {
		s.Seed = *asked.Seed
	} else {
		s.Seed = seed()
	}
	return s
}

func (s Settings) valid() bool {
	p := proto.Sampling{Temperature: &s.Temperature, TopK: &s.TopK, TopP: &s.TopP, MinP: &s.MinP, RepetitionPenalty: &s.RepetitionPenalty}
	return p.Validate() == nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// published gives the settings that the makers recommend. Qwen3: its model
// cards, "Best Practices"; Llama 3: its generation_config.json.
func published(architecture string, thinking bool) Settings {
	s := Settings{RepetitionPenalty: 1}
	switch {
	case architecture == "qwen3" && thinking:
		s.Temperature, s.TopP, s.TopK = 0.6, 0.95, 20
	case architecture == "qwen3":
		s.Temperature, s.TopP, s.TopK = 0.7, 0.8, 20
	default:
		s.Temperature, s.TopP = 0.6, 0.9
	}
	return s
}
