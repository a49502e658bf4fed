// What both AVX-512 builds share; included inside their namespaces.
inline __attribute__((always_inline)) __m512 fma(__m512 a, __m512 b, __m512 c) {
  return _mm512_fmadd_ps(a, b, c);
}

#include "vec.h"

QK_INLINE F load_half(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
QK_INLINE F load_bf16(const uint16_t* p) {
  __m512i v = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return (F)_mm512_slli_epi32(v, 16);
}

constexpr int kMR = 12;
constexpr int kMRInt = 8;
