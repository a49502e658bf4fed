// A few rows of activations times a matrix: decode, and the check of drafted
// tokens. Bound by reading the weights, so what matters is few instructions a
// weight.
//
// A step is VL words of a weight row (VL*32/BITS weights). EXACT isolates one
// element of each word by a mask, converts it with its power-of-two weight
// still on, and multiplies by an activation that carries the inverse power;
// so no shift is needed for most of them. FAST takes bytes against int8
// activations, WIDE half words against int16 ones. The group's scale multiplies
// the step's sum; the biases contribute sum_g bias[g] * sum_x[g], a dot product
// of its own.

// Activations as the kernels below read them.
struct Prep {
  float* x;      // EXACT: [steps][32/BITS][VL]
  uint32_t* q;   // FAST: [steps][BITS == 4 ? 2 : 1][VL] words of four int8
                 // WIDE: [steps][4][VL] words of two int16
  float* d;      // FAST, WIDE: [steps][VL] the scale of each lane's block of 32
  float* sum;    // [groups, padded by 2*VL with 0] sums of x by group
};

template <int BITS>
inline void prepare_exact(const float* x, int64_t K, int group, const Prep& p) {
  constexpr int NJ = 32 / BITS, HALF = NJ / 2;
  int64_t steps = (K / NJ + VL - 1) / VL;
  for (int64_t t = 0; t < steps; t++)
    for (int lane = 0; lane < VL; lane++) {
      int64_t k = (t * VL + lane) * NJ;
      float inv = 1;
      for (int j = 0; j < NJ; j++) {
        if (j == HALF) inv = 1;
        p.x[(t * NJ + j) * VL + lane] = k < K ? x[k + j] * inv : 0;
        inv *= BITS == 4 ? 0.0625f : 0.00390625f;
      }
    }
  int64_t groups = K / group;
  for (int64_t g = 0; g < groups; g++) {
    F s = splat(0);
    for (int i = 0; i < group; i += VL) s += load(x + g * group + i);
    p.sum[g] = hsum(s);
  }
  for (int64_t g = groups; g < groups + 2 * VL; g++) p.sum[g] = 0;
}

template <int BITS>
inline void prepare_fast(const float* x, int64_t K, int group, const Prep& p) {
  constexpr int WPB = BITS;  // words of a block of 32 weights
  constexpr int BPS = VL / WPB > 0 ? VL / WPB : 1;
  static_assert(VL % WPB == 0);
  int64_t words = K * BITS / 32, steps = (words + VL - 1) / VL;
  int64_t blocks = K / 32, groups = K / group;
  for (int64_t g = 0; g < groups + 2 * VL; g++) p.sum[g] = 0;
  for (int64_t b = 0; b < steps * BPS; b++) {
    int8_t q[32] = {};
    float d = 0, sum = 0;
    if (b < blocks) {
      d = round_block(x + b * 32, q, &sum);
      p.sum[b * 32 / group] += sum;
    }
    int64_t t = b / BPS;
    int lane0 = int(b % BPS) * WPB;
    for (int i = 0; i < WPB; i++) p.d[t * VL + lane0 + i] = d;
    if constexpr (BITS == 4) {
      int8_t* even = reinterpret_cast<int8_t*>(p.q + t * 2 * VL + lane0);
      int8_t* odd = even + VL * 4;
      for (int i = 0; i < 16; i++) even[i] = q[2 * i], odd[i] = q[2 * i + 1];
    } else {
      std::memcpy(p.q + t * VL + lane0, q, 32);
    }
  }
}

