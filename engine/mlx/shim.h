// C interface between Go and libmlx: the only place where the two meet.
//
// Rules of every function that can fail: C++ exceptions never leave it; a
// function that returns a pointer returns NULL on failure, one that returns an
// int returns 0 for success and -1 for failure, and qm_error() then holds the
// message, valid on this thread until its next call. Work happens only on a
// thread that called qm_enter_thread. Axes may be negative, as in MLX.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qm_array_s* qm_array;

// Element types; the same numbers as Dtype in Go.
enum qm_dtype {
  QM_BOOL = 0,
  QM_U8,
  QM_I8,
  QM_U16,
  QM_I16,
  QM_U32,
  QM_I32,
  QM_I64,
  QM_F16,
  QM_BF16,
  QM_F32,
};

enum qm_unary {
  QM_NEG = 0,
  QM_EXP,
  QM_LOG,
  QM_SIGMOID,
  QM_SILU,
  QM_TANH,
  QM_SQRT,
  QM_RSQRT,
  QM_SQUARE,
  QM_ABS,
  QM_ISFINITE,
  QM_NOT,
  QM_CONTIGUOUS,
};

enum qm_binary {
  QM_ADD = 0,
  QM_SUB,
  QM_MUL,
  QM_DIV,
  QM_MAXIMUM,
  QM_MINIMUM,
  QM_EQ,
  QM_NE,
  QM_LT,
  QM_LE,
  QM_GT,
  QM_GE,
  QM_AND,
  QM_OR,
  QM_MATMUL,
};

enum qm_reduce { QM_SUM = 0, QM_MEAN, QM_MAX, QM_MIN, QM_ALL, QM_ANY, QM_ARGMAX, QM_LOGSUMEXP };
enum qm_sort { QM_SORT = 0, QM_ARGSORT, QM_PARTITION, QM_ARGPARTITION };
enum qm_along { QM_TAKE = 0, QM_TAKE_ALONG };
enum qm_gpu_kind { QM_DEVICE_CPU = 0, QM_DEVICE_GPU = 1 };

// Process and thread.
const char* qm_error(void);
const char* qm_version(void);
int qm_enter_thread(void);
void qm_leave_thread(void);
int qm_device(void);               // enum qm_gpu_kind
const char* qm_kernels(void);      // instruction set of the x86 kernels, or "" where MLX's own operations serve
void qm_use_kernels(int on);        // 0: MLX's own operations everywhere; for tests
void qm_set_threads(int n);        // of the x86 kernels
int qm_threads(void);

// Memory, in bytes.
size_t qm_active_memory(void);
size_t qm_cache_memory(void);
size_t qm_peak_memory(void);
void qm_reset_peak_memory(void);
size_t qm_set_cache_limit(size_t n);
size_t qm_set_memory_limit(size_t n);
void qm_clear_cache(void);

// Arrays.
qm_array qm_from_data(const void* data, size_t bytes, int dtype, const int* shape, int ndim);
qm_array qm_full(double value, int dtype, const int* shape, int ndim);
qm_array qm_arange(double start, double stop, double step, int dtype);
qm_array qm_key(uint64_t seed);
void qm_free(qm_array a);
void qm_free_many(qm_array* a, size_t n);
qm_array qm_copy_handle(qm_array a);
int qm_info(qm_array a, int* dtype, int* ndim, int* shape, int max_dims);
int qm_eval(qm_array* a, size_t n, int async);
int qm_synchronize(void);
// Evaluates a and copies its elements, row-major, converted to dtype.
int qm_read(qm_array a, int dtype, void* out, size_t bytes);
int qm_buffer_id(qm_array a, uint64_t* id); // address of evaluated storage (tests of donation)

