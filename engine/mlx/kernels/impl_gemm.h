// Many rows of activations times a matrix: prefill. A tile of kNR columns of
// the product needs kNR rows of weights; they are unpacked once into a panel
// that stays in the first-level cache and is used for all M rows.

constexpr int kNV = 2;         // vectors across the panel
constexpr int kNR = kNV * VL;  // columns of a panel
constexpr int kKC = VL == 16 ? 128 : 256;     // depth of a float panel
constexpr int kKCInt = VL == 16 ? 512 : 1024;  // depth of an int8 panel

// c[MR, kNR] (+)= a[MR, kc] * panel[kc, kNR].
template <int MR>
QK_INLINE void tile(const float* a, int64_t lda, const float* panel, float* c, int64_t ldc,
                    int64_t kc, bool first) {
  F acc[MR][kNV];
  for (int m = 0; m < MR; m++)
    for (int v = 0; v < kNV; v++) acc[m][v] = first ? splat(0) : load(c + m * ldc + v * VL);
  for (int64_t k = 0; k < kc; k++) {
    F b[kNV];
    for (int v = 0; v < kNV; v++) b[v] = load(panel + k * kNR + v * VL);
    for (int m = 0; m < MR; m++) {
      F x = splat(a[m * lda + k]);
      for (int v = 0; v < kNV; v++) acc[m][v] = fma(x, b[v], acc[m][v]);
    }
  }
  for (int m = 0; m < MR; m++)
    for (int v = 0; v < kNV; v++) store(c + m * ldc + v * VL, acc[m][v]);
}

template <int MR>
void tile_tail(int64_t rows, const float* a, int64_t lda, const float* panel, float* c,
               int64_t ldc, int64_t kc, bool first) {
  if (rows == MR) return tile<MR>(a, lda, panel, c, ldc, kc, first);
  if constexpr (MR > 1) tile_tail<MR - 1>(rows, a, lda, panel, c, ldc, kc, first);
}

// c[rows, kNR] (+)= a[rows, kc] * panel.
inline void tile_rows(int64_t rows, const float* a, int64_t lda, const float* panel, float* c,
                      int64_t ldc, int64_t kc, bool first) {
  int64_t m = 0;
  for (; m + kMR <= rows; m += kMR)
    tile<kMR>(a + m * lda, lda, panel, c + m * ldc, ldc, kc, first);
  if (m < rows)
    tile_tail<kMR - 1>(rows - m, a + m * lda, lda, panel, c + m * ldc, ldc, kc, first);
}

// Transposes words [w0, w0+count) of weight rows n0..n0+cols-1 into
// out[count][kNR]; columns past cols are 0.
QK_INLINE void gather_words(const uint32_t* w, int64_t row_words, int64_t n0, int64_t cols,
                            int64_t w0, int64_t count, uint32_t* out) {
  for (int64_t n = 0; n < kNR; n++) {
    const uint32_t* src = w + (n0 + n) * row_words + w0;
    if (n < cols)
      for (int64_t j = 0; j < count; j++) out[j * kNR + n] = src[j];
    else
      for (int64_t j = 0; j < count; j++) out[j * kNR + n] = 0;
  }
}

// Scales and biases of groups g0..g0+count of rows n0..: [count][kNR] each.
QK_INLINE void gather_scales(const Mat& m, int64_t groups, int64_t n0, int64_t cols, int64_t g0,
                             int64_t count, float offset, float* s, float* b) {
  float ts[64], tb[64];
  for (int64_t n = 0; n < kNR; n++) {
    for (int64_t base = 0; base < count; base += 64) {
      int64_t c = std::min<int64_t>(64, count - base);
      if (n < cols) {
        convert(m.dtype, m.scales, (n0 + n) * groups + g0 + base, c, ts);
        convert(m.dtype, m.biases, (n0 + n) * groups + g0 + base, c, tb);
      }
      for (int64_t g = 0; g < c; g++) {
        s[(base + g) * kNR + n] = n < cols ? ts[g] : 0;
        b[(base + g) * kNR + n] = n < cols ? tb[g] + offset * ts[g] : 0;
      }
    }
  }
}

// panel[kc][kNR] = dequantized weights k0..k0+kc of rows n0...
template <int BITS>
inline void dequantize_panel(const Mat& m, int64_t K, int64_t n0, int64_t cols, int64_t k0,
                             int64_t kc, float* panel) {
  constexpr int NJ = 32 / BITS;
  constexpr uint32_t one = (1u << BITS) - 1;
  alignas(64) uint32_t words[kKC / NJ * kNR];
  alignas(64) float s[kKC / 32 * kNR], b[kKC / 32 * kNR];
  const int64_t groups = K / m.group, g0 = k0 / m.group;
  const int64_t g1 = (k0 + kc + m.group - 1) / m.group;
  gather_words(static_cast<const uint32_t*>(m.w), K / NJ, n0, cols, k0 / NJ, kc / NJ, words);
  gather_scales(m, groups, n0, cols, g0, g1 - g0, 0, s, b);
  for (int64_t j = 0; j < kc / NJ; j++) {
    const int64_t g = (k0 + j * NJ) / m.group - g0;
    for (int v = 0; v < kNV; v++) {
      U w = loadu(words + j * kNR + v * VL);
      F scale = load(s + g * kNR + v * VL), bias = load(b + g * kNR + v * VL);
      for (int e = 0; e < NJ; e++)
        store(panel + (j * NJ + e) * kNR + v * VL,
              fma(to_float((I)((w >> (e * BITS)) & one)), scale, bias));
    }
  }
}

