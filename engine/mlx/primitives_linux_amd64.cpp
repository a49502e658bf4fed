// Custom MLX primitives over the x86 kernels; see primitives.h.
#include <algorithm>
#include <cstring>

#include "kernels/kernels.h"
#include "primitive_linux_amd64.h"

namespace qm::x86 {

namespace {

int kernel_dtype(mx::Dtype d) {
  if (d == mx::float32) {
    return QK_F32;
  }
  return d == mx::float16 ? QK_F16 : QK_BF16;
}

void check(int code, const char* what) {
  if (code != 0) {
    std::ostringstream os;
    os << "the " << what << " kernel "
       << (code == QK_UNSUPPORTED ? "does not support these arguments" : code == QK_NO_MEMORY ? "ran out of memory"
                                                                                              : "failed");
    throw std::runtime_error(os.str());
  }
}

// Several products of one input, as the kernels take them.
void multiply(int mode, const float* x, const std::vector<qk_matrix>& ms, int64_t M, int64_t K) {
  constexpr size_t most = 16;
  for (size_t i = 0; i < ms.size(); i += most) {
    check(
        qk_matmul_multi(
            mode, x, ms.data() + i, static_cast<int>(std::min(most, ms.size() - i)), M, K),
        "matrix");
  }
}

struct Spec {
  bool quantized;
  int bits, group_size;
  int64_t rows, cols;
};

class Products : public Node {
 public:
  Products(const std::vector<Weight>& ws, bool fast) : fast_(fast) {
    for (auto& w : ws) {
      specs_.push_back({w.scales.has_value(), w.bits, w.group_size, w.rows, w.cols});
    }
  }

  static std::vector<mx::array> inputs(const mx::array& x, const std::vector<Weight>& ws) {
    std::vector<mx::array> v{x};
    for (auto& w : ws) {
      v.push_back(w.w);
      if (w.scales) {
        v.push_back(*w.scales);
        v.push_back(*w.biases);
      }
    }
    return v;
  }

 protected:
  // The weights in[1]… as the kernels take them, without outputs.
  std::vector<qk_matrix> matrices(const std::vector<mx::array>& in) {
    std::vector<qk_matrix> ms;
    size_t i = 1;
    for (auto& s : specs_) {
      qk_matrix m{};
      m.w = rows<char>(in[i]);
      m.dtype = kernel_dtype(in[i].dtype());
      m.N = s.rows;
      ++i;
      if (s.quantized) {
        m.bits = s.bits;
        m.group_size = s.group_size;
        m.dtype = kernel_dtype(in[i].dtype());
        m.scales = rows<char>(in[i++]);
        m.biases = rows<char>(in[i++]);
      }
      ms.push_back(m);
    }
    return ms;
  }

  bool fast_;
  std::vector<Spec> specs_;
};

class Linears : public Products {
 public:
  using Products::Products;
  const char* name() const override {
    return "QwillLinears";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto* x = rows<float>(in[0]);
    auto ms = matrices(in);
    int64_t K = specs_[0].cols, M = static_cast<int64_t>(in[0].size()) / K;
    for (size_t i = 0; i < out.size(); ++i) {
      allocate(out[i]);
      ms[i].out = out[i].data<float>();
    }
    encoder().dispatch([mode = fast_ ? QK_FAST : QK_EXACT, x, M, K, ms = std::move(ms)] { multiply(mode, x, ms, M, K); });
  }
};

class MLP : public Products {
 public:
  using Products::Products;
  const char* name() const override {
    return "QwillMLP";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto* x = rows<float>(in[0]);
    auto ms = matrices(in);
    int64_t K = specs_[0].cols, hidden = specs_[0].rows, M = static_cast<int64_t>(in[0].size()) / K;
    allocate(out[0]);
    auto *gate = scratch(M * hidden), *up = scratch(M * hidden);
    std::vector<qk_matrix> both{ms[0], ms[1]}, down{ms[2]};
    both[0].out = gate;
    both[1].out = up;
    down[0].out = out[0].data<float>();
    encoder().dispatch([fast = fast_, x, M, K, hidden, gate, up, both = std::move(both), down = std::move(down)] {
      multiply(fast ? QK_FAST : QK_EXACT, x, both, M, K);
      check(qk_swiglu(gate, up, gate, M * hidden), "swiglu");
      // What SwiGLU gives has outliers that int8 loses: they alone moved the
      // starter's perplexity by half a percent in the fast mode.
      multiply(fast ? QK_WIDE : QK_EXACT, gate, down, M, hidden);
    });
  }
};

float element(const char* p, int64_t i, int dtype) {
  switch (dtype) {
    case QK_F32:
      return reinterpret_cast<const float*>(p)[i];
    case QK_F16:
      return static_cast<float>(reinterpret_cast<const mx::float16_t*>(p)[i]);
    default:
      return static_cast<float>(reinterpret_cast<const mx::bfloat16_t*>(p)[i]);
  }
}

// Rows of a weight by token id; only those taken are dequantized.
class Embed : public Products {
 public:
  explicit Embed(const Weight& w) : Products({w}, false) {}
  const char* name() const override {
    return "QwillEmbed";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto* ids = rows<int32_t>(in[0]);
    auto m = matrices(in)[0];
    allocate(out[0]);
    encoder().dispatch([ids, m, y = out[0].data<float>(), L = in[0].shape(0), K = specs_[0].cols] {
      for (int l = 0; l < L; ++l) {
        int64_t id = ids[l];
        if (id < 0 || id >= m.N) {
          std::ostringstream os;
          os << "token " << id << " lies outside the vocabulary of " << m.N;
          throw std::out_of_range(os.str());
        }
        row(m, id, K, y + l * K);
      }
    });
  }

