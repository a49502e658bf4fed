// Vectors of VL lanes by the compiler's own vector types; included inside the
// namespace of one instruction set, which defined VL before and gives after it
// what the compiler cannot express (see isa_*.cpp): fma, dot products, halves.
// (No include guard: one copy for each namespace.)

#define QK_INLINE inline __attribute__((always_inline))

typedef float F __attribute__((vector_size(VL * 4)));
typedef int32_t I __attribute__((vector_size(VL * 4)));
typedef uint32_t U __attribute__((vector_size(VL * 4)));
typedef float FU __attribute__((vector_size(VL * 4), aligned(4), may_alias));
typedef uint32_t UU __attribute__((vector_size(VL * 4), aligned(4), may_alias));

QK_INLINE F load(const float* p) { return (F) * reinterpret_cast<const FU*>(p); }
QK_INLINE void store(float* p, F v) { *reinterpret_cast<FU*>(p) = (FU)v; }
QK_INLINE U loadu(const void* p) { return (U) * reinterpret_cast<const UU*>(p); }
// By initialiser, which becomes a broadcast; 0 + x would be an addition.
#if VL == 8
#define QK_ALL(x) {x, x, x, x, x, x, x, x}
#else
#define QK_ALL(x) {x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}
#endif
QK_INLINE F splat(float x) { return F QK_ALL(x); }
QK_INLINE I spliti(int32_t x) { return I QK_ALL(x); }
QK_INLINE U splatu(uint32_t x) { return U QK_ALL(x); }
#undef QK_ALL
QK_INLINE F to_float(I v) { return __builtin_convertvector(v, F); }
QK_INLINE F vmax(F a, F b) { return a > b ? a : b; }
QK_INLINE F vmin(F a, F b) { return a < b ? a : b; }
QK_INLINE F vabs(F a) { return (F)((I)a & 0x7fffffff); }

QK_INLINE float hsum(F v) {
  float t[VL];
  store(t, v);
  for (int n = VL / 2; n > 0; n /= 2)
    for (int i = 0; i < n; i++) t[i] += t[i + n];
  return t[0];
}
QK_INLINE float hmax(F v) {
  float t[VL];
  store(t, v);
  for (int n = VL / 2; n > 0; n /= 2)
    for (int i = 0; i < n; i++) t[i] = t[i] > t[i + n] ? t[i] : t[i + n];
  return t[0];
}

// Lanes [s0 x W, s1 x W, ...]; reads VL floats.
template <int W>
QK_INLINE F expand(const float* s) {
  if constexpr (W >= VL) {
    return splat(*s);
  } else {
    F v = load(s);
#if VL == 8
    static_assert(W == 4);
    return __builtin_shufflevector(v, v, 0, 0, 0, 0, 1, 1, 1, 1);
#else
    static_assert(W == 4 || W == 8);
    if constexpr (W == 8)
      return __builtin_shufflevector(v, v, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    else
      return __builtin_shufflevector(v, v, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
#endif
  }
}

// The first n lanes of p, the rest 0.
QK_INLINE U load_words(const uint32_t* p, int64_t n) {
  if (n >= VL) return loadu(p);
  uint32_t t[VL] = {};
  for (int64_t i = 0; i < n; i++) t[i] = p[i];
  return loadu(t);
}

QK_INLINE float half_to_float(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, rest = h & 0x7fff, bits;
  if (rest >= 0x7c00) {
    bits = 0x7f800000 | (rest & 0x3ff) << 13;
  } else {
    // Multiplying by 2^112 moves the exponent and makes subnormals right.
    uint32_t shifted = rest << 13;
    float f;
    std::memcpy(&f, &shifted, 4);
    f *= 5.192296858534828e33f;
    std::memcpy(&bits, &f, 4);
  }
  bits |= sign;
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}
QK_INLINE float bf16_to_float(uint16_t h) {
  uint32_t bits = uint32_t(h) << 16;
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}

// e^x for x <= 88, relative error about 1e-7; 0 below -87.
// Cody-Waite reduction and a degree-6 polynomial (Cephes expf).
QK_INLINE F vexp(F x) {
  I under = (I)(x < splat(-87.0f));
  x = x > splat(88.0f) ? splat(88.0f) : x;  // comparisons this way keep a NaN
  x = x < splat(-87.0f) ? splat(-87.0f) : x;
  const F magic = splat(12582912.0f);  // 1.5 * 2^23: adding rounds to integer
  F n = fma(x, splat(1.44269504088896341f), magic) - magic;
  F r = fma(n, splat(-0.693359375f), x);
  r = fma(n, splat(2.12194440e-4f), r);
  F p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r) + 1.0f;
  I e = __builtin_convertvector(n, I);
  return (F)((I)(p * (F)((e + 127) << 23)) & ~under);
}
