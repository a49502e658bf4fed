// The kernels for AVX-512 without VNNI (Skylake-X).
#include "std.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#endif
#pragma GCC diagnostic ignored "-Wpsabi"

#undef VL
#define VL 16
namespace qk {
namespace avx512 {

#include "isa_avx512.h"

// See isa_avx2_amd64.cpp for the bounds.
typedef __m512i Acc;
QK_INLINE Acc dot4(Acc a, U u, U s) {
  return _mm512_add_epi16(a, _mm512_maddubs_epi16((__m512i)u, (__m512i)s));
}
QK_INLINE I sum_of(Acc a) { return (I)_mm512_madd_epi16(a, _mm512_set1_epi16(1)); }
QK_INLINE I dot2(I a, U u, U s) { return a + (I)_mm512_madd_epi16((__m512i)u, (__m512i)s); }

// AVX-512 has no sign instruction: negate where the weight is below zero.
constexpr int kByteOffset = 128;
QK_INLINE I dot8(I a, U u, U s) {
  __m512i w = _mm512_xor_si512((__m512i)u, _mm512_set1_epi8(char(0x80)));
  __m512i x = (__m512i)s;
  x = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
  __m512i p = _mm512_maddubs_epi16(_mm512_abs_epi8(w), x);
  return a + (I)_mm512_madd_epi16(p, _mm512_set1_epi16(1));
}

constexpr bool kInt8Prefill4 = true;
constexpr bool kInt8Prefill8 = false;

#include "impl.h"
}  // namespace avx512

const Table kAvx512 = avx512::table("avx512");
}  // namespace qk

#if defined(__clang__)
#pragma clang attribute pop
#endif
