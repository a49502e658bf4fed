package load

import (
	"fmt"
	"math"

	"qwill/engine/quant"
	"qwill/engine/strictjson"
)

// Limits of a config, far above any published model; they keep a hostile one
// from costing memory before its weights are compared with it.
const (
	maxConfigBytes = 4 << 20
	maxJSONDepth   = 32
	maxLayers      = 1024
	maxHeads       = 4096
	maxHeadDim     = 1024
	maxWidth       = 1 << 20
	maxVocab       = 1 << 22
	maxContext     = 1 << 27
)

// Config is a checked config.json of a decoder.
type Config struct {
	ModelType    string
	Hidden       int
	Layers       int
	Heads        int // of queries
	KVHeads      int
	HeadDim      int
	Intermediate int
	Vocab        int
	Context      int // max_position_embeddings as declared
	Eps          float64
	Rope         Rope
	Tied         bool // the head is the embedding
	QKNorm       bool // q and k are normalised for each head
	EOS          []int
	Quant        quant.Config
}

// Rope describes the rotary embedding.
type Rope struct {
	Base float64
	Kind string // "default", "linear", "llama3" or "yarn"

	Factor                float64 // of linear, llama3 and yarn
	OriginalContext       int
	LowFactor, HighFactor float64 // llama3
	BetaFast, BetaSlow    float64 // yarn
	MScale, MScaleAllDim  float64 // yarn
}

// architectures that this engine computes.
var architectures = map[string]struct{ qkNorm, tiedDefault bool }{
	"llama": {false, true}, // mlx-lm's default for llama
	"qwen3": {true, false},
}

// ParseConfig reads and checks a config.json. Unknown keys are ignored; keys
// that name code to run ("auto_map", "model_file") are among them.
func ParseConfig(data []byte) (*Config, error) {
	if err := strictjson.Check(data, maxConfigBytes, maxJSONDepth); err != nil {
		return nil, err
	}
	f, err := newFields(data, "")
	if err != nil {
		return nil, err
	}
	c := &Config{ModelType: f.text("model_type")}
	if f.err != nil {
		return nil, f.err
	}
	arch, ok := architectures[c.ModelType]
	if !ok {
		return nil, &fieldError{"model_type", fmt.Sprintf("%.60q is not supported yet: llama and qwen3 are", c.ModelType)}
	}
	c.QKNorm = arch.qkNorm
	c.Layers = f.integer("num_hidden_layers", 1, maxLayers)
	c.Hidden = f.integer("hidden_size", 1, maxWidth)
	c.Intermediate = f.integer("intermediate_size", 1, maxWidth)
	c.Heads = f.integer("num_attention_heads", 1, maxHeads)
	c.KVHeads = f.integerOr("num_key_value_heads", 1, maxHeads, c.Heads)
	if f.err == nil && c.Heads%c.KVHeads != 0 {
		f.fail("num_key_value_heads", "%d does not divide num_attention_heads %d", c.KVHeads, c.Heads)
	}
	if f.err == nil && !f.has("head_dim") && c.Hidden%c.Heads != 0 {
		f.fail("head_dim", "missing, and num_attention_heads %d does not divide hidden_size %d", c.Heads, c.Hidden)
	}
	c.HeadDim = f.integerOr("head_dim", 2, maxHeadDim, c.Hidden/c.Heads)
	if f.err == nil && (c.HeadDim < 2 || c.HeadDim > maxHeadDim || c.HeadDim%2 != 0) {
		f.fail("head_dim", "%d is not an even number from 2 to %d", c.HeadDim, maxHeadDim)
	}
	c.Vocab = f.integer("vocab_size", 1, maxVocab)
	c.Context = f.integerOr("max_position_embeddings", 1, maxContext, 4096)
	c.Eps = f.number("rms_norm_eps", 1e-12, 0.1)
	c.Tied = f.boolOr("tie_word_embeddings", arch.tiedDefault)
	c.EOS = f.ids("eos_token_id", c.Vocab)
	c.rope(f)
	c.refuse(f)
	if f.err != nil {
		return nil, f.err
	}
	// quantization_config is mlx-lm's copy, and the only one of some files.
	for _, name := range []string{"quantization", "quantization_config"} {
		if f.has(name) {
			if c.Quant, err = quant.Parse(name, f.m[name]); err != nil {
				return nil, err
			}
			break
		}
	}
	return c, nil
}

// refuse names features that would change the numbers and are not computed.
// Other keys are left to the tensors: a bias that is really there is refused by
// its name, and official Qwen3 configs carry keys that say nothing ("qkv_bias").
func (c *Config) refuse(f *fields) {
	for _, name := range []string{"attention_bias", "mlp_bias", "rope_traditional", "use_sliding_window"} {
		if f.boolOr(name, false) {
			f.fail(name, "true is not supported yet")
		}
	}
	if f.has("hidden_act") {
		if act := f.text("hidden_act"); f.err == nil && act != "silu" {
			f.fail("hidden_act", "%.40q is not supported: \"silu\" is", act)
		}
	}
	if f.has("layer_types") && f.want("layer_types", "an array") {
		for _, kind := range stringsOf(f.m["layer_types"]) {
			if kind != "full_attention" {
				f.fail("layer_types", "%.40q is not supported: \"full_attention\" is", kind)
			}
		}
	}
}

