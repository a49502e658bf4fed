// Fused layers: arguments are checked here, once for both ways of computing
// them. On x86 Linux with MLX on its CPU backend the kernels serve; everywhere
// else MLX's own operations do.
#include <limits>

#include "primitives.h"

using namespace qm;

namespace {

bool kernels_on = true;

bool use_kernels() {
#if QWILL_X86_KERNELS
  return kernels_on && mx::default_device() == mx::Device::cpu;
#else
  return false;
#endif
}

x86::Weight weight(const qm_weight& q) {
  x86::Weight w{in(q.w), opt(q.scales), opt(q.biases), q.group_size, q.bits, 0, 0};
  if (w.w.ndim() != 2) {
    bad("weight of shape ", str(w.w.shape()), " where a matrix is wanted");
  }
  w.rows = w.w.shape(0);
  if (!w.scales) {
    if (w.w.dtype() != mx::float32 && w.w.dtype() != mx::float16 && w.w.dtype() != mx::bfloat16) {
      bad("a dense weight must be float32, float16 or bfloat16");
    }
    w.cols = w.w.shape(1);
    return w;
  }
  if (!w.biases) {
    bad("a quantized weight needs biases");
  }
  if (w.bits != 4 && w.bits != 8) {
    bad("weights of ", w.bits, " bits are not supported (4 and 8 are)");
  }
  if (w.group_size != 32 && w.group_size != 64 && w.group_size != 128) {
    bad("group size ", w.group_size, " is not supported (32, 64 and 128 are)");
  }
  if (w.w.dtype() != mx::uint32) {
    bad("a quantized weight must be packed in uint32");
  }
  int64_t cols = static_cast<int64_t>(w.w.shape(1)) * 32 / w.bits;
  mx::Shape want{w.rows, static_cast<int>(cols / w.group_size)};
  if (cols % w.group_size != 0 || w.scales->shape() != want || w.biases->shape() != want) {
    bad("scales of shape ", str(w.scales->shape()), " do not fit a weight of shape ", str(w.w.shape()), " with ",
        w.bits, " bits and group size ", w.group_size);
  }
  auto sd = w.scales->dtype();
  if (sd != w.biases->dtype() || (sd != mx::float32 && sd != mx::float16 && sd != mx::bfloat16)) {
    bad("scales and biases must share one of float32, float16, bfloat16");
  }
  w.cols = static_cast<int>(cols);
  return w;
}

void fits(const mx::array& x, const x86::Weight& w) {
  if (x.ndim() < 1 || x.shape(-1) != w.cols) {
    bad("input of shape ", str(x.shape()), " does not fit a weight [", w.rows, ",", w.cols, "]");
  }
}

mx::array f32(const mx::array& x) {
  return x.dtype() == mx::float32 ? x : mx::astype(x, mx::float32);
}

mx::array product(const mx::array& x, const x86::Weight& w) {
  if (!w.scales) {
    return mx::matmul(x, mx::transpose(mx::astype(w.w, mx::float32)));
  }
  return mx::quantized_matmul(x, w.w, *w.scales, w.biases, true, w.group_size, w.bits, "affine");
}

void norm_fits(const mx::array& x, const mx::array& weight) {
  if (x.ndim() < 1 || weight.ndim() != 1 || weight.shape(0) != x.shape(-1)) {
    bad("norm weight of shape ", str(weight.shape()), " does not fit ", str(x.shape()));
  }
}

// x is [L, heads*D]; returns D.
int head_dim(const mx::array& x, int heads, const char* what) {
  if (x.ndim() != 2 || heads < 1 || x.shape(1) % heads != 0 || x.shape(1) == 0) {
    bad(what, " of shape ", str(x.shape()), " cannot hold ", heads, " heads");
  }
  return x.shape(1) / heads;
}

void rope_fits(int dim, const std::optional<mx::array>& norm, const mx::array& inv_freq) {
  if (dim % 2 != 0 || inv_freq.ndim() != 1 || inv_freq.shape(0) != dim / 2) {
    bad("inverse frequencies of shape ", str(inv_freq.shape()), " do not fit heads of ", dim);
  }
  if (norm && (norm->ndim() != 1 || norm->shape(0) != dim)) {
    bad("head norm of shape ", str(norm->shape()), " does not fit heads of ", dim);
  }
}

struct CacheDims {
  int heads, capacity, dim;
};

CacheDims cache_dims(const mx::array& k, const mx::array& v) {
  if (k.ndim() != 3 || k.shape() != v.shape() || k.dtype() != v.dtype()) {
    bad("cache buffers ", str(k.shape()), " and ", str(v.shape()), " are not a pair [heads, capacity, dim]");
  }
  if (k.dtype() != mx::float32 && k.dtype() != mx::float16 && k.dtype() != mx::bfloat16) {
    bad("a cache must be float32, float16 or bfloat16");
  }
  if (k.size() == 0) {
    bad("empty cache of shape ", str(k.shape()));
  }
  return {k.shape(0), k.shape(1), k.shape(2)};
}

void append_fits(const CacheDims& c, const mx::array& k, const mx::array& v, int offset) {
  if (k.ndim() != 2 || k.shape(1) != c.heads * c.dim || v.shape() != k.shape()) {
    bad("keys ", str(k.shape()), " and values ", str(v.shape()), " do not fit a cache of ", c.heads, " heads of ",
        c.dim);
  }
  if (offset < 0 || static_cast<int64_t>(offset) + k.shape(0) > c.capacity) {
    bad("tokens ", offset, " to ", static_cast<int64_t>(offset) + k.shape(0), " exceed the cache's capacity of ",
        c.capacity);
  }
}

void attention_fits(const CacheDims& c, const mx::array& q, int offset) {
  if (q.ndim() != 2 || q.shape(1) % c.dim != 0 || (q.shape(1) / c.dim) % c.heads != 0 || q.shape(1) == 0) {
    bad("queries ", str(q.shape()), " do not fit a cache of ", c.heads, " heads of ", c.dim);
  }
  if (offset < 0 || static_cast<int64_t>(offset) + q.shape(0) > c.capacity) {
    bad("tokens up to ", static_cast<int64_t>(offset) + q.shape(0), " exceed the cache's capacity of ", c.capacity);
  }
}

// The same layers in MLX's own operations.

mx::array plain_norm_rope(
    const mx::array& x, const std::optional<mx::array>& norm, float eps, const mx::array& inv_freq, int heads,
    int offset) {
  int L = x.shape(0), D = x.shape(1) / heads;
  auto y = mx::reshape(x, {1, L, heads, D});
  if (norm) {
    y = mx::fast::rms_norm(y, norm, eps);
  }
  y = mx::transpose(y, {0, 2, 1, 3});
  auto periods = mx::divide(mx::array(1.0f), f32(inv_freq));
  y = mx::fast::rope(y, D, false, std::nullopt, 1.0f, offset, periods);
  return mx::reshape(mx::transpose(y, {0, 2, 1, 3}), {L, heads * D});
}

mx::array plain_append(const mx::array& cache, const mx::array& x, int offset) {
  int KVH = cache.shape(0), D = cache.shape(2), L = x.shape(0);
  auto u = mx::transpose(mx::reshape(x, {L, KVH, D}), {1, 0, 2});
  u = mx::astype(u, cache.dtype());
  return mx::slice_update(cache, u, mx::Shape{0, offset, 0}, mx::Shape{KVH, offset + L, D});
}

mx::array plain_attention(
    const mx::array& q, const mx::array& k_cache, const mx::array& v_cache, int offset, float scale) {
  int KVH = k_cache.shape(0), D = k_cache.shape(2), L = q.shape(0), H = q.shape(1) / D;
  auto part = [&](const mx::array& c) {
    auto s = mx::slice(c, {0, 0, 0}, {KVH, offset + L, D});
    return mx::expand_dims(f32(s), 0);
  };
  auto qs = mx::transpose(mx::reshape(q, {1, L, H, D}), {0, 2, 1, 3});
  auto y = mx::fast::scaled_dot_product_attention(
      qs, part(k_cache), part(v_cache), scale, L > 1 ? "causal" : "");
  return mx::reshape(mx::transpose(y, {0, 2, 1, 3}), {L, H * D});
}

} // namespace

