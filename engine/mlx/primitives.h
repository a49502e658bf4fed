// The fused layers as nodes of MLX's graph over the x86 kernels. Arguments
// have been checked by fused.cpp.
#pragma once
#include <vector>

#include "shim_internal.h"

namespace qm::x86 {

struct Weight {
  mx::array w;
  std::optional<mx::array> scales, biases; // absent: dense
  int group_size, bits;
  int rows, cols;
};

const char* isa();
void set_threads(int n);
int threads();

std::vector<mx::array> linears(const mx::array& x, const std::vector<Weight>& ws, bool fast);
mx::array mlp(const mx::array& x, const Weight& gate, const Weight& up, const Weight& down, bool fast);
mx::array embed(const mx::array& ids, const Weight& w); // ids int32 [L]
mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps);
std::vector<mx::array> add_rms_norm(const mx::array& x, const mx::array& residual, const mx::array& weight, float eps);
mx::array norm_rope(
    const mx::array& x, const std::optional<mx::array>& norm, float eps, const mx::array& inv_freq, int heads,
    int offset);
mx::array swiglu(const mx::array& gate, const mx::array& up);
std::vector<mx::array> append_kv(
    const mx::array& k_cache, const mx::array& v_cache, const mx::array& k, const mx::array& v, int offset);
mx::array attention(
    const mx::array& q, const mx::array& k_cache, const mx::array& v_cache, int offset, float scale);
std::vector<mx::array> attention_block(
    const mx::array& q, const mx::array& k, const mx::array& v, const mx::array& k_cache, const mx::array& v_cache,
    const std::optional<mx::array>& q_norm, const std::optional<mx::array>& k_norm, float eps,
    const mx::array& inv_freq, int offset, float scale);
std::vector<mx::array> top_k(const mx::array& x, int k);
mx::array top_p(const mx::array& x, float p);

} // namespace qm::x86