 private:
  static void row(const qk_matrix& m, int64_t id, int64_t K, float* y) {
    auto *w = static_cast<const char*>(m.w), *scales = static_cast<const char*>(m.scales),
         *biases = static_cast<const char*>(m.biases);
    if (m.bits == 0) {
      for (int64_t k = 0; k < K; ++k) {
        y[k] = element(w, id * K + k, m.dtype);
      }
      return;
    }
    const int per = 32 / m.bits;
    const uint32_t mask = (1u << m.bits) - 1;
    auto* words = reinterpret_cast<const uint32_t*>(w) + id * (K / per);
    for (int64_t k = 0; k < K; ++k) {
      int64_t g = (id * K + k) / m.group_size;
      auto q = static_cast<float>((words[k / per] >> (k % per * m.bits)) & mask);
      y[k] = element(scales, g, m.dtype) * q + element(biases, g, m.dtype);
    }
  }
};

class RMSNorm : public Node {
 public:
  explicit RMSNorm(float eps) : eps_(eps) {}
  const char* name() const override {
    return "QwillRMSNorm";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto *x = rows<float>(in[0]), *w = rows<float>(in[1]);
    allocate(out[0]);
    int64_t K = in[1].shape(0), M = static_cast<int64_t>(in[0].size()) / K;
    encoder().dispatch([x, w, y = out[0].data<float>(), M, K, eps = eps_] {
      check(qk_rms_norm(x, w, y, M, K, eps), "norm");
    });
  }

 private:
  float eps_;
};

class AddRMSNorm : public Node {
 public:
  explicit AddRMSNorm(float eps) : eps_(eps) {}
  const char* name() const override {
    return "QwillAddRMSNorm";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto *x = rows<float>(in[0]), *r = rows<float>(in[1]), *w = rows<float>(in[2]);
    allocate(out[0]);
    allocate(out[1]);
    int64_t K = in[2].shape(0), M = static_cast<int64_t>(in[0].size()) / K;
    encoder().dispatch([x, r, w, sum = out[0].data<float>(), norm = out[1].data<float>(), M, K, eps = eps_] {
      check(qk_add_rms_norm(x, r, w, sum, norm, M, K, eps), "norm");
    });
  }

 private:
  float eps_;
};

class NormRope : public Node {
 public:
  NormRope(bool norm, float eps, int heads, int offset) : norm_(norm), eps_(eps), heads_(heads), offset_(offset) {}
  const char* name() const override {
    return "QwillNormRope";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto *x = rows<float>(in[0]), *f = rows<float>(in[1]);
    const float* w = norm_ ? rows<float>(in[2]) : nullptr;
    allocate(out[0]);
    int64_t L = in[0].shape(0), H = heads_, D = in[0].shape(1) / heads_;
    encoder().dispatch([x, f, w, y = out[0].data<float>(), L, H, D, eps = eps_, offset = offset_] {
      check(qk_norm_rope(x, w, eps, f, y, L, H, D, offset), "rope");
    });
  }