// For 4 bits. Lane i of a step meets word i of the weights, whose elements j and
// j+4 are in the half words of (word >> 4*j) & 0x000f000f.
inline void prepare_wide(const float* x, int64_t K, int group, const Prep& p) {
  constexpr int BPS = VL / 4;  // blocks of 32 a step
  int64_t steps = (K / 8 + VL - 1) / VL, blocks = K / 32, groups = K / group;
  for (int64_t g = 0; g < groups + 2 * VL; g++) p.sum[g] = 0;
  for (int64_t b = 0; b < steps * BPS; b++) {
    int16_t q[32] = {};
    float d = 0, sum = 0;
    if (b < blocks) {
      d = round_block_wide(x + b * 32, q, &sum);
      p.sum[b * 32 / group] += sum;
    }
    int64_t t = b / BPS;
    int lane0 = int(b % BPS) * 4;
    for (int i = 0; i < 4; i++) {
      p.d[t * VL + lane0 + i] = d;
      for (int j = 0; j < 4; j++)
        p.q[(t * 4 + j) * VL + lane0 + i] =
            uint32_t(uint16_t(q[i * 8 + j])) | uint32_t(uint16_t(q[i * 8 + j + 4])) << 16;
    }
  }
}

template <int BITS>
QK_INLINE F step_exact(U w, const float* x) {
  constexpr uint32_t one = (1u << BITS) - 1;
  F a, b;
  if constexpr (BITS == 4) {
    a = to_float((I)(w & one)) * load(x);
    b = to_float((I)(w & one << 4)) * load(x + VL);
    a = fma(to_float((I)(w & one << 8)), load(x + 2 * VL), a);
    b = fma(to_float((I)(w & one << 12)), load(x + 3 * VL), b);
    w >>= 16;
    a = fma(to_float((I)(w & one)), load(x + 4 * VL), a);
    b = fma(to_float((I)(w & one << 4)), load(x + 5 * VL), b);
    a = fma(to_float((I)(w & one << 8)), load(x + 6 * VL), a);
    b = fma(to_float((I)(w & one << 12)), load(x + 7 * VL), b);
  } else {
    a = to_float((I)(w & one)) * load(x);
    b = to_float((I)(w & one << 8)) * load(x + VL);
    w >>= 16;
    a = fma(to_float((I)(w & one)), load(x + 2 * VL), a);
    b = fma(to_float((I)(w & one << 8)), load(x + 3 * VL), b);
  }
  return a + b;
}

template <int BITS>
QK_INLINE I step_fast(U w, const uint32_t* q) {
  if constexpr (BITS == 4) {
    const U low = splatu(0x0f0f0f0f);
    Acc a{};
    a = dot4(a, w & low, loadu(q));
    a = dot4(a, (w >> 4) & low, loadu(q + VL));
    return sum_of(a);
  } else {
    return dot8(spliti(0), w, loadu(q));
  }
}

// At most 8 * 15 * 32767 a lane.
QK_INLINE I step_wide(U w, const uint32_t* q) {
  const U low = splatu(0x000f000f);
  I a = dot2(spliti(0), w & low, loadu(q));
  I b = dot2(spliti(0), (w >> 4) & low, loadu(q + VL));
  a = dot2(a, (w >> 8) & low, loadu(q + 2 * VL));
  b = dot2(b, (w >> 12) & low, loadu(q + 3 * VL));
  return a + b;
}

constexpr int kRows = 4;       // rows of a matrix in flight
constexpr int kAhead = 8192;   // bytes that weights are fetched ahead

