// Causal grouped-query attention with a running softmax, so that no score
// matrix larger than a block is kept.

constexpr int64_t kKeys = 64;       // keys of a block
constexpr int64_t kQueryRows = 48;  // rows (query x head of the group) of a block

// Scores of one kv head's query heads against keys [j0, j1): one query.
// q: [G][D] scaled; o: [G][D], m, l: [G], the running state.
template <int DT, int GB>
QK_INLINE void decode_heads(const float* q, const void* k, const void* v, int64_t j0, int64_t j1,
                            int64_t D, float* o, float* m, float* l) {
  float p[GB][kKeys];
  for (int64_t b = j0; b < j1; b += kKeys) {
    const int64_t n = std::min(kKeys, j1 - b);
    for (int64_t j = 0; j < n; j++) {
      F acc[GB];
      for (int g = 0; g < GB; g++) acc[g] = splat(0);
      int64_t d = 0;
      for (; d + VL <= D; d += VL) {
        F kv = load_as<DT>(k, (b + j) * D + d);
        for (int g = 0; g < GB; g++) acc[g] = fma(kv, load(q + g * D + d), acc[g]);
      }
      for (int g = 0; g < GB; g++) {
        float s = hsum(acc[g]);
        for (int64_t e = d; e < D; e++) s += scalar_as<DT>(k, (b + j) * D + e) * q[g * D + e];
        p[g][j] = s;
      }
    }
    for (int g = 0; g < GB; g++) {
      for (int64_t j = n; j < kKeys; j++) p[g][j] = -INFINITY;
      F top = splat(-INFINITY);
      for (int64_t j = 0; j < kKeys; j += VL) top = vmax(top, load(p[g] + j));
      const float best = std::max(m[g], hmax(top));
      F sum = splat(0);
      for (int64_t j = 0; j < kKeys; j += VL) {
        F e = vexp(load(p[g] + j) - best);
        store(p[g] + j, e);
        sum += e;
      }
      const float keep = m[g] == -INFINITY ? 0.0f : std::exp(m[g] - best);
      l[g] = l[g] * keep + hsum(sum);
      m[g] = best;
      if (keep != 1.0f)
        for (int64_t d = 0; d < D; d++) o[g * D + d] *= keep;
    }
    constexpr int DB = GB <= 2 ? 4 : 2;
    int64_t d = 0;
    for (; d + DB * VL <= D; d += DB * VL) {
      F acc[GB][DB];
      for (int g = 0; g < GB; g++)
        for (int i = 0; i < DB; i++) acc[g][i] = load(o + g * D + d + i * VL);
      for (int64_t j = 0; j < n; j++) {
        F vv[DB];
        for (int i = 0; i < DB; i++) vv[i] = load_as<DT>(v, (b + j) * D + d + i * VL);
        for (int g = 0; g < GB; g++) {
          F w = splat(p[g][j]);
          for (int i = 0; i < DB; i++) acc[g][i] = fma(w, vv[i], acc[g][i]);
        }
      }
      for (int g = 0; g < GB; g++)
        for (int i = 0; i < DB; i++) store(o + g * D + d + i * VL, acc[g][i]);
    }
    for (; d < D; d++)
      for (int64_t j = 0; j < n; j++) {
        const float vv = scalar_as<DT>(v, (b + j) * D + d);
        for (int g = 0; g < GB; g++) o[g * D + d] += p[g][j] * vv;
      }
  }
}

template <int DT>
inline void decode_part(const float* q, const void* k, const void* v, int64_t G, int64_t j0,
                        int64_t j1, int64_t D, float* o, float* m, float* l) {
  int64_t g = 0;
  for (; g + 4 <= G; g += 4) decode_heads<DT, 4>(q + g * D, k, v, j0, j1, D, o + g * D, m + g, l + g);
  if (G - g == 3) decode_heads<DT, 3>(q + g * D, k, v, j0, j1, D, o + g * D, m + g, l + g);
  else if (G - g == 2) decode_heads<DT, 2>(q + g * D, k, v, j0, j1, D, o + g * D, m + g, l + g);
  else if (G - g == 1) decode_heads<DT, 1>(q + g * D, k, v, j0, j1, D, o + g * D, m + g, l + g);
}