extern "C" {

const char* qm_kernels(void) {
#if QWILL_X86_KERNELS
  if (use_kernels()) {
    return x86::isa();
  }
#endif
  return "";
}

void qm_use_kernels(int on) {
  kernels_on = on != 0;
}

void qm_set_threads(int n) {
#if QWILL_X86_KERNELS
  x86::set_threads(n < 1 ? 1 : n);
#else
  (void)n;
#endif
}

int qm_threads(void) {
#if QWILL_X86_KERNELS
  return x86::threads();
#else
  return 1;
#endif
}

int qm_linears(qm_array hx, const qm_weight* hw, int n, int fast, qm_array* out) {
  return run([&] {
    auto x = f32(in(hx));
    std::vector<x86::Weight> ws;
    for (int i = 0; i < n; ++i) {
      ws.push_back(weight(hw[i]));
      fits(x, ws.back());
    }
    std::vector<mx::array> ys;
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      ys = x86::linears(x, ws, fast != 0);
    }
#endif
    if (ys.empty()) {
      for (auto& w : ws) {
        ys.push_back(product(x, w));
      }
    }
    for (int i = 0; i < n; ++i) {
      out[i] = wrap(std::move(ys[i]));
    }
  });
}

qm_array qm_mlp(qm_array hx, const qm_weight* hg, const qm_weight* hu, const qm_weight* hd, int fast) {
  return make([&]() -> mx::array {
    auto x = f32(in(hx));
    auto g = weight(*hg), u = weight(*hu), d = weight(*hd);
    fits(x, g);
    fits(x, u);
    if (g.rows != u.rows || d.cols != g.rows) {
      bad("gate, up and down of ", g.rows, ", ", u.rows, " and ", d.cols, " do not fit together");
    }
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      return x86::mlp(x, g, u, d, fast != 0);
    }
#endif
    auto a = product(x, g);
    return product(mx::multiply(mx::multiply(a, mx::sigmoid(a)), product(x, u)), d);
  });
}