// Rows n..n+R-1 of one matrix times B rows of activations, p[0..B). A weight is
// unpacked once for all B; each product adds up in the same order whatever R and
// B are, so that a token's numbers do not depend on what is computed beside it.
// buf: 2*R*stride floats with the scales and biases. Result b goes to
// out + b*ldo.
template <int BITS, int WPG, int MODE, int R, int B>
QK_INLINE void gemv_rows(const Mat& m, const Prep* p, int64_t n, int64_t K, const float* buf,
                         int64_t stride, float* out, int64_t ldo) {
  constexpr int SPG = WPG >= VL ? WPG / VL : 1;  // steps a group
  constexpr int GPS = WPG >= VL ? 1 : VL / WPG;  // groups a step
  const int64_t groups = K / m.group, words = K * BITS / 32;
  const uint32_t* w[R];
  const float *s[R], *bi[R];
  F acc[R][B];
  for (int r = 0; r < R; r++) {
    w[r] = static_cast<const uint32_t*>(m.w) + (n + r) * words;
    s[r] = buf + 2 * r * stride;
    bi[r] = s[r] + stride;
    for (int b = 0; b < B; b++) acc[r][b] = splat(0);
  }
  for (int64_t g = 0; g < groups; g += VL)
    for (int r = 0; r < R; r++) {
      F bias = load(bi[r] + g);
      if constexpr (MODE == QK_FAST && BITS == 8 && kByteOffset != 0)
        bias = fma(load(s[r] + g), splat(kByteOffset), bias);
      for (int b = 0; b < B; b++) acc[r][b] = fma(bias, load(p[b].sum + g), acc[r][b]);
    }
  auto step = [&](int64_t t, const U(&v)[R]) __attribute__((always_inline)) {
    for (int r = 0; r < R; r++) {
      F scale = expand<WPG>(s[r] + (WPG >= VL ? t / SPG : t * GPS));
      for (int b = 0; b < B; b++) {
        if constexpr (MODE != QK_EXACT) {
          constexpr int each = (BITS == 4 ? 2 : 1) * (MODE == QK_WIDE ? 2 : 1) * VL;
          const uint32_t* q = p[b].q + t * each;
          F sum = to_float(MODE == QK_WIDE ? step_wide(v[r], q) : step_fast<BITS>(v[r], q));
          acc[r][b] = fma(sum, scale * load(p[b].d + t * VL), acc[r][b]);
        } else {
          acc[r][b] = fma(step_exact<BITS>(v[r], p[b].x + t * (32 / BITS) * VL), scale, acc[r][b]);
        }
      }
    }
  };
  int64_t t = 0;
  for (; (t + 1) * VL <= words; t++) {
    U v[R];
    for (int r = 0; r < R; r++) {
      v[r] = loadu(w[r] + t * VL);
      __builtin_prefetch(reinterpret_cast<const char*>(w[r] + t * VL) + kAhead);
    }
    step(t, v);
  }
  if (t * VL < words) {
    U v[R];
    for (int r = 0; r < R; r++) v[r] = load_words(w[r] + t * VL, words - t * VL);
    step(t, v);
  }
  for (int r = 0; r < R; r++)
    for (int b = 0; b < B; b++) out[b * ldo + n + r] = hsum(acc[r][b]);
}

// Rows n0..n1 times B rows of activations, R rows at a time.
template <int BITS, int WPG, int MODE, int R, int B>
inline void gemv_range(const Mat& m, const Prep* p, int64_t n0, int64_t n1, int64_t K, float* out) {
  // At most 132 KB (kMaxK). Padding behind the groups is read, but meets zero
  // sums.
  const int64_t groups = K / m.group, stride = groups + 2 * VL;
  float* buf = static_cast<float*>(__builtin_alloca(size_t(2 * R * stride * 4)));
  for (int i = 0; i < 2 * R; i++) std::fill_n(buf + i * stride + groups, 2 * VL, 0.0f);
  auto scales = [&](int64_t n, int rows) {
    for (int r = 0; r < rows; r++) {
      convert(m.dtype, m.scales, (n + r) * groups, groups, buf + 2 * r * stride);
      convert(m.dtype, m.biases, (n + r) * groups, groups, buf + (2 * r + 1) * stride);
    }
  };
  int64_t n = n0;
  for (; n + R <= n1; n += R) {
    scales(n, R);
    gemv_rows<BITS, WPG, MODE, R, B>(m, p, n, K, buf, stride, out, m.N);
  }
  for (; n < n1; n++) {
    scales(n, 1);
    for (int b = 0; b < B; b++)
      gemv_rows<BITS, WPG, MODE, 1, 1>(m, p + b, n, K, buf, stride, out + b * m.N, m.N);
  }
}