// One query: split over kv heads and ranges of keys, then joined.
template <int DT>
inline void attention_one(const float* q, const char* k, const char* v, int64_t head_bytes,
                          float* out, int64_t H, int64_t KVH, int64_t D, int64_t keys,
                          float scale) {
  const int64_t G = H / KVH, threads = pool_threads();
  int64_t parts = 1;
  if (KVH % threads != 0 || KVH < threads)
    parts = std::max<int64_t>(1, std::min((4 * threads + KVH - 1) / KVH, keys / 64));
  if (threads == 1) parts = 1;
  const int64_t per = (keys + parts - 1) / parts, cell = G * (D + 2);
  parts = (keys + per - 1) / per;
  // [q scaled: H*D][kv head][part]{o [G][D], m [G], l [G]}
  float* base = static_cast<float*>(scratch(kSlotPart, (H * D + KVH * parts * cell) * 4));
  for (int64_t i = 0; i < H * D; i++) base[i] = q[i] * scale;
  float* cells = base + H * D;
  auto run = [&](int c) {
    const int64_t h = c / parts, part = c % parts;
    float* o = cells + c * cell;
    float *m = o + G * D, *l = m + G;
    std::fill_n(o, G * D, 0.0f);
    std::fill_n(m, G, -INFINITY);
    std::fill_n(l, G, 0.0f);
    decode_part<DT>(base + h * G * D, k + h * head_bytes, v + h * head_bytes, G, part * per,
                    std::min(keys, (part + 1) * per), D, o, m, l);
  };
  if (keys * KVH * D < 8192)
    for (int c = 0; c < int(KVH * parts); c++) run(c);
  else
    parallel(int(KVH * parts), run);
  for (int64_t h = 0; h < KVH; h++)
    for (int64_t g = 0; g < G; g++) {
      float best = -INFINITY, total = 0;
      for (int64_t p = 0; p < parts; p++)
        best = std::max(best, cells[(h * parts + p) * cell + G * D + g]);
      float* o = out + (h * G + g) * D;
      std::fill_n(o, D, 0.0f);
      for (int64_t p = 0; p < parts; p++) {
        const float* c = cells + (h * parts + p) * cell;
        const float w = parts == 1 ? 1.0f : std::exp(c[G * D + g] - best);
        total += w * c[G * D + G + g];
        for (int64_t d = 0; d < D; d++) o[d] += w * c[g * D + d];
      }
      const float inv = 1.0f / total;
      for (int64_t d = 0; d < D; d++) o[d] *= inv;
    }
}