qm_array qm_embed(qm_array hi, const qm_weight* hw) {
  return make([&]() -> mx::array {
    auto ids = mx::astype(in(hi), mx::int32);
    auto w = weight(*hw);
    if (ids.ndim() != 1) {
      bad("token ids of shape ", str(ids.shape()), " where a vector is wanted");
    }
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      return x86::embed(ids, w);
    }
#endif
    // A GPU cannot throw; it must not read beyond the table either.
    ids = mx::clip(ids, mx::array(0), mx::array(w.rows - 1));
    auto rows = mx::take(w.w, ids, 0);
    if (!w.scales) {
      return f32(rows);
    }
    return mx::dequantize(
        rows, f32(mx::take(*w.scales, ids, 0)), f32(mx::take(*w.biases, ids, 0)), w.group_size, w.bits, "affine",
        std::nullopt, mx::float32);
  });
}

qm_array qm_fused_rms_norm(qm_array hx, qm_array hw, float eps) {
  return make([&]() -> mx::array {
    auto x = f32(in(hx)), w = f32(in(hw));
    norm_fits(x, w);
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      return x86::rms_norm(x, w, eps);
    }
#endif
    return mx::fast::rms_norm(x, w, eps);
  });
}

int qm_add_rms_norm(qm_array hx, qm_array hr, qm_array hw, float eps, qm_array out[2]) {
  return run([&] {
    auto x = f32(in(hx)), r = f32(in(hr)), w = f32(in(hw));
    if (x.shape() != r.shape()) {
      bad("shapes ", str(x.shape()), " and ", str(r.shape()), " differ");
    }
    norm_fits(x, w);
    std::vector<mx::array> ys;
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      ys = x86::add_rms_norm(x, r, w, eps);
    }
#endif
    if (ys.empty()) {
      auto sum = mx::add(x, r);
      ys = {sum, mx::fast::rms_norm(sum, w, eps)};
    }
    out[0] = wrap(ys[0]);
    out[1] = wrap(ys[1]);
  });
}

qm_array qm_norm_rope(qm_array hx, qm_array hn, float eps, qm_array hf, int heads, int offset) {
  return make([&]() -> mx::array {
    auto x = f32(in(hx)), freq = f32(in(hf));
    auto norm = opt(hn);
    if (norm) {
      norm = f32(*norm);
    }
    rope_fits(head_dim(x, heads, "input"), norm, freq);
    if (offset < 0) {
      bad("negative position ", offset);
    }
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      return x86::norm_rope(x, norm, eps, freq, heads, offset);
    }
#endif
    return plain_norm_rope(x, norm, eps, freq, heads, offset);
  });
}

qm_array qm_swiglu(qm_array hg, qm_array hu) {
  return make([&]() -> mx::array {
    auto g = f32(in(hg)), u = f32(in(hu));
    if (g.shape() != u.shape()) {
      bad("shapes ", str(g.shape()), " and ", str(u.shape()), " differ");
    }
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      return x86::swiglu(g, u);
    }
#endif
    return mx::multiply(mx::multiply(g, mx::sigmoid(g)), u);
  });
}

