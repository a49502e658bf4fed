// Choice of method and the split over the threads.

// From here on a panel pays. Below it a row's product is the same to the bit
// however many rows there are: a drafted token is checked in one pass with
// others, and has to come out as it would alone.
constexpr int64_t kGemmRows = kFewRows + 1;

QK_INLINE bool int8_prefill(int bits) {
  return bits == 4 ? kInt8Prefill4 : kInt8Prefill8;
}

// Runs body(mat, n0, n1) over the rows of all matrices in chunks of about
// `rows`, a multiple of `unit`.
template <class Body>
void over_rows(const Mat* mats, int count, int64_t rows, Body body) {
  int64_t chunks = 0;
  for (int i = 0; i < count; i++) chunks += (mats[i].N + rows - 1) / rows;
  parallel(int(chunks), [&](int c) {
    int64_t at = c;
    for (int i = 0; i < count; i++) {
      int64_t n = (mats[i].N + rows - 1) / rows;
      if (at < n) {
        body(mats[i], i, at * rows, std::min(mats[i].N, (at + 1) * rows));
        return;
      }
      at -= n;
    }
  });
}

// Bytes of weights that stay in the second-level cache from one pass of
// activations to the next: 8 bits each, or twice as many weights of 4.
constexpr int64_t kPass = 1 << 17;

inline Prep prep_at(char* base, int bits, int mode, int64_t K, int64_t* bytes) {
  const int64_t steps = (K * bits / 32 + VL - 1) / VL;
  auto aligned = [](int64_t n) { return (n + 63) / 64 * 64; };
  const int64_t per = 32 / bits;  // activations a word of weights, of 4, 2 or 1 bytes
  const int64_t x = aligned(steps * VL * per * (mode == QK_EXACT ? 4 : mode == QK_WIDE ? 2 : 1));
  const int64_t d = mode == QK_EXACT ? 0 : aligned(steps * VL * 4);
  Prep p{};
  p.x = reinterpret_cast<float*>(base);
  p.q = reinterpret_cast<uint32_t*>(base);
  p.d = reinterpret_cast<float*>(base + x);
  p.sum = reinterpret_cast<float*>(base + x + d);
  *bytes = x + d + aligned((K / 32 + 2 * VL) * 4);
  return p;
}

inline void prepare(const float* x, int64_t K, const Mat& m, int mode, const Prep& p) {
  if (mode == QK_WIDE) prepare_wide(x, K, m.group, p);
  else if (m.bits == 4)
    mode == QK_FAST ? prepare_fast<4>(x, K, m.group, p) : prepare_exact<4>(x, K, m.group, p);
  else
    mode == QK_FAST ? prepare_fast<8>(x, K, m.group, p) : prepare_exact<8>(x, K, m.group, p);
}

// With weights of 8 bits int16 gains nothing.
inline int mode_for(const Mat& m, int mode) {
  return mode == QK_WIDE && m.bits != 4 ? int(QK_EXACT) : mode;
}

inline void matmul_few(int mode, const float* x, const Mat* mats, int count, int64_t M,
                       int64_t K) {
  constexpr int kMost = 16;
  Prep preps[kMost][kGemmRows];
  int64_t total = 0, bytes = 0, work = 0;
  for (int i = 0; i < count; i++) {
    work += mats[i].N;
    if (mats[i].bits == 0) continue;
    prep_at(nullptr, mats[i].bits, mode_for(mats[i], mode), K, &bytes);
    total += bytes * M;
  }
  char* base = total ? static_cast<char*>(scratch(kSlotX, total)) : nullptr;
  for (int i = 0; i < count; i++) {
    if (mats[i].bits == 0) continue;
    // Matrices of the same form share their prepared activations.
    int same = 0;
    while (same < i && (mats[same].bits != mats[i].bits || mats[same].group != mats[i].group))
      same++;
    for (int64_t m = 0; m < M; m++) {
      if (same < i) {
        preps[i][m] = preps[same][m];
        continue;
      }
      preps[i][m] = prep_at(base, mats[i].bits, mode_for(mats[i], mode), K, &bytes);
      base += bytes;
      prepare(x + m * K, K, mats[i], mode_for(mats[i], mode), preps[i][m]);
    }
  }
  // Chunks small enough to even out threads of unequal speed, large enough to
  // be worth claiming.
  int64_t rows = work / (8 * pool_threads());
  const int64_t least = 1 + 32768 / K;
  rows = std::max(rows, least);
  rows = std::min(rows, 2 * kPass / K);
  rows = (std::min<int64_t>(rows, 512) + kRows - 1) / kRows * kRows;
  over_rows(mats, count, rows, [&](const Mat& mat, int i, int64_t n0, int64_t n1) {
    if (mat.bits == 0) dense_gemv(mat, x, M, n0, n1, K);
    else if (mode == QK_FAST) gemv<QK_FAST>(mat, preps[i], M, n0, n1, K, mat.out);
    else if (mode_for(mat, mode) == QK_WIDE) gemv<QK_WIDE>(mat, preps[i], M, n0, n1, K, mat.out);
    else gemv<QK_EXACT>(mat, preps[i], M, n0, n1, K, mat.out);
  });
}

inline void matmul_many(bool fast, const float* x, const Mat* mats, int count, int64_t M,
                        int64_t K) {
  // Each form of weights needs its form of activations; handle one at a time.
  for (int i = 0; i < count;) {
    const Mat& first = mats[i];
    int j = i + 1;
    while (j < count && mats[j].bits == first.bits && mats[j].group == first.group) j++;
    const bool rounded = fast && first.bits != 0;
    const bool ints = rounded && int8_prefill(first.bits);
    PrepRows p{};
    float* xr = nullptr;
    if (ints) {
      p.q = static_cast<uint32_t*>(scratch(kSlotX, M * K));
      p.d = static_cast<float*>(scratch(kSlotScale, M * (K / 32) * 4));
      p.sum = static_cast<float*>(scratch(kSlotSum, M * (K / first.group) * 4));
    } else if (rounded) {
      xr = static_cast<float*>(scratch(kSlotX, M * K * 4));
    }
    if (rounded)
      parallel(int((M + 7) / 8), [&](int c) {
        for (int64_t r = c * 8; r < std::min<int64_t>(M, c * 8 + 8); r++) {
          if (ints && first.bits == 4)
            prepare_row<4>(x + r * K, K, first.group, p.q + r * (K / 4), p.d + r * (K / 32),
                           p.sum + r * (K / first.group));
          else if (ints)
            prepare_row<8>(x + r * K, K, first.group, p.q + r * (K / 4), p.d + r * (K / 32),
                           p.sum + r * (K / first.group));
          else
            for (int64_t b = 0; b < K; b += 32) {
              int8_t q[32];
              float sum;
              float d = round_block(x + r * K + b, q, &sum);
              for (int k = 0; k < 32; k++) xr[r * K + b + k] = d * float(q[k]);
            }
        }
      });
    over_rows(mats + i, j - i, kNR, [&](const Mat& mat, int, int64_t n0, int64_t n1) {
      if (!ints) gemm_float(mat, xr ? xr : x, M, K, n0, n1 - n0);
      else if (mat.bits == 4) gemm_int<4>(mat, p, M, K, n0, n1 - n0);
      else gemm_int<8>(mat, p, M, K, n0, n1 - n0);
    });
    i = j;
  }
}

inline void matmul(int mode, const float* x, const Mat* mats, int count, int64_t M, int64_t K) {
  if (M < kGemmRows) matmul_few(mode, x, mats, count, M, K);
  else matmul_many(mode == QK_FAST, x, mats, count, M, K);
}
