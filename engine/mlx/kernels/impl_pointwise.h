// Normalisation, rotary embedding and the gated activation.

template <class Body>
void over_items(int64_t items, int64_t cost, Body body) {
  // Below some 32K elements waking a thread costs more than it brings.
  const int64_t per = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, cost));
  const int64_t chunks = (items + per - 1) / per;
  auto run = [&](int c) { body(c * per, std::min(items, (c + 1) * per)); };
  if (chunks <= 2) {
    for (int64_t c = 0; c < chunks; c++) run(int(c));
    return;
  }
  parallel(int(chunks), run);
}

QK_INLINE float inverse_rms(const float* x, int64_t K, float eps) {
  F a = splat(0), b = splat(0);
  int64_t k = 0;
  for (; k + 2 * VL <= K; k += 2 * VL) {
    F u = load(x + k), v = load(x + k + VL);
    a = fma(u, u, a);
    b = fma(v, v, b);
  }
  float sum = hsum(a + b);
  for (; k < K; k++) sum += x[k] * x[k];
  return 1.0f / std::sqrt(sum / float(K) + eps);
}

inline void norm(const float* x, const float* residual, const float* weight, float* sum,
                 float* out, int64_t M, int64_t K, float eps) {
  over_items(M, K, [&](int64_t m0, int64_t m1) {
    for (int64_t m = m0; m < m1; m++) {
      const float* row = x + m * K;
      if (residual) {
        const float* r = residual + m * K;
        float* s = sum + m * K;
        int64_t k = 0;
        for (; k + VL <= K; k += VL) store(s + k, load(row + k) + load(r + k));
        for (; k < K; k++) s[k] = row[k] + r[k];
        row = s;
      }
      const float inv = inverse_rms(row, K, eps);
      float* o = out + m * K;
      int64_t k = 0;
      for (; k + VL <= K; k += VL) store(o + k, load(row + k) * inv * load(weight + k));
      for (; k < K; k++) o[k] = row[k] * inv * weight[k];
    }
  });
}

inline void norm_rope(const float* x, const float* norm_weight, float eps,
                      const float* inv_freq, float* out, int64_t L, int64_t H, int64_t D,
                      int64_t offset) {
  const int64_t half = D / 2;
  over_items(L, H * D + 16 * D, [&](int64_t l0, int64_t l1) {
    float c[kMaxHead / 2], s[kMaxHead / 2], t[kMaxHead];
    for (int64_t l = l0; l < l1; l++) {
      for (int64_t i = 0; i < half; i++) {
        // The angle is rounded to float32 first, as the reference does.
        const float angle = float(offset + l) * inv_freq[i];
        c[i] = std::cos(angle);
        s[i] = std::sin(angle);
      }
      for (int64_t h = 0; h < H; h++) {
        const float* row = x + (l * H + h) * D;
        float* o = out + (l * H + h) * D;
        if (norm_weight) {
          const float inv = inverse_rms(row, D, eps);
          for (int64_t i = 0; i < D; i++) t[i] = row[i] * inv * norm_weight[i];
        } else {
          for (int64_t i = 0; i < D; i++) t[i] = row[i];
        }
        for (int64_t i = 0; i < half; i++) {
          o[i] = t[i] * c[i] - t[i + half] * s[i];
          o[i + half] = t[i + half] * c[i] + t[i] * s[i];
        }
      }
    }
  });
}

inline void swiglu(const float* gate, const float* up, float* out, int64_t n) {
  constexpr int64_t block = 4096;
  over_items((n + block - 1) / block, block, [&](int64_t b0, int64_t b1) {
    const int64_t end = std::min(n, b1 * block);
    int64_t i = b0 * block;
    for (; i + VL <= end; i += VL) {
      F g = load(gate + i);
      store(out + i, g / (vexp(-g) + 1.0f) * load(up + i));
    }
    if (i < end) {
      float g[VL] = {}, u[VL] = {};
      std::copy(gate + i, gate + end, g);
      std::copy(up + i, up + end, u);
      F v = load(g);
      store(g, v / (vexp(-v) + 1.0f) * load(u));
      std::copy_n(g, end - i, out + i);
    }
  });
}