// Operations.
qm_array qm_unary_op(int op, qm_array a);
qm_array qm_binary_op(int op, qm_array a, qm_array b);
qm_array qm_binary_scalar(int op, qm_array a, double b, int reversed);
qm_array qm_reduce_op(int op, qm_array a, int axis, int keepdims);
qm_array qm_sort_op(int op, qm_array a, int kth, int axis);
qm_array qm_astype(qm_array a, int dtype);
qm_array qm_view(qm_array a, int dtype);
qm_array qm_reshape(qm_array a, const int* shape, int ndim);
qm_array qm_broadcast(qm_array a, const int* shape, int ndim);
qm_array qm_transpose(qm_array a, const int* axes, int n);
qm_array qm_expand_dims(qm_array a, const int* axes, int n);
qm_array qm_squeeze(qm_array a, const int* axes, int n);
qm_array qm_slice(qm_array a, const int* start, const int* stop, const int* strides, int n);
qm_array qm_slice_update(qm_array a, qm_array update, const int* start, const int* stop, int n);
qm_array qm_concatenate(qm_array* a, size_t n, int axis);
qm_array qm_take(int kind, qm_array a, qm_array indices, int axis);
qm_array qm_put_along_axis(qm_array a, qm_array indices, qm_array values, int axis);
qm_array qm_scatter_add_axis(qm_array a, qm_array indices, qm_array values, int axis);
qm_array qm_softmax(qm_array a, int axis, int precise);
qm_array qm_cumsum(qm_array a, int axis, int reverse, int inclusive);
qm_array qm_where(qm_array cond, qm_array x, qm_array y);
qm_array qm_categorical(qm_array logits, int axis, qm_array key);
qm_array qm_gumbel(qm_array key, const int* shape, int ndim);
qm_array qm_uniform(qm_array key, const int* shape, int ndim);
qm_array qm_split_key(qm_array key, int n);
qm_array qm_rms_norm(qm_array x, qm_array weight, float eps);
qm_array qm_rope(qm_array x, int dims, int traditional, float base, float scale, int offset, qm_array freqs);
qm_array qm_sdpa(qm_array q, qm_array k, qm_array v, float scale, int causal, qm_array mask);
qm_array qm_quantized_matmul(qm_array x, qm_array w, qm_array scales, qm_array biases, int transpose, int group_size, int bits);
qm_array qm_dequantize(qm_array w, qm_array scales, qm_array biases, int group_size, int bits, int dtype);
int qm_quantize(qm_array w, int group_size, int bits, qm_array out[3]);

// Fused layers; see fused.go. On x86 one node of the graph each.
typedef struct {
  qm_array w, scales, biases; // scales NULL: w is dense
  int group_size, bits;
} qm_weight;

int qm_linears(qm_array x, const qm_weight* w, int n, int fast, qm_array* out);
qm_array qm_mlp(qm_array x, const qm_weight* gate, const qm_weight* up, const qm_weight* down, int fast);
qm_array qm_embed(qm_array ids, const qm_weight* w);
qm_array qm_fused_rms_norm(qm_array x, qm_array weight, float eps);
int qm_add_rms_norm(qm_array x, qm_array residual, qm_array weight, float eps, qm_array out[2]);
qm_array qm_norm_rope(qm_array x, qm_array norm, float eps, qm_array inv_freq, int heads, int offset);
qm_array qm_swiglu(qm_array gate, qm_array up);
int qm_append_kv(qm_array k_cache, qm_array v_cache, qm_array k, qm_array v, int offset, qm_array out[2]);
qm_array qm_attention(qm_array q, qm_array k_cache, qm_array v_cache, int offset, float scale);
// norms may be NULL. out: attention [L, H*D], new k cache, new v cache.
int qm_attention_block(qm_array q, qm_array k, qm_array v, qm_array k_cache, qm_array v_cache, qm_array q_norm,
                       qm_array k_norm, float eps, qm_array inv_freq, int offset, float scale, qm_array out[3]);

// out: values float32 and ids int32, both [rows, k], largest first.
int qm_top_k(qm_array a, int k, qm_array out[2]);
qm_array qm_top_p(qm_array logits, float p);

// An array whose computation throws: as a task of the stream, or while tasks
// are being queued. For tests of the way errors take.
qm_array qm_failing(int in_task);
// Does nothing: the price of one crossing, for the benchmark.
void qm_nothing(void);

#ifdef __cplusplus
}
#endif
