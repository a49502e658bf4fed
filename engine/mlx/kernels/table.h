// What one instruction set's build of the kernels offers to the C ABI.
#pragma once
#include <cstdint>

#include "kernels.h"

namespace qk {

// One weight matrix [N, K] and where its product goes. bits 0: dense.
struct Mat {
  const void* w;
  const void* scales;
  const void* biases;
  int dtype;  // of scales and biases, or of w when dense
  int bits;
  int group;
  float* out;  // [M, N]
  int64_t N;
};

struct Table {
  const char* name;
  void (*matmul)(int mode, const float* x, const Mat* mats, int count, int64_t M,
                 int64_t K);
  void (*attention)(const float* q, const void* k, const void* v, int kvdtype,
                    float* out, int64_t L, int64_t H, int64_t KVH, int64_t D,
                    int64_t offset, int64_t capacity, float scale);
  // x may be null (no residual added); sum may be null or alias x.
  void (*norm)(const float* x, const float* residual, const float* weight,
               float* sum, float* out, int64_t M, int64_t K, float eps);
  void (*norm_rope)(const float* x, const float* norm_weight, float eps,
                    const float* inv_freq, float* out, int64_t L, int64_t H,
                    int64_t D, int64_t offset);
  void (*swiglu)(const float* gate, const float* up, float* out, int64_t n);
};

constexpr int64_t kMaxK = 1 << 17;    // columns of a matrix
constexpr int64_t kMaxHead = 512;    // width of an attention head
constexpr int64_t kFewRows = 9;      // rows (tokens) up to which each is computed as if alone

// Scratch memory of the calling thread, 64-byte aligned, kept for the next
// call; slots are independent. Throws std::bad_alloc.
enum Slot { kSlotX, kSlotScale, kSlotSum, kSlotPart, kSlots };
void* scratch(Slot slot, int64_t bytes);

extern const Table kPortable;
#if defined(__x86_64__)
extern const Table kAvx2;
extern const Table kAvx512;
extern const Table kAvx512Vnni;
#endif

}  // namespace qk
