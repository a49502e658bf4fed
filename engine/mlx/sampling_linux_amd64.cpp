// Selection from logits as custom primitives: MLX's CPU sorts are scalar and
// sort everything, while a draw needs a few of 150,000.
#include <algorithm>
#include <cmath>
#include <limits>

#include "primitive_linux_amd64.h"

namespace qm::x86 {

namespace {

struct Entry {
  float value;
  int32_t id;
  bool operator<(const Entry& b) const { // largest first, then lowest id
    return value > b.value || (value == b.value && id < b.id);
  }
};

// The k largest of x[0..n), in order, into best. NaNs are left out, so there
// may be fewer.
void largest(const float* x, int n, int k, std::vector<Entry>& best) {
  best.clear();
  const size_t room = static_cast<size_t>(k) * 2 + 64;
  float floor = -std::numeric_limits<float>::infinity();
  bool any = true; // until k are found, -inf is as good as any
  auto shrink = [&] {
    if (best.size() > static_cast<size_t>(k)) {
      std::nth_element(best.begin(), best.begin() + (k - 1), best.end());
      best.resize(static_cast<size_t>(k));
      floor = best.back().value;
      any = false;
    }
  };
  constexpr int block = 16;
  for (int i = 0; i < n; i += block) {
    int end = std::min(n, i + block);
    if (!any) {
      int above = 0;
      for (int j = i; j < end; ++j) {
        above |= x[j] > floor;
      }
      if (!above) {
        continue;
      }
    }
    for (int j = i; j < end; ++j) {
      if (x[j] > floor || (any && x[j] == floor)) {
        best.push_back({x[j], j});
      }
    }
    if (best.size() >= room) {
      shrink();
    }
  }
  shrink();
  std::sort(best.begin(), best.end());
}

class TopK : public Node {
 public:
  explicit TopK(int k) : k_(k) {}
  const char* name() const override {
    return "QwillTopK";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto* x = rows<float>(in[0]);
    allocate(out[0]);
    allocate(out[1]);
    encoder().dispatch([x, k = k_, R = in[0].shape(0), N = in[0].shape(1), values = out[0].data<float>(),
                        ids = out[1].data<int32_t>()] {
      std::vector<Entry> best;
      for (int r = 0; r < R; ++r) {
        largest(x + static_cast<int64_t>(r) * N, N, k, best);
        for (int i = 0; i < k; ++i) {
          bool have = static_cast<size_t>(i) < best.size();
          values[r * k + i] = have ? best[i].value : std::numeric_limits<float>::quiet_NaN();
          ids[r * k + i] = have ? best[i].id : 0;
        }
      }
    });
  }

 private:
  int k_;
};

// The smallest logit that top-p keeps: tokens are kept while the ones likelier
// than them have less than a share p of the probability.
float nucleus(const float* x, int n, float p, std::vector<Entry>& best) {
  float top = -std::numeric_limits<float>::infinity();
  for (int i = 0; i < n; ++i) {
    top = std::max(top, x[i]);
  }
  double total = 0;
  for (int i = 0; i < n; ++i) {
    total += std::exp(x[i] - top);
  }
  // A few are nearly always enough.
  for (int64_t k = 128;; k *= 8) {
    k = std::min<int64_t>(k, n);
    largest(x, n, static_cast<int>(k), best);
    double above = 0;
    for (auto& e : best) {
      above += std::exp(e.value - top);
      if (!(above < p * total)) {
        return e.value;
      }
    }
    if (k == n) {
      return -std::numeric_limits<float>::infinity();
    }
  }
}

class TopP : public Node {
 public:
  explicit TopP(float p) : p_(p) {}
  const char* name() const override {
    return "QwillTopP";
  }

  void eval_cpu(const std::vector<mx::array>& in, std::vector<mx::array>& out) override {
    auto* x = rows<float>(in[0]);
    allocate(out[0]);
    encoder().dispatch([x, p = p_, R = in[0].shape(0), N = in[0].shape(1), y = out[0].data<float>()] {
      std::vector<Entry> best;
      for (int r = 0; r < R; ++r) {
        const float* from = x + static_cast<int64_t>(r) * N;
        float* to = y + static_cast<int64_t>(r) * N;
        float threshold = nucleus(from, N, p, best);
        for (int i = 0; i < N; ++i) {
          to[i] = from[i] < threshold ? -std::numeric_limits<float>::infinity() : from[i];
        }
      }
    });
  }

 private:
  float p_;
};

} // namespace

std::vector<mx::array> top_k(const mx::array& x, int k) {
  mx::Shape s{x.shape(0), k};
  return mx::array::make_arrays({s, s}, {mx::float32, mx::int32}, std::make_shared<TopK>(k), {x});
}

mx::array top_p(const mx::array& x, float p) {
  return mx::array(x.shape(), mx::float32, std::make_shared<TopP>(p), {x});
}

} // namespace qm::x86