func (c *Config) rope(f *fields) {
	r := &c.Rope
	r.Kind = "default"
	// transformers 5 nests rope_theta and the scaling under rope_parameters.
	name := "rope_scaling"
	if !f.has(name) && f.has("rope_parameters") {
		name = "rope_parameters"
	}
	var s *fields
	if f.has(name) {
		var err error
		if s, err = newFields(f.m[name], name+"."); err != nil {
			if f.err == nil {
				f.err = err
			}
			return
		}
	}
	defer func() {
		if s != nil && f.err == nil {
			f.err = s.err
		}
	}()
	switch {
	case f.has("rope_theta"):
		r.Base = f.number("rope_theta", 1, 1e12)
	case s != nil && s.has("rope_theta"):
		r.Base = s.number("rope_theta", 1, 1e12)
	case c.ModelType == "llama":
		r.Base = 10000
	default:
		f.fail("rope_theta", "missing")
	}
	if s == nil {
		return
	}
	kind := "rope_type"
	if s.has("type") {
		kind = "type" // the older spelling
	}
	if s.has(kind) {
		r.Kind = s.text(kind)
	}
	switch r.Kind {
	case "default":
	case "linear":
		r.Factor = s.number("factor", 1, 1e6)
	case "llama3":
		r.Factor = s.number("factor", 1, 1e6)
		r.LowFactor = s.numberOr("low_freq_factor", 1e-3, 1e6, 1)
		r.HighFactor = s.numberOr("high_freq_factor", 1e-3, 1e6, 4)
		r.OriginalContext = s.integerOr("original_max_position_embeddings", 1, maxContext, 8192)
		if s.err == nil && r.HighFactor <= r.LowFactor {
			s.fail("high_freq_factor", "%g is not above low_freq_factor %g", r.HighFactor, r.LowFactor)
		}
	case "yarn":
		r.Factor = s.number("factor", 1, 1e6)
		r.OriginalContext = s.integerOr("original_max_position_embeddings", 1, maxContext, 4096)
		r.BetaFast = s.numberOr("beta_fast", 1e-3, 1e6, 32)
		r.BetaSlow = s.numberOr("beta_slow", 1e-3, 1e6, 1)
		r.MScale = s.numberOr("mscale", 0, 100, 1)
		r.MScaleAllDim = s.numberOr("mscale_all_dim", 0, 100, 0)
		if r.Base <= 1 {
			f.fail("rope_theta", "%g is too small for yarn", r.Base)
		}
	default:
		s.fail(kind, "%.40q is not supported: default, linear, llama3 and yarn are", r.Kind)
	}
}

// Scale is the factor of attention scores, yarn's correction included.
func (c *Config) Scale() float64 {
	m := c.Rope.mscale()
	return m * m / math.Sqrt(float64(c.HeadDim))
}

// mscale is yarn's factor of queries and of keys; both together give its
// square on the scores.
func (r Rope) mscale() float64 {
	if r.Kind != "yarn" || r.Factor <= 1 {
		return 1
	}
	get := func(m float64) float64 { return 0.1*m*math.Log(r.Factor) + 1 }
	return get(r.MScale) / get(r.MScaleAllDim)
}

// InvFreq is the angle a position adds to each pair of dimensions, [HeadDim/2],
// in radians.
// Sources: YaRN, arXiv 2309.00071; mlx-lm's rope_utils.py, whose numbers these
// are.
func (c *Config) InvFreq() []float32 {
	r, n := c.Rope, c.HeadDim/2
	out := make([]float32, n)
	for i := range out {
		period := math.Pow(r.Base, float64(2*i)/float64(c.HeadDim)) // over 2 pi
		switch r.Kind {
		case "linear":
			period *= r.Factor
		case "llama3":
			period = r.llama3(period)
		case "yarn":
			period = r.yarn(period, i, c.HeadDim)
		}
		out[i] = float32(1 / period)
	}
	return out
}

func (r Rope) llama3(period float64) float64 {
	length := 2 * math.Pi * period
	old := float64(r.OriginalContext)
	switch {
	case length > old/r.LowFactor:
		return period * r.Factor
	case length > old/r.HighFactor:
		smooth := (old/length - r.LowFactor) / (r.HighFactor - r.LowFactor)
		return period / ((1-smooth)/r.Factor + smooth)
	}
	return period
}

func (r Rope) yarn(period float64, i, dims int) float64 {
	at := func(rotations float64) float64 {
		return float64(dims) * math.Log(float64(r.OriginalContext)/(rotations*2*math.Pi)) / (2 * math.Log(r.Base))
	}
	low := max(math.Floor(at(r.BetaFast)), 0)
	high := min(math.Ceil(at(r.BetaSlow)), float64(dims-1))
	if low == high {
		high += 0.001 // no division by zero
	}
	ramp := min(max((float64(i)-low)/(high-low), 0), 1)
	slow := r.Factor * period
	keep := 1 - ramp
	return slow * period / (slow*keep + period*(1-keep))
}
