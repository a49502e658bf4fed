// Package generate writes a model's replies: the prompt is read in chunks, then
// tokens are decoded one ahead of the one given out, and turned into text. It
// runs on the MLX thread in small steps, so that a scheduler can cancel a
// generation, or let another one pass, between any two of them.
package generate

import (
	"qwill/engine/mlx"
	"qwill/engine/prefix"
)

// Cache holds the keys and values of one sequence.
type Cache interface {
	prefix.KV
	Arrays() []mlx.Array // the buffers, to be evaluated
}

// Network is an architecture with its weights. It is used on the MLX thread.
type Network interface {
	NewCache() (Cache, error)
	// Forward reads ids [L] int32 after what c holds, appends to c, and gives the
	// hidden states [L, hidden].
	Forward(ids mlx.Array, c Cache) mlx.Array
	// ForwardBatch reads one token of each of several sequences: ids [B] int32 after
	// what cs hold, one each. It appends to them and gives the hidden states
	// [B, hidden], each as Forward would alone where the device computes rows alike.
	ForwardBatch(ids mlx.Array, cs []Cache) mlx.Array
	// Pack reads whole sequences of the lengths given, which ids [sum] int32 holds
	// one after another, and gives their hidden states [sum, hidden].
	Pack(ids mlx.Array, lengths []int) mlx.Array
	// Logits are float32 [L, vocabulary] of hidden states [L, hidden].
	Logits(hidden mlx.Array) mlx.Array
}

// Sampler draws tokens. Its state advances with every draw.
type Sampler interface {
	// Sample draws a token [1] int32 from logits [1, vocabulary]. last is the token
	// before it, not yet evaluated perhaps; absent for the first draw.
	Sample(logits, last mlx.Array) mlx.Array
	Close()
}

// Tokens is what a generation needs of a tokenizer.
type Tokens interface {
	TokenBytes(id int) []byte
	IsSpecial(id int) bool
}

// Model is what the generations on one model share.
type Model struct {
	Thread   *mlx.Thread
	Net      Network
	Prefixes *prefix.Store[Cache]
	Tokens   Tokens
	Decoder  func() Decoder // starts a stream of text
	Sampler  func(s Settings, prompt []int) (Sampler, error)
	EOS      map[int]bool

	Context    int // tokens
	Vocabulary int // rows of the logits
	Chunk      int // tokens of the prompt read at once
}

// words are the tokens of a prompt that penalties count: not the control tokens.
// Every turn of a chat ends with one, and a model punished for that would not
// end its own.
func (m *Model) words(prompt []int) []int {
	out := make([]int, 0, len(prompt))
	for _, id := range prompt {
		if !m.Tokens.IsSpecial(id) && !m.EOS[id] {
			out = append(out, id)
		}
	}
	return out
}

// ChunkFor gives the tokens to read at once so that a chunk takes well under a
// second: a pause or a cancellation waits for its end. The figure for processors
// is 0.7 s of the fast mode on two AVX2 cores, 96 billion weights a second.
// Chunks beyond 64 gain little and would make a busy machine wait too long. The
// size does not adapt while running: the same request is to give the same text.
func ChunkFor(parameters int64, gpu bool) int {
	if gpu {
		return 512
	}
	n := 8
	for n < 64 && int64(2*n)*parameters <= 66e9 {
		n *= 2
	}
	return n
}
