package mlx

// #include "shim.h"
import "C"

// The fused layers below are what models are written with. On x86 each is one
// node of the graph over the kernels of engine/mlx/kernels; elsewhere each is
// built of MLX's own operations. They work on one sequence of L tokens, with
// float32 activations, token-major.

// Mode says how activations enter matrix products on x86.
type Mode int32

const (
	// Exact keeps float32 activations.
	Exact Mode = iota
	// Fast quantizes activations to int8 a row and group. Off x86, and for
	// dense weights, it is the same as Exact.
	Fast
)

func (m Mode) String() string {
	if m == Fast {
		return "fast"
	}
	return "exact"
}

// Weight is a matrix [N, K] as stored: MLX's affine quantization, or dense
// (Scales absent) in float32, float16 or bfloat16.
type Weight struct {
	W         Array // uint32 [N, K*Bits/32], or dense [N, K]
	Scales    Array // [N, K/GroupSize]
	Biases    Array // [N, K/GroupSize]
	GroupSize int   // 32, 64 or 128
	Bits      int   // 4 or 8
}

// Quantized reports whether w is in affine form.
func (w Weight) Quantized() bool { return w.Scales.n != nil }

// OK reports whether w is present.
func (w Weight) OK() bool { return w.W.n != nil }

// Arrays lists the arrays present.
func (w Weight) Arrays() []Array {
	var all []Array
	for _, a := range []Array{w.W, w.Scales, w.Biases} {
		if a.n != nil {
			all = append(all, a)
		}
	}
	return all
}

// Rows is N.
func (w Weight) Rows() int { return w.W.Dim(0) }

// Cols is K.
func (w Weight) Cols() int {
	if w.Quantized() && w.Bits > 0 {
		return w.W.Dim(1) * 32 / w.Bits
	}
	return w.W.Dim(1)
}

// Bytes is the size of w in memory.
func (w Weight) Bytes() int64 {
	var n int64
	for _, a := range w.Arrays() {
		n += a.Bytes()
	}
	return n
}

func (w Weight) c(op string) C.qm_weight {
	return C.qm_weight{
		w: w.W.ptr(op), scales: w.Scales.opt(op), biases: w.Biases.opt(op),
		group_size: C.int(w.GroupSize), bits: C.int(w.Bits),
	}
}

// Linear is x[..., K] @ w^T, plus bias [N] where present.
func Linear(x Array, w Weight, bias Array, mode Mode) Array {
	y := Linears(x, mode, w)[0]
	if bias.n != nil {
		y = Add(y, bias)
	}
	return y
}

// Linears is several products of one x, cheaper than one by one: q, k and v,
// or gate and up.
func Linears(x Array, mode Mode, ws ...Weight) []Array {
	const op = "linear"
	if len(ws) == 0 {
		fail(op, "no weights")
	}
	p := x.ptr(op)
	cw := make([]C.qm_weight, len(ws))
	for i, w := range ws {
		cw[i] = w.c(op)
	}
	out := make([]C.qm_array, len(ws))
	if C.qm_linears(p, &cw[0], C.int(len(cw)), C.int(mode), &out[0]) != 0 {
		panic(lastError(op))
	}
	ys := make([]Array, len(out))
	for i, c := range out {
		ys[i] = x.n.t.add(c)
	}
	return ys
}

// MLP is (silu(x @ gate^T) * (x @ up^T)) @ down^T.
func MLP(x Array, gate, up, down Weight, mode Mode) Array {
	const op = "mlp"
	p := x.ptr(op)
	g, u, d := gate.c(op), up.c(op), down.c(op)
	return x.n.t.out(op, C.qm_mlp(p, &g, &u, &d, C.int(mode)))
}

// Embed is rows of w by token id (any integer type, shape [L]) as [L, K]
// float32; only the rows taken are dequantized. An id outside w is an error
// when it is computed (on a GPU, which cannot tell, the nearest row).
func Embed(ids Array, w Weight) Array {
	const op = "embed"
	p, cw := ids.ptr(op), w.c(op)
	return ids.n.t.out(op, C.qm_embed(p, &cw))
}

// RMSNorm is x/sqrt(mean(x^2)+eps)*weight over the last dimension.
func RMSNorm(x, weight Array, eps float32) Array {
	const op = "rms_norm"
	p, w := x.ptr(op), weight.ptr(op)
	return x.n.t.out(op, C.qm_fused_rms_norm(p, w, C.float(eps)))
}

// AddRMSNorm is x+residual, and RMSNorm of that sum.
func AddRMSNorm(x, residual, weight Array, eps float32) (sum, norm Array) {
	const op = "add_rms_norm"
	var out [2]C.qm_array
	if C.qm_add_rms_norm(x.ptr(op), residual.ptr(op), weight.ptr(op), C.float(eps), &out[0]) != 0 {
		panic(lastError(op))
	}
	return x.n.t.add(out[0]), x.n.t.add(out[1])
}

