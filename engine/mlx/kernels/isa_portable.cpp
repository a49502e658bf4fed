// The kernels for any machine: the compiler's vector types and no intrinsics.
#include "std.h"

#pragma GCC diagnostic ignored "-Wpsabi"

// -DVL=16 runs the algorithms as the AVX-512 builds do, on any machine.
#ifndef VL
#define VL 8
#endif
namespace qk {
namespace portable {

typedef float F __attribute__((vector_size(VL * 4)));
typedef int32_t I __attribute__((vector_size(VL * 4)));
typedef int16_t S __attribute__((vector_size(VL * 4)));
typedef uint16_t SU __attribute__((vector_size(VL * 4)));
inline __attribute__((always_inline)) F fma(F a, F b, F c) { return a * b + c; }

#include "vec.h"

// Sums of the four products u8*s8 in each 32-bit lane. Products fit 16 bits.
QK_INLINE I dot_bytes(U u, U s) {
  S even = (S)((SU)u & 0xff) * ((S)((SU)s << 8) >> 8);
  S odd = (S)((SU)u >> 8) * ((S)s >> 8);
  I e = (I)even, o = (I)odd;
  return (e << 16 >> 16) + (e >> 16) + (o << 16 >> 16) + (o >> 16);
}

// Nibble sums: up to 16 products a byte lane may be added before sum_of.
typedef I Acc;
QK_INLINE Acc dot4(Acc a, U u, U s) { return a + dot_bytes(u, s); }
QK_INLINE I sum_of(Acc a) { return a; }
// Unsigned half words times signed ones.
QK_INLINE I dot2(I a, U u, U s) {
  return a + (I)(u & 0xffff) * ((I)(s << 16) >> 16) + (I)(u >> 16) * ((I)s >> 16);
}

constexpr int kByteOffset = 0;  // what dot8 takes off each weight
QK_INLINE I dot8(I a, U u, U s) { return a + dot_bytes(u, s); }

QK_INLINE F load_half(const uint16_t* p) {
  float t[VL];
  for (int i = 0; i < VL; i++) t[i] = half_to_float(p[i]);
  return load(t);
}
QK_INLINE F load_bf16(const uint16_t* p) {
  float t[VL];
  for (int i = 0; i < VL; i++) t[i] = bf16_to_float(p[i]);
  return load(t);
}

constexpr int kMR = 4;       // rows of the float tile
constexpr int kMRInt = 2;    // rows of the int8 tile
constexpr bool kInt8Prefill4 = true;  // int8 tile beats float for 4 bits
constexpr bool kInt8Prefill8 = false;

#include "impl.h"
}  // namespace portable

const Table kPortable = portable::table("portable");
}  // namespace qk
