// The C ABI: checks arguments, chooses the instruction set, calls its kernels.
#include "kernels.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "pool.h"
#include "table.h"

namespace qk {
namespace {

struct Buffer {
  void* p = nullptr;
  int64_t size = 0;
  ~Buffer() { std::free(p); }
};
thread_local Buffer buffers[kSlots];

const Table* choose() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  const Table* best[] = {vnni ? &kAvx512Vnni : nullptr, avx512 ? &kAvx512 : nullptr,
                         avx2 ? &kAvx2 : nullptr, &kPortable};
  const char* want = std::getenv("QWILL_KERNELS");
  for (const Table* t : best)
    if (t && want && std::strcmp(want, t->name) == 0) return t;
  for (const Table* t : best)
    if (t) return t;
#endif
  return &kPortable;
}

const Table* current = nullptr;
const Table& table() {
  static const Table* chosen = choose();
  return current ? *current : *chosen;
}

bool is_dtype(int t) { return t == QK_F32 || t == QK_F16 || t == QK_BF16; }

int check(const qk_matrix& m, int64_t K) {
  if (!m.w || !m.out || m.N < 1 || !is_dtype(m.dtype)) return QK_UNSUPPORTED;
  if (m.bits == 0) return 0;
  if (m.bits != 4 && m.bits != 8) return QK_UNSUPPORTED;
  if (m.group_size != 32 && m.group_size != 64 && m.group_size != 128) return QK_UNSUPPORTED;
  if (K % m.group_size != 0 || !m.scales || !m.biases) return QK_UNSUPPORTED;
  return 0;
}

template <class Body>
int guarded(Body body) {
  try {
    body();
    return 0;
  } catch (const std::bad_alloc&) {
    return QK_NO_MEMORY;
  } catch (...) {
    return QK_FAILED;
  }
}

}  // namespace

void* scratch(Slot slot, int64_t bytes) {
  Buffer& b = buffers[slot];
  if (b.size < bytes) {
    std::free(b.p);
    b.size = 0;
    const int64_t size = (bytes + bytes / 4 + 4095) / 4096 * 4096;
    b.p = std::aligned_alloc(64, size_t(size));
    if (!b.p) throw std::bad_alloc();
    b.size = size;
  }
  return b.p;
}

}  // namespace qk

extern "C" {

const char* qk_isa(void) { return qk::table().name; }

int qk_use_isa(const char* name) {
  const qk::Table* all[] = {
      &qk::kPortable,
#if defined(__x86_64__)
      &qk::kAvx2, &qk::kAvx512, &qk::kAvx512Vnni,
#endif
  };
  const char* best = qk::choose()->name;
  for (const qk::Table* t : all) {
    if (std::strcmp(t->name, name) == 0) {
      qk::current = t;
      return 0;
    }
    if (std::strcmp(t->name, best) == 0) break;  // above what the machine has
  }
  return QK_UNSUPPORTED;
}

void qk_set_threads(int n) { qk::pool_set_threads(n); }
int qk_threads(void) { return qk::pool_threads(); }

int qk_matmul_multi(int mode, const float* x, const qk_matrix* mats, int count, int64_t M,
                    int64_t K) {
  if (count < 1 || count > 16 || M < 0 || K < 1 || K > qk::kMaxK || !x) return QK_UNSUPPORTED;
  qk::Mat list[16];
  for (int i = 0; i < count; i++) {
    const qk_matrix& m = mats[i];
    if (int rc = qk::check(m, K)) return rc;
    list[i] = qk::Mat{m.w, m.scales, m.biases, m.dtype, m.bits, m.group_size, m.out, m.N};
  }
  if (M == 0) return 0;
  return qk::guarded([&] { qk::table().matmul(mode, x, list, count, M, K); });
}

int qk_quantized_matmul(int mode, const float* x, const uint32_t* w, const void* scales,
                        const void* biases, int sdtype, int bits, int group_size, float* out,
                        int64_t M, int64_t N, int64_t K) {
  if (bits == 0) return QK_UNSUPPORTED;
  const qk_matrix m{w, scales, biases, sdtype, bits, group_size, N, out};
  return qk_matmul_multi(mode, x, &m, 1, M, K);
}

int qk_dense_matmul(const float* x, const void* w, int wdtype, float* out, int64_t M, int64_t N,
                    int64_t K) {
  const qk_matrix m{w, nullptr, nullptr, wdtype, 0, 0, N, out};
  return qk_matmul_multi(QK_EXACT, x, &m, 1, M, K);
}

int qk_attention(const float* q, const void* k, const void* v, int kvdtype, float* out, int64_t L,
                 int64_t H, int64_t KVH, int64_t D, int64_t offset, int64_t capacity,
                 float scale) {
  if (L < 0 || KVH < 1 || H < KVH || H % KVH != 0 || D < 1 || D > qk::kMaxHead || offset < 0 ||
      offset + L > capacity || !qk::is_dtype(kvdtype))
    return QK_UNSUPPORTED;
  if (L == 0) return 0;
  return qk::guarded([&] {
    qk::table().attention(q, k, v, kvdtype, out, L, H, KVH, D, offset, capacity, scale);
  });
}

int qk_rms_norm(const float* x, const float* weight, float* out, int64_t M, int64_t K, float eps) {
  if (M < 0 || K < 1) return QK_UNSUPPORTED;
  return qk::guarded([&] { qk::table().norm(x, nullptr, weight, nullptr, out, M, K, eps); });
}

int qk_add_rms_norm(const float* x, const float* residual, const float* weight, float* sum,
                    float* norm, int64_t M, int64_t K, float eps) {
  if (M < 0 || K < 1) return QK_UNSUPPORTED;
  return qk::guarded([&] { qk::table().norm(x, residual, weight, sum, norm, M, K, eps); });
}

int qk_norm_rope(const float* x, const float* norm_weight, float eps, const float* inv_freq,
                 float* out, int64_t L, int64_t H, int64_t D, int64_t offset) {
  if (L < 0 || H < 1 || D < 2 || D % 2 != 0 || D > qk::kMaxHead || offset < 0)
    return QK_UNSUPPORTED;
  return qk::guarded(
      [&] { qk::table().norm_rope(x, norm_weight, eps, inv_freq, out, L, H, D, offset); });
}

int qk_swiglu(const float* gate, const float* up, float* out, int64_t n) {
  if (n < 0) return QK_UNSUPPORTED;
  return qk::guarded([&] { qk::table().swiglu(gate, up, out, n); });
}
}
