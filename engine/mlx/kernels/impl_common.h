// Conversions, and rounding of activations to int8.

template <int DT>
QK_INLINE F load_as(const void* base, int64_t i) {
  if constexpr (DT == QK_F32) return load(static_cast<const float*>(base) + i);
  else if constexpr (DT == QK_F16) return load_half(static_cast<const uint16_t*>(base) + i);
  else return load_bf16(static_cast<const uint16_t*>(base) + i);
}

template <int DT>
QK_INLINE float scalar_as(const void* base, int64_t i) {
  if constexpr (DT == QK_F32) return static_cast<const float*>(base)[i];
  else if constexpr (DT == QK_F16) return half_to_float(static_cast<const uint16_t*>(base)[i]);
  else return bf16_to_float(static_cast<const uint16_t*>(base)[i]);
}

// dst[0..n) from elements i.. of src.
template <int DT>
QK_INLINE void convert_as(const void* src, int64_t i, int64_t n, float* dst) {
  int64_t j = 0;
  for (; j + VL <= n; j += VL) store(dst + j, load_as<DT>(src, i + j));
  for (; j < n; j++) dst[j] = scalar_as<DT>(src, i + j);
}
QK_INLINE void convert(int dtype, const void* src, int64_t i, int64_t n, float* dst) {
  if (dtype == QK_F32) convert_as<QK_F32>(src, i, n, dst);
  else if (dtype == QK_F16) convert_as<QK_F16>(src, i, n, dst);
  else convert_as<QK_BF16>(src, i, n, dst);
}

// 32 activations to int8: q[i] = round(x[i] / d), d = max|x| / 127. Returns d;
// *sum gets d times the sum of q. A block that holds an infinity or a NaN gets
// d = NaN, so that the fault shows in the result as it would in float32.
inline float round_block(const float* x, int8_t* q, float* sum) {
  F top = splat(0), zero = splat(0);
  for (int i = 0; i < 32; i += VL) {
    F v = load(x + i);
    top = vmax(top, vabs(v));
    zero = fma(v, splat(0), zero);
  }
  float t = hmax(top), d = t / 127.0f, inv = 127.0f / t;
  if (hsum(zero) != 0) d = NAN, inv = 0;
  else if (t < 1e-30f) d = inv = 0;
  const F magic = splat(12582912.0f);  // adding it rounds to integer
  I total = spliti(0);
  for (int i = 0; i < 32; i += VL) {
    F v = inv == 0 ? splat(0) : load(x + i) * inv;
    I n = (I)(v + magic) - (I)magic;
    total += n;
    alignas(64) int32_t lanes[VL];
    std::memcpy(lanes, &n, sizeof lanes);
    for (int j = 0; j < VL; j++) q[i + j] = int8_t(lanes[j]);
  }
  alignas(64) int32_t lanes[VL];
  std::memcpy(lanes, &total, sizeof lanes);
  int32_t s = 0;
  for (int j = 0; j < VL; j++) s += lanes[j];
  *sum = d * float(s);
  return d;
}

// As round_block, to int16: d = max|x| / 32767.
inline float round_block_wide(const float* x, int16_t* q, float* sum) {
  F top = splat(0), zero = splat(0);
  for (int i = 0; i < 32; i += VL) {
    F v = load(x + i);
    top = vmax(top, vabs(v));
    zero = fma(v, splat(0), zero);
  }
  float t = hmax(top), d = t / 32767.0f, inv = 32767.0f / t;
  if (hsum(zero) != 0) d = NAN, inv = 0;
  else if (t < 1e-30f) d = inv = 0;
  const F magic = splat(12582912.0f);
  int32_t s = 0;
  for (int i = 0; i < 32; i += VL) {
    F v = inv == 0 ? splat(0) : load(x + i) * inv;
    I n = (I)(v + magic) - (I)magic;
    alignas(64) int32_t lanes[VL];
    std::memcpy(lanes, &n, sizeof lanes);
    for (int j = 0; j < VL; j++) q[i + j] = int16_t(lanes[j]), s += lanes[j];
  }
  *sum = d * float(s);
  return d;
}
