// The kernels for AVX-512 with VNNI (Cascade Lake, Ice Lake, Zen 4 and later).
#include "std.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")
#endif
#pragma GCC diagnostic ignored "-Wpsabi"

#undef VL
#define VL 16
namespace qk {
namespace avx512vnni {

#include "isa_avx512.h"

// dpbusd adds four u8*s8 products to a 32-bit lane and never saturates here.
typedef __m512i Acc;
QK_INLINE Acc dot4(Acc a, U u, U s) {
  return _mm512_dpbusd_epi32(a, (__m512i)u, (__m512i)s);
}
QK_INLINE I sum_of(Acc a) { return (I)a; }
QK_INLINE I dot2(I a, U u, U s) {
  return (I)_mm512_dpwssd_epi32((__m512i)a, (__m512i)u, (__m512i)s);
}

constexpr int kByteOffset = 0;
QK_INLINE I dot8(I a, U u, U s) {
  return (I)_mm512_dpbusd_epi32((__m512i)a, (__m512i)u, (__m512i)s);
}

constexpr bool kInt8Prefill4 = true;
constexpr bool kInt8Prefill8 = true;

#include "impl.h"
}  // namespace avx512vnni

const Table kAvx512Vnni = avx512vnni::table("avx512vnni");
}  // namespace qk

#if defined(__clang__)
#pragma clang attribute pop
#endif