// Rows n0..n1 of m times M rows of activations; out [M, N]. As many activations
// at once as the registers hold sums and the first-level cache holds numbers; the
// weights come from the second-level cache after the first pass (see kPass).
template <int BITS, int WPG, int MODE>
inline void gemv_form(const Mat& m, const Prep* p, int64_t M, int64_t n0, int64_t n1, int64_t K,
                      float* out) {
  int64_t i = 0;
  auto several = [&](auto rows, auto count) __attribute__((always_inline)) {
    constexpr int B = decltype(count)::value;
    gemv_range<BITS, WPG, MODE, decltype(rows)::value, B>(m, p + i, n0, n1, K, out + i * m.N);
    i += B;
  };
  using std::integral_constant;
  if constexpr (MODE == QK_FAST)
    if (M >= 8 && K <= 2048) several(integral_constant<int, 1>(), integral_constant<int, 8>());
  constexpr int R4 = MODE == QK_EXACT ? 2 : 1;
  while (M - i >= 4) several(integral_constant<int, R4>(), integral_constant<int, 4>());
  if (M - i >= 2) several(integral_constant<int, 2>(), integral_constant<int, 2>());
  if (M - i == 1) several(integral_constant<int, 4>(), integral_constant<int, 1>());
}

// Rows n0..n1 of m times M rows of activations; out [M, N]. WIDE is for 4 bits.
template <int MODE>
inline void gemv(const Mat& m, const Prep* p, int64_t M, int64_t n0, int64_t n1, int64_t K,
                 float* out) {
  switch (m.bits * 1000 + m.group) {
    case 4032: return gemv_form<4, 4, MODE>(m, p, M, n0, n1, K, out);
    case 4064: return gemv_form<4, 8, MODE>(m, p, M, n0, n1, K, out);
    case 4128: return gemv_form<4, 16, MODE>(m, p, M, n0, n1, K, out);
  }
  if constexpr (MODE != QK_WIDE) switch (m.group) {
    case 32: return gemv_form<8, 8, MODE>(m, p, M, n0, n1, K, out);
    case 64: return gemv_form<8, 16, MODE>(m, p, M, n0, n1, K, out);
    case 128: return gemv_form<8, 32, MODE>(m, p, M, n0, n1, K, out);
  }
}

template <int DT, int R>
QK_INLINE void dense_rows(const void* w, const float* x, int64_t n, int64_t K, float* out) {
  F acc[R][2];
  for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = splat(0);
  int64_t k = 0;
  for (; k + 2 * VL <= K; k += 2 * VL) {
    F x0 = load(x + k), x1 = load(x + k + VL);
    for (int r = 0; r < R; r++) {
      acc[r][0] = fma(load_as<DT>(w, (n + r) * K + k), x0, acc[r][0]);
      acc[r][1] = fma(load_as<DT>(w, (n + r) * K + k + VL), x1, acc[r][1]);
    }
  }
  for (int r = 0; r < R; r++) {
    float sum = hsum(acc[r][0] + acc[r][1]);
    for (int64_t j = k; j < K; j++) sum += scalar_as<DT>(w, (n + r) * K + j) * x[j];
    out[n + r] = sum;
  }
}
template <int DT>
inline void dense_gemv_as(const Mat& m, const float* x, int64_t M, int64_t n0, int64_t n1,
                          int64_t K) {
  int64_t n = n0;
  for (; n + kRows <= n1; n += kRows)  // later rows find the weights in the cache
    for (int64_t i = 0; i < M; i++) dense_rows<DT, kRows>(m.w, x + i * K, n, K, m.out + i * m.N);
  for (; n < n1; n++)
    for (int64_t i = 0; i < M; i++) dense_rows<DT, 1>(m.w, x + i * K, n, K, m.out + i * m.N);
}
inline void dense_gemv(const Mat& m, const float* x, int64_t M, int64_t n0, int64_t n1,
                       int64_t K) {
  if (m.dtype == QK_F32) dense_gemv_as<QK_F32>(m, x, M, n0, n1, K);
  else if (m.dtype == QK_F16) dense_gemv_as<QK_F16>(m, x, M, n0, n1, K);
  else dense_gemv_as<QK_BF16>(m, x, M, n0, n1, K);
}
