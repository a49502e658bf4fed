package generate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"qwill/engine/mlx"
	"qwill/engine/proto"
)

// EmbedRequest is inputs to embed, checked and tokenized.
type EmbedRequest struct {
	Priority   int
	Inputs     [][]int // each at least one token, at most the context
	Dimensions int     // of the vectors; 0: the hidden size
}

// Embedding computes the vectors of some inputs: the final norm's output at each
// one's last token, scaled to length 1. Step, Pause and Fail are called on the
// MLX thread, Cancel and Cancelled anywhere; Result after it has ended.
//
// Short inputs are read side by side, as many as make a chunk; one longer than
// a chunk is read alone, a chunk a step, so that others can pass.
type Embedding struct {
	m     *Model
	r     EmbedRequest
	order []int // the inputs by falling length
	done  int   // of order
	cache Cache // of a long input that is under way
	at    int   // its tokens read
	stop  atomic.Bool

	result proto.EmbedResult
	err    error
	ended  bool
}

// NewEmbedding prepares an embedding.
func NewEmbedding(m *Model, r EmbedRequest) (*Embedding, error) {
	e := &Embedding{m: m, r: r}
	for i, ids := range r.Inputs {
		if len(ids) > m.Context {
			return nil, &proto.Error{Code: proto.CodeTooLong,
				Message:   fmt.Sprintf("input %d has %d tokens, the model's context holds %d", i, len(ids), m.Context),
				ErrorData: proto.ErrorData{Field: "input", Hint: "cut the text into parts"}}
		}
		e.order = append(e.order, i)
		e.result.Tokens += len(ids)
	}
	slices.SortStableFunc(e.order, func(a, b int) int { return cmp.Compare(len(r.Inputs[b]), len(r.Inputs[a])) })
	e.result.Vectors = make([][]float32, len(r.Inputs))
	return e, nil
}

// Cancel ends the embedding at its next step.
func (e *Embedding) Cancel() { e.stop.Store(true) }

// Cancelled reports whether Cancel was called.
func (e *Embedding) Cancelled() bool { return e.stop.Load() }

// Priority is the request's.
func (e *Embedding) Priority() int { return e.r.Priority }

// Pause tells that something else takes over until the next Step.
func (e *Embedding) Pause() {}

// Result gives the vectors, or why there are none.
func (e *Embedding) Result() (proto.EmbedResult, error) {
	if e.err != nil {
		return proto.EmbedResult{}, e.err
	}
	return e.result, nil
}

// Step reads a chunk of a long input or a pack of short ones, and reports
// whether the embedding has ended.
func (e *Embedding) Step() bool {
	switch {
	case e.ended:
		return true
	case e.stop.Load():
		e.Fail(&proto.Error{Code: proto.CodeCancelled, Message: "cancelled"})
		return true
	}
	s := e.m.Thread.Enter()
	defer s.Close()
	var err error
	if ids := e.r.Inputs[e.order[e.done]]; len(ids) > e.m.Chunk {
		err = e.long(ids)
	} else {
		err = e.pack()
	}
	if err != nil {
		e.Fail(err)
	}
	if e.done == len(e.order) {
		e.ended = true
	}
	return e.ended
}

// long reads the next chunk of ids.
func (e *Embedding) long(ids []int) error {
	if e.cache == nil {
		var err error
		if e.cache, err = e.m.Net.NewCache(); err != nil {
			return err
		}
		e.at = 0
	}
	end := min(len(ids), e.at+e.m.Chunk)
	hidden := e.m.Net.Forward(e.m.Thread.FromInts(ids[e.at:end]), e.cache)
	if end < len(ids) {
		mlx.Eval(e.cache.Arrays()...)
		e.at = end
		return nil
	}
	n := end - e.at
	last := mlx.Slice(hidden, []int{n - 1, 0}, []int{n, hidden.Dim(1)})
	if err := e.take(last, e.order[e.done:e.done+1]); err != nil {
		return err
	}
	e.cache.Close()
	e.cache = nil
	return nil
}

// pack reads the next inputs that make a chunk together.
func (e *Embedding) pack() error {
	var ids, lengths, lasts []int
	n := e.done
	for ; n < len(e.order); n++ {
		one := e.r.Inputs[e.order[n]]
		if len(ids)+len(one) > e.m.Chunk {
			break
		}
		ids = append(ids, one...)
		lengths = append(lengths, len(one))
		lasts = append(lasts, len(ids)-1)
	}
	hidden := e.m.Net.Pack(e.m.Thread.FromInts(ids), lengths)
	return e.take(mlx.Take(hidden, e.m.Thread.FromInts(lasts), 0), e.order[e.done:n])
}

// take makes the vectors of the inputs named from rows [len(inputs), hidden].
func (e *Embedding) take(rows mlx.Array, inputs []int) error {
	width := rows.Dim(1)
	n := e.r.Dimensions
	if n == 0 {
		n = width
	}
	if n > width {
		return &proto.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf("dimensions must be from 1 to %d, not %d", width, n),
			ErrorData: proto.ErrorData{Field: "dimensions"}}
	}
	flat := rows.Float32s()
	for i, input := range inputs {
		v := flat[i*width : i*width+n : i*width+n]
		if !normalise(v) {
			return errNotFinite
		}
		e.result.Vectors[input] = v
	}
	e.done += len(inputs)
	return nil
}

// normalise scales v to length 1, as torch's normalize does; false when it holds
// what is no number.
func normalise(v []float32) bool {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return false
	}
	scale := 1 / max(math.Sqrt(sum), 1e-12)
	for i := range v {
		v[i] = float32(float64(v[i]) * scale)
	}
	return true
}

// Fail ends the embedding after a step panicked, or when it cannot run.
func (e *Embedding) Fail(err error) {
	if e.ended {
		return
	}
	e.ended, e.err = true, err
	if e.cache != nil {
		e.cache.Close()
		e.cache = nil
	}
}