// Queries [i0, i1) of one kv head.
template <int DT>
inline void attention_block(const float* q, const void* k, const void* v, float* out, int64_t i0,
                            int64_t i1, int64_t h, int64_t H, int64_t G, int64_t D,
                            int64_t offset, float scale) {
  constexpr int kMaxD = (int(kMaxHead) + kNR - 1) / kNR * kNR;
  alignas(64) float qs[kQueryRows * kMaxHead], o[kQueryRows * kMaxD];
  alignas(64) float s[kQueryRows * kKeys], panel[std::max<int64_t>(kMaxHead, kKeys) * kNR];
  float m[kQueryRows], l[kQueryRows];
  const int64_t rows = (i1 - i0) * G, Dp = (D + kNR - 1) / kNR * kNR;
  for (int64_t r = 0; r < rows; r++) {
    const float* src = q + ((i0 + r / G) * H + h * G + r % G) * D;
    for (int64_t d = 0; d < D; d++) qs[r * D + d] = src[d] * scale;
    m[r] = -INFINITY;
    l[r] = 0;
  }
  std::fill_n(o, rows * Dp, 0.0f);
  const int64_t keys = offset + i1;
  for (int64_t b = 0; b < keys; b += kKeys) {
    const int64_t n = std::min(kKeys, keys - b);
    for (int64_t j = 0; j < kKeys; j += kNR) {
      const int64_t cols = std::min<int64_t>(kNR, n - j);
      if (cols <= 0) break;
      for (int64_t d0 = 0; d0 < D; d0 += kKC) {
        const int64_t dc = std::min<int64_t>(kKC, D - d0);
        dense_panel(k, DT, D, b + j, cols, d0, dc, panel);
        tile_rows(rows, qs + d0, D, panel, s + j, kKeys, dc, d0 == 0);
      }
    }
    for (int64_t r = 0; r < rows; r++) {
      float* p = s + r * kKeys;
      const int64_t seen = std::max<int64_t>(0, std::min(n, offset + i0 + r / G + 1 - b));
      for (int64_t j = seen; j < kKeys; j++) p[j] = -INFINITY;
      if (seen == 0) {
        std::fill_n(p, kKeys, 0.0f);
        continue;
      }
      F top = splat(-INFINITY);
      for (int64_t j = 0; j < kKeys; j += VL) top = vmax(top, load(p + j));
      const float best = std::max(m[r], hmax(top));
      F sum = splat(0);
      for (int64_t j = 0; j < kKeys; j += VL) {
        F e = vexp(load(p + j) - best);
        store(p + j, e);
        sum += e;
      }
      const float keep = m[r] == -INFINITY ? 0.0f : std::exp(m[r] - best);
      l[r] = l[r] * keep + hsum(sum);
      m[r] = best;
      if (keep != 1.0f)
        for (int64_t d = 0; d < Dp; d += VL) store(o + r * Dp + d, load(o + r * Dp + d) * keep);
    }
    for (int64_t d = 0; d < D; d += kNR) {
      const int64_t cols = std::min<int64_t>(kNR, D - d);
      for (int64_t j = 0; j < n; j++) {
        convert_as<DT>(v, (b + j) * D + d, cols, panel + j * kNR);
        for (int64_t c = cols; c < kNR; c++) panel[j * kNR + c] = 0;
      }
      tile_rows(rows, s, kKeys, panel, o + d, Dp, n, false);
    }
  }
  for (int64_t r = 0; r < rows; r++) {
    float* dst = out + ((i0 + r / G) * H + h * G + r % G) * D;
    const float inv = 1.0f / l[r];
    for (int64_t d = 0; d < D; d++) dst[d] = o[r * Dp + d] * inv;
  }
}

template <int DT>
inline void attention_as(const float* q, const void* k, const void* v, float* out, int64_t L,
                         int64_t H, int64_t KVH, int64_t D, int64_t offset, int64_t capacity,
                         float scale) {
  const int64_t G = H / KVH, head_bytes = capacity * D * (DT == QK_F32 ? 4 : 2);
  const char *kb = static_cast<const char*>(k), *vb = static_cast<const char*>(v);
  // A group wider than a block, or a few queries: one query after another.
  if (L <= kFewRows || G > kQueryRows) {
    for (int64_t i = 0; i < L; i++)
      attention_one<DT>(q + i * H * D, kb, vb, head_bytes, out + i * H * D, H, KVH, D,
                        offset + i + 1, scale);
    return;
  }
  const int64_t step = std::max<int64_t>(1, kQueryRows / G), blocks = (L + step - 1) / step;
  parallel(int(blocks * KVH), [&](int c) {
    // Later queries see more keys: begin with the longest.
    const int64_t b = blocks - 1 - c / KVH, h = c % KVH;
    attention_block<DT>(q, kb + h * head_bytes, vb + h * head_bytes, out, b * step,
                        std::min(L, (b + 1) * step), h, H, G, D, offset, scale);
  });
}

inline void attention(const float* q, const void* k, const void* v, int kvdtype, float* out,
                      int64_t L, int64_t H, int64_t KVH, int64_t D, int64_t offset,
                      int64_t capacity, float scale) {
  if (kvdtype == QK_F32) attention_as<QK_F32>(q, k, v, out, L, H, KVH, D, offset, capacity, scale);
  else if (kvdtype == QK_F16) attention_as<QK_F16>(q, k, v, out, L, H, KVH, D, offset, capacity, scale);
  else attention_as<QK_BF16>(q, k, v, out, L, H, KVH, D, offset, capacity, scale);
}