inline void dense_panel(const void* w, int dtype, int64_t ld, int64_t n0, int64_t cols,
                        int64_t k0, int64_t kc, float* panel) {
  float t[kKC];
  for (int64_t n = 0; n < kNR; n++) {
    if (n < cols) convert(dtype, w, (n0 + n) * ld + k0, kc, t);
    else std::fill_n(t, kc, 0.0f);
    for (int64_t k = 0; k < kc; k++) panel[k * kNR + n] = t[k];
  }
}

// Columns n0..n0+cols of out[M, N] = x[M, K] * W^T in float32.
inline void gemm_float(const Mat& m, const float* x, int64_t M, int64_t K, int64_t n0,
                       int64_t cols) {
  alignas(64) float panel[kKC * kNR];
  alignas(64) float edge[kMR * kNR];
  for (int64_t k0 = 0; k0 < K; k0 += kKC) {
    const int64_t kc = std::min<int64_t>(kKC, K - k0);
    if (m.bits == 4) dequantize_panel<4>(m, K, n0, cols, k0, kc, panel);
    else if (m.bits == 8) dequantize_panel<8>(m, K, n0, cols, k0, kc, panel);
    else dense_panel(m.w, m.dtype, K, n0, cols, k0, kc, panel);
    if (cols == kNR) {
      tile_rows(M, x + k0, K, panel, m.out + n0, m.N, kc, k0 == 0);
      continue;
    }
    for (int64_t i = 0; i < M; i += kMR) {
      const int64_t rows = std::min<int64_t>(kMR, M - i);
      for (int64_t r = 0; r < rows && k0 > 0; r++)
        std::copy_n(m.out + (i + r) * m.N + n0, cols, edge + r * kNR);
      for (int64_t r = 0; r < rows; r++) std::fill_n(edge + r * kNR + cols, kNR - cols, 0.0f);
      tile_rows(rows, x + i * K + k0, K, panel, edge, kNR, kc, k0 == 0);
      for (int64_t r = 0; r < rows; r++)
        std::copy_n(edge + r * kNR, cols, m.out + (i + r) * m.N + n0);
    }
  }
}

// Activations of many rows as int8.
struct PrepRows {
  uint32_t* q;  // [M, K/4] words of four; for 4 bits: of each 8, evens then odds
  float* d;     // [M, K/32]
  float* sum;   // [M, K/group]
};

template <int BITS>
inline void prepare_row(const float* x, int64_t K, int group, uint32_t* q, float* d, float* sum) {
  std::fill_n(sum, K / group, 0.0f);
  for (int64_t b = 0; b < K / 32; b++) {
    int8_t t[32];
    float s = 0;
    d[b] = round_block(x + b * 32, t, &s);
    sum[b * 32 / group] += s;
    int8_t* o = reinterpret_cast<int8_t*>(q + b * 8);
    if constexpr (BITS == 4)
      for (int i = 0; i < 32; i++) o[i / 8 * 8 + i % 2 * 4 + i % 8 / 2] = t[i];
    else
      std::memcpy(o, t, 32);
  }
}

