package mlx

// #include "shim.h"
import "C"

// MLX's own layer operations. Models use the fused layers of fused.go, which
// choose between these and the x86 kernels; tests compare the two.

// FastRMSNorm is x/sqrt(mean(x^2)+eps)*weight over the last dimension; weight
// may be absent.
func FastRMSNorm(x, weight Array, eps float32) Array {
	const op = "rms_norm"
	p, w := x.ptr(op), weight.opt(op)
	return x.n.t.out(op, C.qm_rms_norm(p, w, C.float(eps)))
}

// FastRoPE rotates x[..., L, D] by position offset+row. With freqs (periods,
// [dims/2]) base is unused.
func FastRoPE(x Array, dims int, traditional bool, base, scale float32, offset int, freqs Array) Array {
	const op = "rope"
	p, f := x.ptr(op), freqs.opt(op)
	return x.n.t.out(op, C.qm_rope(p, C.int(dims), cbool(traditional), C.float(base), C.float(scale), C.int(offset), f))
}

// FastAttention is softmax(q@k^T*scale+mask)@v on [B, H, L, D], grouped where
// k and v have fewer heads. causal aligns the last query with the last key.
func FastAttention(q, k, v Array, scale float32, causal bool, mask Array) Array {
	const op = "scaled_dot_product_attention"
	pq, pk, pv, pm := q.ptr(op), k.ptr(op), v.ptr(op), mask.opt(op)
	return q.n.t.out(op, C.qm_sdpa(pq, pk, pv, C.float(scale), cbool(causal), pm))
}

// QuantizedMatMul is MLX's own x @ W^T (transpose) or x @ W.
func QuantizedMatMul(x Array, w Weight, transpose bool) Array {
	const op = "quantized_matmul"
	p, pw, ps, pb := x.ptr(op), w.W.ptr(op), w.Scales.ptr(op), w.Biases.opt(op)
	return x.n.t.out(op, C.qm_quantized_matmul(p, pw, ps, pb, cbool(transpose), C.int(w.GroupSize), C.int(w.Bits)))
}

// Dequantize is the dense form of w in type d; a dense w is converted.
func Dequantize(w Weight, d Dtype) Array {
	const op = "dequantize"
	if !w.Quantized() {
		return AsType(w.W, d)
	}
	pw, ps, pb := w.W.ptr(op), w.Scales.ptr(op), w.Biases.opt(op)
	return w.W.n.t.out(op, C.qm_dequantize(pw, ps, pb, C.int(w.GroupSize), C.int(w.Bits), C.int(d)))
}

// Quantize makes MLX's affine form of a dense w [N, K].
func Quantize(w Array, groupSize, bits int) Weight {
	const op = "quantize"
	var out [3]C.qm_array
	if C.qm_quantize(w.ptr(op), C.int(groupSize), C.int(bits), &out[0]) != 0 {
		panic(lastError(op))
	}
	t := w.n.t
	return Weight{W: t.add(out[0]), Scales: t.add(out[1]), Biases: t.add(out[2]), GroupSize: groupSize, Bits: bits}
}