int qm_append_kv(qm_array hkc, qm_array hvc, qm_array hk, qm_array hv, int offset, qm_array out[2]) {
  return run([&] {
    auto k = f32(in(hk)), v = f32(in(hv));
    auto &kc = in(hkc), &vc = in(hvc);
    append_fits(cache_dims(kc, vc), k, v, offset);
    std::vector<mx::array> ys;
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      ys = x86::append_kv(kc, vc, k, v, offset);
    }
#endif
    if (ys.empty()) {
      ys = {plain_append(kc, k, offset), plain_append(vc, v, offset)};
    }
    out[0] = wrap(ys[0]);
    out[1] = wrap(ys[1]);
  });
}

qm_array qm_attention(qm_array hq, qm_array hkc, qm_array hvc, int offset, float scale) {
  return make([&]() -> mx::array {
    auto q = f32(in(hq));
    auto &kc = in(hkc), &vc = in(hvc);
    attention_fits(cache_dims(kc, vc), q, offset);
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      return x86::attention(q, kc, vc, offset, scale);
    }
#endif
    return plain_attention(q, kc, vc, offset, scale);
  });
}

int qm_attention_block(
    qm_array hq, qm_array hk, qm_array hv, qm_array hkc, qm_array hvc, qm_array hqn, qm_array hkn, float eps,
    qm_array hf, int offset, float scale, qm_array out[3]) {
  return run([&] {
    auto q = f32(in(hq)), k = f32(in(hk)), v = f32(in(hv)), freq = f32(in(hf));
    auto &kc = in(hkc), &vc = in(hvc);
    auto qn = opt(hqn), kn = opt(hkn);
    if (qn) {
      qn = f32(*qn);
    }
    if (kn) {
      kn = f32(*kn);
    }
    auto c = cache_dims(kc, vc);
    append_fits(c, k, v, offset);
    attention_fits(c, q, offset);
    if (q.shape(0) != k.shape(0)) {
      bad("queries ", str(q.shape()), " and keys ", str(k.shape()), " are of different lengths");
    }
    rope_fits(c.dim, qn, freq);
    rope_fits(c.dim, kn, freq);
    std::vector<mx::array> ys;
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      ys = x86::attention_block(q, k, v, kc, vc, qn, kn, eps, freq, offset, scale);
    }
#endif
    if (ys.empty()) {
      auto qr = plain_norm_rope(q, qn, eps, freq, q.shape(1) / c.dim, offset);
      auto kr = plain_norm_rope(k, kn, eps, freq, c.heads, offset);
      auto k2 = plain_append(kc, kr, offset), v2 = plain_append(vc, v, offset);
      ys = {plain_attention(qr, k2, v2, offset, scale), k2, v2};
    }
    for (int i = 0; i < 3; ++i) {
      out[i] = wrap(ys[i]);
    }
  });
}

int qm_top_k(qm_array h, int k, qm_array out[2]) {
  return run([&] {
    auto x = f32(in(h));
    if (x.ndim() != 2 || k < 1 || k > x.shape(1)) {
      bad("cannot take ", k, " of rows of shape ", str(x.shape()));
    }
    std::vector<mx::array> ys;
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      ys = x86::top_k(x, k);
    }
#endif
    if (ys.empty()) {
      auto part = mx::argpartition(mx::negative(x), k - 1, 1);
      part = mx::slice(part, mx::Shape{0, 0}, mx::Shape{x.shape(0), k});
      auto order = mx::argsort(mx::negative(mx::take_along_axis(x, part, 1)), 1);
      auto ids = mx::take_along_axis(part, order, 1);
      ys = {mx::take_along_axis(x, ids, 1), mx::astype(ids, mx::int32)};
    }
    out[0] = wrap(ys[0]);
    out[1] = wrap(ys[1]);
  });
}

qm_array qm_top_p(qm_array h, float p) {
  return make([&]() -> mx::array {
    auto x = f32(in(h));
    if (x.ndim() != 2 || x.shape(1) < 1 || !(p > 0)) {
      bad("cannot take a share ", p, " of rows of shape ", str(x.shape()));
    }
#if QWILL_X86_KERNELS
    if (use_kernels()) {
      return x86::top_p(x, p);
    }
#endif
    auto sorted = mx::sort(x, 1);
    auto above = mx::cumsum(mx::softmax(sorted, std::vector<int>{1}, true), 1, true, false);
    auto dropped = mx::sum(mx::astype(mx::greater_equal(above, mx::array(p)), mx::int32), 1, true);
    auto threshold = mx::take_along_axis(sorted, dropped, 1);
    return mx::where(mx::less(x, threshold), mx::array(-std::numeric_limits<float>::infinity()), x);
  });
}

} // extern "C"