// c[MR, kNR] (+)= the product over blocks [0, blocks) of 32.
template <int BITS, int MR>
QK_INLINE void tile_int(const uint32_t* q, int64_t ldq, const float* d, int64_t ldd,
                        const float* sum, int64_t lds, const uint32_t* panel, const float* s,
                        const float* b, int bpg, int64_t blocks, float* c, int64_t ldc,
                        bool first) {
  F acc[MR][kNV];
  for (int m = 0; m < MR; m++)
    for (int v = 0; v < kNV; v++) acc[m][v] = first ? splat(0) : load(c + m * ldc + v * VL);
  for (int64_t blk = 0; blk < blocks; blk++) {
    const uint32_t* p = panel + blk * 8 * kNR;
    I whole[MR][kNV];
    if constexpr (BITS == 4) {
      Acc part[MR][kNV] = {};
      for (int j = 0; j < 8; j++) {
        U w[kNV];
        for (int v = 0; v < kNV; v++) w[v] = loadu(p + j * kNR + v * VL);
        for (int m = 0; m < MR; m++) {
          U x = splatu(q[m * ldq + blk * 8 + j]);
          for (int v = 0; v < kNV; v++) part[m][v] = dot4(part[m][v], w[v], x);
        }
      }
      for (int m = 0; m < MR; m++)
        for (int v = 0; v < kNV; v++) whole[m][v] = sum_of(part[m][v]);
    } else {
      for (int m = 0; m < MR; m++)
        for (int v = 0; v < kNV; v++) whole[m][v] = spliti(0);
      for (int j = 0; j < 8; j++) {
        U w[kNV];
        for (int v = 0; v < kNV; v++) w[v] = loadu(p + j * kNR + v * VL);
        for (int m = 0; m < MR; m++) {
          U x = splatu(q[m * ldq + blk * 8 + j]);
          for (int v = 0; v < kNV; v++) whole[m][v] = dot8(whole[m][v], w[v], x);
        }
      }
    }
    const int64_t g = blk / bpg;
    const bool last = blk % bpg == bpg - 1;
    for (int v = 0; v < kNV; v++) {
      F scale = load(s + g * kNR + v * VL);
      for (int m = 0; m < MR; m++)
        acc[m][v] = fma(to_float(whole[m][v]), scale * splat(d[m * ldd + blk]), acc[m][v]);
    }
    if (last)
      for (int v = 0; v < kNV; v++) {
        F bias = load(b + g * kNR + v * VL);
        for (int m = 0; m < MR; m++) acc[m][v] = fma(splat(sum[m * lds + g]), bias, acc[m][v]);
      }
  }
  for (int m = 0; m < MR; m++)
    for (int v = 0; v < kNV; v++) store(c + m * ldc + v * VL, acc[m][v]);
}

// Columns n0..n0+cols of out from int8 activations.
template <int BITS>
inline void gemm_int(const Mat& m, const PrepRows& p, int64_t M, int64_t K, int64_t n0,
                     int64_t cols) {
  constexpr int NJ = 32 / BITS;
  alignas(64) uint32_t panel[kKCInt / 4 * kNR];
  alignas(64) float s[kKCInt / 32 * kNR], b[kKCInt / 32 * kNR];
  alignas(64) float edge[kMRInt * kNR];
  const int64_t groups = K / m.group;
  for (int64_t k0 = 0; k0 < K; k0 += kKCInt) {
    const int64_t kc = std::min<int64_t>(kKCInt, K - k0);
    gather_scales(m, groups, n0, cols, k0 / m.group, kc / m.group,
                  BITS == 8 ? kByteOffset : 0, s, b);
    // Gathered into the back of the panel and spread from its front: word j
    // becomes words 2j and 2j+1, which never overtakes the reading.
    constexpr int grow = BITS == 4 ? 2 : 1;
    uint32_t* words = panel + (kc / 4 - kc / NJ) * kNR;
    gather_words(static_cast<const uint32_t*>(m.w), K / NJ, n0, cols, k0 / NJ, kc / NJ, words);
    if constexpr (grow == 2)
      for (int64_t j = 0; j < kc / NJ; j++) {
        U w[kNV];
        for (int v = 0; v < kNV; v++) w[v] = loadu(words + j * kNR + v * VL);
        for (int v = 0; v < kNV; v++) {
          store(reinterpret_cast<float*>(panel + 2 * j * kNR + v * VL), (F)(w[v] & 0x0f0f0f0f));
          store(reinterpret_cast<float*>(panel + (2 * j + 1) * kNR + v * VL),
                (F)((w[v] >> 4) & 0x0f0f0f0f));
        }
      }
    const int bpg = m.group / 32;
    for (int64_t i = 0; i < M; i += kMRInt) {
      const int64_t rows = std::min<int64_t>(kMRInt, M - i);
      const uint32_t* q = p.q + i * (K / 4) + k0 / 4;
      const float* d = p.d + i * (K / 32) + k0 / 32;
      const float* sum = p.sum + i * groups + k0 / m.group;
      float* c = m.out + i * m.N + n0;
      const bool direct = cols == kNR, first = k0 == 0;
      if (!direct && !first)
        for (int64_t r = 0; r < rows; r++) {
          std::copy_n(c + r * m.N, cols, edge + r * kNR);
          std::fill_n(edge + r * kNR + cols, kNR - cols, 0.0f);
        }
      float* to = direct ? c : edge;
      const int64_t ldc = direct ? m.N : kNR;
      if (rows == kMRInt)
        tile_int<BITS, kMRInt>(q, K / 4, d, K / 32, sum, groups, panel, s, b, bpg, kc / 32, to,
                               ldc, first);
      else
        for (int64_t r = 0; r < rows; r++)
          tile_int<BITS, 1>(q + r * (K / 4), K / 4, d + r * (K / 32), K / 32, sum + r * groups,
                            groups, panel, s, b, bpg, kc / 32, to + r * ldc, ldc, first);
      if (!direct)
        for (int64_t r = 0; r < rows; r++) std::copy_n(edge + r * kNR, cols, c + r * m.N);
    }
  }
}
