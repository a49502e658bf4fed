// The kernels for AVX2 with FMA and F16C.
#include "std.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif
#pragma GCC diagnostic ignored "-Wpsabi"

#undef VL
#define VL 8
namespace qk {
namespace avx2 {

inline __attribute__((always_inline)) __m256 fma(__m256 a, __m256 b, __m256 c) {
  return _mm256_fmadd_ps(a, b, c);
}

#include "vec.h"

// Nibble sums stay in 16 bits: two products are at most 2*15*127 = 3810, so
// eight calls fit before sum_of must widen them.
typedef __m256i Acc;
QK_INLINE Acc dot4(Acc a, U u, U s) {
  return _mm256_add_epi16(a, _mm256_maddubs_epi16((__m256i)u, (__m256i)s));
}
QK_INLINE I sum_of(Acc a) { return (I)_mm256_madd_epi16(a, _mm256_set1_epi16(1)); }
QK_INLINE I dot2(I a, U u, U s) { return a + (I)_mm256_madd_epi16((__m256i)u, (__m256i)s); }

// Unsigned bytes times signed ones would saturate 16 bits (255*127*2), so the
// weight is taken as q-128, whose absolute value is at most 128: 32512 fits.
constexpr int kByteOffset = 128;
QK_INLINE I dot8(I a, U u, U s) {
  __m256i w = _mm256_xor_si256((__m256i)u, _mm256_set1_epi8(char(0x80)));
  __m256i p = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8((__m256i)s, w));
  return a + (I)_mm256_madd_epi16(p, _mm256_set1_epi16(1));
}

QK_INLINE F load_half(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
QK_INLINE F load_bf16(const uint16_t* p) {
  __m256i v = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return (F)_mm256_slli_epi32(v, 16);
}

constexpr int kMR = 6;
constexpr int kMRInt = 4;
constexpr bool kInt8Prefill4 = true;
constexpr bool kInt8Prefill8 = false;  // no faster than float here

#include "impl.h"
}  // namespace avx2

const Table kAvx2 = avx2::table("avx2");
}  // namespace qk

#if defined(__clang__)
#pragma clang attribute pop
#endif
