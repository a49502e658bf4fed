// x86 kernels behind MLX's custom primitives: plain C ABI over raw pointers,
// no MLX types, so that they build and are tested alone.
//
// Layouts are row-major. "packed" is MLX's affine layout: element k of row n
// lies in bits [k*bits, k*bits+bits) of that row's little-endian uint32 words;
// its value is scale * q + bias with one scale and bias a group of
// `group_size` consecutive elements of the row.
// For a new caller: link by importing qwill/engine/mlx/kernels (cgo compiles it
// there); prefer qk_matmul_multi for projections that share their input; keep
// the KV cache in f16 where memory bandwidth counts, it is half the reading.
//
// Every function may be called from any thread, one call at a time; work is
// split over the kernels' own pool (qk_set_threads). All return 0, or a
// negative code for a combination of arguments that is not supported.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum qk_dtype { QK_F32 = 0, QK_F16 = 1, QK_BF16 = 2 };
enum qk_mode { QK_EXACT = 0, QK_FAST = 1, QK_WIDE = 2 };
enum qk_error { QK_UNSUPPORTED = -1, QK_NO_MEMORY = -2, QK_FAILED = -3 };

// "avx512vnni", "avx512", "avx2" or "portable": the best the machine has, or
// what QWILL_KERNELS forces (never above what the machine has).
const char* qk_isa(void);
// Makes another instruction set current, for tests; QK_UNSUPPORTED if the
// machine lacks it. Not while a kernel runs.
int qk_use_isa(const char* name);
// Threads of the pool, 1 or more; default: physical cores.
void qk_set_threads(int n);
int qk_threads(void);

// out[M,N] = x[M,K] @ W[N,K]^T, W affine-quantized.
// bits 4 or 8; group_size 32, 64 or 128; K a multiple of group_size.
// scales, biases: [N, K/group_size] in sdtype. x and out float32.
// mode FAST rounds each row of x to int8 in blocks of 32; EXACT keeps float32.
// WIDE rounds to int16 where that pays (4 bits, few rows), else it is EXACT.
int qk_quantized_matmul(int mode, const float* x, const uint32_t* w,
                        const void* scales, const void* biases, int sdtype,
                        int bits, int group_size, float* out,
                        int64_t M, int64_t N, int64_t K);

// Several matrices with the same input in one call (q, k and v; gate and up):
// one preparation of x and one hand-over to the threads. bits 0: dense in
// dtype, scales and biases null. At most 16.
struct qk_matrix {
  const void* w;
  const void* scales;
  const void* biases;
  int dtype;  // of scales and biases, or of a dense w
  int bits;   // 4, 8, or 0 for dense
  int group_size;
  int64_t N;
  float* out;  // [M,N]
};
int qk_matmul_multi(int mode, const float* x, const struct qk_matrix* mats, int count,
                    int64_t M, int64_t K);

// out[M,N] = x[M,K] @ W[N,K]^T, W dense in wdtype, computed in float32.
int qk_dense_matmul(const float* x, const void* w, int wdtype, float* out,
                    int64_t M, int64_t N, int64_t K);

// Causal grouped-query attention over a preallocated cache, float32.
// q: [L, H, D] (token-major). k, v: cache buffers [KVH, capacity, D] in kvdtype.
// Query i (0-based) has position offset+i and sees keys 0..offset+i.
// out: [L, H, D].
int qk_attention(const float* q, const void* k, const void* v, int kvdtype,
                 float* out, int64_t L, int64_t H, int64_t KVH, int64_t D,
                 int64_t offset, int64_t capacity, float scale);

// out[M,K] = x / sqrt(mean(x^2) + eps) * weight[K] (weight float32).
int qk_rms_norm(const float* x, const float* weight, float* out, int64_t M,
                int64_t K, float eps);
// out = residual + x, and norm[M,K] of it in the same pass.
int qk_add_rms_norm(const float* x, const float* residual, const float* weight,
                    float* sum, float* norm, int64_t M, int64_t K, float eps);

// Rotary embedding of x[L, H, D] (non-traditional: halves), positions
// offset..offset+L-1, after an optional per-head RMSNorm (norm_weight[D] or
// null). inv_freq: [D/2]. out: [L, H, D].
int qk_norm_rope(const float* x, const float* norm_weight, float eps,
                 const float* inv_freq, float* out, int64_t L, int64_t H,
                 int64_t D, int64_t offset);

// out[M,K] = silu(gate) * up.
int qk_swiglu(const float* gate, const float* up, float* out, int64_t n);
#ifdef __cplusplus
}
#endif