// NormRope is the rotary embedding (halves, not interleaved) of x [L, H*D] at
// positions offset…, after RMSNorm of each head where norm [D] is present.
// invFreq is [D/2] float32, in radians a position.
func NormRope(x, norm Array, eps float32, invFreq Array, heads, offset int) Array {
	const op = "norm_rope"
	p, w, f := x.ptr(op), norm.opt(op), invFreq.ptr(op)
	return x.n.t.out(op, C.qm_norm_rope(p, w, C.float(eps), f, C.int(heads), C.int(offset)))
}

// SwiGLU is silu(gate)*up.
func SwiGLU(gate, up Array) Array {
	const op = "swiglu"
	p, q := gate.ptr(op), up.ptr(op)
	return gate.n.t.out(op, C.qm_swiglu(p, q))
}

// KV is the cache of one layer: buffers [KVH, capacity, D] of one type
// (float32, float16 or bfloat16), with the handles replaced in place. The
// offset is the caller's, the same in all layers. Rewinding is lowering the
// offset: what lies beyond it is overwritten.
//
// An update writes into the buffers themselves: of an older state only the
// positions below the new offset stay as they were.
type KV struct{ K, V Array }

// NewKV makes a layer's cache.
func (t *Thread) NewKV(d Dtype, heads, capacity, dim int) KV {
	return KV{K: t.Zeros(d, heads, capacity, dim), V: t.Zeros(d, heads, capacity, dim)}
}

// Capacity is the tokens c has room for.
func (c KV) Capacity() int { return c.K.Dim(1) }

// Grow makes room for capacity tokens, keeping those there are.
func (c KV) Grow(capacity int) {
	s := c.K.Shape()
	more := capacity - s[1]
	if more <= 0 {
		return
	}
	t := c.K.Thread()
	pad := t.Zeros(c.K.Dtype(), s[0], more, s[2])
	c.K.Replace(Concatenate([]Array{c.K, pad}, 1))
	c.V.Replace(Concatenate([]Array{c.V, pad}, 1))
}

// Append writes k and v [L, KVH*D] at positions offset… of c.
func (c KV) Append(k, v Array, offset int) {
	const op = "append_kv"
	var out [2]C.qm_array
	if C.qm_append_kv(c.K.ptr(op), c.V.ptr(op), k.ptr(op), v.ptr(op), C.int(offset), &out[0]) != 0 {
		panic(lastError(op))
	}
	t := k.n.t
	c.K.Replace(t.add(out[0]))
	c.V.Replace(t.add(out[1]))
}

// Attention is causal grouped-query attention of q [L, H*D] over c, whose
// positions 0…offset+L-1 are filled; query i has position offset+i. The result
// is [L, H*D].
func Attention(q Array, c KV, offset int, scale float32) Array {
	const op = "attention"
	p, k, v := q.ptr(op), c.K.ptr(op), c.V.ptr(op)
	return q.n.t.out(op, C.qm_attention(p, k, v, C.int(offset), C.float(scale)))
}

// AttentionBlock is NormRope of q [L, H*D] and of k [L, KVH*D], KV.Append of k
// and v, and Attention, in one. The norms may be absent.
func AttentionBlock(q, k, v Array, c KV, qNorm, kNorm Array, eps float32, invFreq Array, offset int, scale float32) Array {
	const op = "attention_block"
	var out [3]C.qm_array
	if C.qm_attention_block(q.ptr(op), k.ptr(op), v.ptr(op), c.K.ptr(op), c.V.ptr(op), qNorm.opt(op), kNorm.opt(op),
		C.float(eps), invFreq.ptr(op), C.int(offset), C.float(scale), &out[0]) != 0 {
		panic(lastError(op))
	}
	t := q.n.t
	y := t.add(out[0])
	c.K.Replace(t.add(out[1]))
	c.V.Replace(t.add(out[2]))
	return y
}

// TopK is the k largest of each row of a [rows, n], largest first: values
// float32 and ids int32, both [rows, k].
func TopK(a Array, k int) (values, ids Array) {
	const op = "top_k"
	var out [2]C.qm_array
	if C.qm_top_k(a.ptr(op), C.int(k), &out[0]) != 0 {
		panic(lastError(op))
	}
	return a.n.t.add(out[0]), a.n.t.add(out[1])
}

// TopP is logits [rows, n] with -inf where the likelier ones already have a
// share p or more of the probability.
func TopP(logits Array, p float32) Array {
	const op = "top_p"
	x := logits.ptr(op)
	return logits.n.t.out(op, C.qm_top_p(x, C.float(p)))
}