 private:
  bool norm_;
  float eps_;
  int heads_, offset_;
};

class SwiGLU : public Node {
 public:
  const char* name() const override {
    return "QwillSwiGLU";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto *g = rows<float>(in[0]), *u = rows<float>(in[1]);
    allocate(out[0]);
    encoder().dispatch([g, u, y = out[0].data<float>(), n = static_cast<int64_t>(in[0].size())] {
      check(qk_swiglu(g, u, y, n), "swiglu");
    });
  }
};

// One cache buffer [KVH, capacity, D] being written.
struct Cache {
  char* data;
  int dtype;
  int64_t heads, capacity, dim;

  template <typename T>
  void convert(const float* x, T* out) const {
    for (int64_t i = 0; i < dim; ++i) {
      out[i] = static_cast<T>(x[i]);
    }
  }

  // x is [L, heads, dim].
  void write(const float* x, int64_t L, int64_t offset) const {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t l = 0; l < L; ++l) {
        const float* from = x + (l * heads + h) * dim;
        int64_t at = (h * capacity + offset + l) * dim;
        switch (dtype) {
          case QK_F32:
            std::memcpy(reinterpret_cast<float*>(data) + at, from, static_cast<size_t>(dim) * sizeof(float));
            break;
          case QK_F16:
            convert(from, reinterpret_cast<mx::float16_t*>(data) + at);
            break;
          default:
            convert(from, reinterpret_cast<mx::bfloat16_t*>(data) + at);
        }
      }
    }
  }
};

Cache cache(const mx::array& a, char* data) {
  return {data, kernel_dtype(a.dtype()), a.shape(0), a.shape(1), a.shape(2)};
}

class AppendKV : public Node {
 public:
  explicit AppendKV(int offset) : offset_(offset) {}
  const char* name() const override {
    return "QwillAppendKV";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto k_cache = cache(in[0], take_over(in[0], out[0]));
    auto v_cache = cache(in[1], take_over(in[1], out[1]));
    auto *k = rows<float>(in[2]), *v = rows<float>(in[3]);
    encoder().dispatch([k_cache, v_cache, k, v, L = in[2].shape(0), offset = offset_] {
      k_cache.write(k, L, offset);
      v_cache.write(v, L, offset);
    });
  }

 private:
  int offset_;
};

class Attention : public Node {
 public:
  Attention(int offset, float scale) : offset_(offset), scale_(scale) {}
  const char* name() const override {
    return "QwillAttention";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto* q = rows<float>(in[0]);
    auto *k = rows<char>(in[1]), *v = rows<char>(in[2]);
    allocate(out[0]);
    int64_t KVH = in[1].shape(0), capacity = in[1].shape(1), D = in[1].shape(2);
    int64_t L = in[0].shape(0), H = in[0].shape(1) / D;
    encoder().dispatch([=, y = out[0].data<float>(), dtype = kernel_dtype(in[1].dtype()), offset = offset_,
                        scale = scale_] {
      check(qk_attention(q, k, v, dtype, y, L, H, KVH, D, offset, capacity, scale), "attention");
    });
  }

 private:
  int offset_;
  float scale_;
};

class AttentionBlock : public Node {
 public:
  AttentionBlock(bool q_norm, bool k_norm, float eps, int offset, float scale)
      : q_norm_(q_norm), k_norm_(k_norm), eps_(eps), offset_(offset), scale_(scale) {}
  const char* name() const override {
    return "QwillAttentionBlock";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto *q = rows<float>(in[0]), *k = rows<float>(in[1]), *v = rows<float>(in[2]), *f = rows<float>(in[5]);
    auto k_cache = cache(in[3], take_over(in[3], out[1]));
    auto v_cache = cache(in[4], take_over(in[4], out[2]));
    const float* qn = q_norm_ ? rows<float>(in[6]) : nullptr;
    const float* kn = k_norm_ ? rows<float>(in[q_norm_ ? 7 : 6]) : nullptr;
    allocate(out[0]);
    int64_t L = in[0].shape(0), D = k_cache.dim, H = in[0].shape(1) / D;
    auto *qr = scratch(L * H * D), *kr = scratch(L * k_cache.heads * D);
    encoder().dispatch([=, y = out[0].data<float>(), eps = eps_, offset = offset_, scale = scale_] {
      check(qk_norm_rope(q, qn, eps, f, qr, L, H, D, offset), "rope");
      check(qk_norm_rope(k, kn, eps, f, kr, L, k_cache.heads, D, offset), "rope");
      k_cache.write(kr, L, offset);
      v_cache.write(v, L, offset);
      check(
          qk_attention(
              qr, k_cache.data, v_cache.data, k_cache.dtype, y, L, H, k_cache.heads, D, offset, k_cache.capacity,
              scale),
          "attention");
    });
  }

 private:
  bool q_norm_, k_norm_;
  float eps_;
  int offset_;
  float scale_;
};

mx::Shape with_last(const mx::array& x, int n) {
  auto s = x.shape();
  s[s.size() - 1] = n;
  return s;
}

} // namespace

const char* isa() {
  return qk_isa();
}

void set_threads(int n) {
  qk_set_threads(n);
}

int threads() {
  return qk_threads();
}

std::vector<mx::array> linears(const mx::array& x, const std::vector<Weight>& ws, bool fast) {
  std::vector<mx::Shape> shapes;
  for (auto& w : ws) {
    shapes.push_back(with_last(x, w.rows));
  }
  auto p = std::make_shared<Linears>(ws, fast);
  if (ws.size() == 1) {
    return {mx::array(shapes[0], mx::float32, p, Products::inputs(x, ws))};
  }
  return mx::array::make_arrays(
      std::move(shapes), std::vector<mx::Dtype>(ws.size(), mx::float32), p, Products::inputs(x, ws));
}

mx::array mlp(const mx::array& x, const Weight& gate, const Weight& up, const Weight& down, bool fast) {
  std::vector<Weight> ws{gate, up, down};
  return mx::array(with_last(x, down.rows), mx::float32, std::make_shared<MLP>(ws, fast), Products::inputs(x, ws));
}

mx::array embed(const mx::array& ids, const Weight& w) {
  return mx::array(
      mx::Shape{ids.shape(0), w.cols}, mx::float32, std::make_shared<Embed>(w), Products::inputs(ids, {w}));
}

mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps) {
  return mx::array(x.shape(), mx::float32, std::make_shared<RMSNorm>(eps), {x, weight});
}

std::vector<mx::array> add_rms_norm(
    const mx::array& x, const mx::array& residual, const mx::array& weight, float eps) {
  return mx::array::make_arrays(
      {x.shape(), x.shape()}, {mx::float32, mx::float32}, std::make_shared<AddRMSNorm>(eps), {x, residual, weight});
}

mx::array norm_rope(
    const mx::array& x, const std::optional<mx::array>& norm, float eps, const mx::array& inv_freq, int heads,
    int offset) {
  std::vector<mx::array> in{x, inv_freq};
  if (norm) {
    in.push_back(*norm);
  }
  return mx::array(
      x.shape(), mx::float32, std::make_shared<NormRope>(norm.has_value(), eps, heads, offset), std::move(in));
}

mx::array swiglu(const mx::array& gate, const mx::array& up) {
  return mx::array(gate.shape(), mx::float32, std::make_shared<SwiGLU>(), {gate, up});
}

std::vector<mx::array> append_kv(
    const mx::array& k_cache, const mx::array& v_cache, const mx::array& k, const mx::array& v, int offset) {
  return mx::array::make_arrays(
      {k_cache.shape(), v_cache.shape()}, {k_cache.dtype(), v_cache.dtype()}, std::make_shared<AppendKV>(offset),
      {k_cache, v_cache, k, v});
}

mx::array attention(
    const mx::array& q, const mx::array& k_cache, const mx::array& v_cache, int offset, float scale) {
  return mx::array(q.shape(), mx::float32, std::make_shared<Attention>(offset, scale), {q, k_cache, v_cache});
}

std::vector<mx::array> attention_block(
    const mx::array& q, const mx::array& k, const mx::array& v, const mx::array& k_cache, const mx::array& v_cache,
    const std::optional<mx::array>& q_norm, const std::optional<mx::array>& k_norm, float eps,
    const mx::array& inv_freq, int offset, float scale) {
  std::vector<mx::array> in{q, k, v, k_cache, v_cache, inv_freq};
  if (q_norm) {
    in.push_back(*q_norm);
  }
  if (k_norm) {
    in.push_back(*k_norm);
  }
  return mx::array::make_arrays(
      {q.shape(), k_cache.shape(), v_cache.shape()}, {mx::float32, k_cache.dtype(), v_cache.dtype()},
      std::make_shared<AttentionBlock>(q_norm.has_value(), k_norm.has_value(), eps, offset, scale), std::move(in));
}

} // namespace qm::x86
