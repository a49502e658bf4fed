// MLX's operations, one designated wrapper each: libmlx inserts parameters
// between releases, so nothing here relies on the order of trailing ones
// without naming what it passes.
#include "shim_internal.h"

using namespace qm;

namespace {

std::vector<int> ints(const int* p, int n) {
  return std::vector<int>(p, p + n);
}

mx::array binary(int op, const mx::array& a, const mx::array& b) {
  switch (op) {
    case QM_ADD: return mx::add(a, b);
    case QM_SUB: return mx::subtract(a, b);
    case QM_MUL: return mx::multiply(a, b);
    case QM_DIV: return mx::divide(a, b);
    case QM_MAXIMUM: return mx::maximum(a, b);
    case QM_MINIMUM: return mx::minimum(a, b);
    case QM_EQ: return mx::equal(a, b);
    case QM_NE: return mx::not_equal(a, b);
    case QM_LT: return mx::less(a, b);
    case QM_LE: return mx::less_equal(a, b);
    case QM_GT: return mx::greater(a, b);
    case QM_GE: return mx::greater_equal(a, b);
    case QM_AND: return mx::logical_and(a, b);
    case QM_OR: return mx::logical_or(a, b);
    case QM_MATMUL: return mx::matmul(a, b);
  }
  bad("unknown binary operation ", op);
}

} // namespace

extern "C" {

qm_array qm_unary_op(int op, qm_array h) {
  return make([&]() -> mx::array {
    auto& a = in(h);
    switch (op) {
      case QM_NEG: return mx::negative(a);
      case QM_EXP: return mx::exp(a);
      case QM_LOG: return mx::log(a);
      case QM_SIGMOID: return mx::sigmoid(a);
      case QM_SILU: return mx::multiply(a, mx::sigmoid(a));
      case QM_TANH: return mx::tanh(a);
      case QM_SQRT: return mx::sqrt(a);
      case QM_RSQRT: return mx::rsqrt(a);
      case QM_SQUARE: return mx::square(a);
      case QM_ABS: return mx::abs(a);
      case QM_ISFINITE: return mx::isfinite(a);
      case QM_NOT: return mx::logical_not(a);
      case QM_CONTIGUOUS: return mx::contiguous(a);
    }
    bad("unknown unary operation ", op);
  });
}

qm_array qm_binary_op(int op, qm_array a, qm_array b) {
  return make([&] { return binary(op, in(a), in(b)); });
}

qm_array qm_binary_scalar(int op, qm_array a, double b, int reversed) {
  return make([&] {
    auto& x = in(a);
    auto s = mx::array(static_cast<float>(b), x.dtype());
    return reversed ? binary(op, s, x) : binary(op, x, s);
  });
}

qm_array qm_reduce_op(int op, qm_array h, int axis, int keep) {
  return make([&]() -> mx::array {
    auto& a = in(h);
    bool k = keep != 0;
    switch (op) {
      case QM_SUM: return mx::sum(a, axis, k);
      case QM_MEAN: return mx::mean(a, axis, k);
      case QM_MAX: return mx::max(a, axis, k);
      case QM_MIN: return mx::min(a, axis, k);
      case QM_ALL: return mx::all(a, axis, k);
      case QM_ANY: return mx::any(a, axis, k);
      case QM_ARGMAX: return mx::argmax(a, axis, k);
      case QM_LOGSUMEXP: return mx::logsumexp(a, axis, k);
    }
    bad("unknown reduction ", op);
  });
}

qm_array qm_sort_op(int op, qm_array h, int kth, int axis) {
  return make([&]() -> mx::array {
    auto& a = in(h);
    switch (op) {
      case QM_SORT: return mx::sort(a, axis);
      case QM_ARGSORT: return mx::argsort(a, axis);
      case QM_PARTITION: return mx::partition(a, kth, axis);
      case QM_ARGPARTITION: return mx::argpartition(a, kth, axis);
    }
    bad("unknown ordering ", op);
  });
}

qm_array qm_astype(qm_array a, int dtype) {
  return make([&] { return mx::astype(in(a), dtype_of(dtype)); });
}

qm_array qm_view(qm_array a, int dtype) {
  return make([&] { return mx::view(in(a), dtype_of(dtype)); });
}

qm_array qm_reshape(qm_array a, const int* shape, int ndim) {
  return make([&] { return mx::reshape(in(a), shape_of(shape, ndim)); });
}

qm_array qm_broadcast(qm_array a, const int* shape, int ndim) {
  return make([&] { return mx::broadcast_to(in(a), shape_of(shape, ndim)); });
}

qm_array qm_transpose(qm_array a, const int* axes, int n) {
  return make([&] { return n ? mx::transpose(in(a), ints(axes, n)) : mx::transpose(in(a)); });
}

qm_array qm_expand_dims(qm_array a, const int* axes, int n) {
  return make([&] { return mx::expand_dims(in(a), ints(axes, n)); });
}

qm_array qm_squeeze(qm_array a, const int* axes, int n) {
  return make([&] { return n ? mx::squeeze(in(a), ints(axes, n)) : mx::squeeze(in(a)); });
}

qm_array qm_slice(qm_array a, const int* start, const int* stop, const int* strides, int n) {
  return make([&] {
    mx::Shape step(static_cast<size_t>(n), 1);
    if (strides) {
      step = shape_of(strides, n);
    }
    return mx::slice(in(a), shape_of(start, n), shape_of(stop, n), std::move(step));
  });
}

qm_array qm_slice_update(qm_array a, qm_array update, const int* start, const int* stop, int n) {
  return make([&] { return mx::slice_update(in(a), in(update), shape_of(start, n), shape_of(stop, n)); });
}

qm_array qm_concatenate(qm_array* a, size_t n, int axis) {
  return make([&] {
    std::vector<mx::array> v;
    v.reserve(n);
    for (size_t i = 0; i < n; ++i) {
      v.push_back(in(a[i]));
    }
    return mx::concatenate(std::move(v), axis);
  });
}

qm_array qm_take(int kind, qm_array a, qm_array indices, int axis) {
  return make([&] {
    return kind == QM_TAKE ? mx::take(in(a), in(indices), axis) : mx::take_along_axis(in(a), in(indices), axis);
  });
}

qm_array qm_put_along_axis(qm_array a, qm_array indices, qm_array values, int axis) {
  return make([&] { return mx::put_along_axis(in(a), in(indices), in(values), axis); });
}

qm_array qm_scatter_add_axis(qm_array a, qm_array indices, qm_array values, int axis) {
  return make([&] { return mx::scatter_add_axis(in(a), in(indices), in(values), axis); });
}

qm_array qm_softmax(qm_array a, int axis, int precise) {
  return make([&] { return mx::softmax(in(a), std::vector<int>{axis}, precise != 0); });
}

qm_array qm_cumsum(qm_array a, int axis, int reverse, int inclusive) {
  return make([&] { return mx::cumsum(in(a), axis, reverse != 0, inclusive != 0); });
}

qm_array qm_where(qm_array cond, qm_array x, qm_array y) {
  return make([&] { return mx::where(in(cond), in(x), in(y)); });
}

qm_array qm_categorical(qm_array logits, int axis, qm_array key) {
  return make([&] { return mx::random::categorical(in(logits), axis, opt(key)); });
}

qm_array qm_gumbel(qm_array key, const int* shape, int ndim) {
  return make([&] { return mx::random::gumbel(shape_of(shape, ndim), mx::float32, opt(key)); });
}

qm_array qm_uniform(qm_array key, const int* shape, int ndim) {
  return make([&] { return mx::random::uniform(shape_of(shape, ndim), mx::float32, opt(key)); });
}

qm_array qm_split_key(qm_array key, int n) {
  return make([&] { return mx::random::split(in(key), n); });
}

qm_array qm_rms_norm(qm_array x, qm_array weight, float eps) {
  return make([&] { return mx::fast::rms_norm(in(x), opt(weight), eps); });
}

qm_array qm_rope(qm_array x, int dims, int traditional, float base, float scale, int offset, qm_array freqs) {
  return make([&] {
    std::optional<float> b;
    if (!freqs) {
      b = base;
    }
    return mx::fast::rope(in(x), dims, traditional != 0, b, scale, offset, opt(freqs));
  });
}

qm_array qm_sdpa(qm_array q, qm_array k, qm_array v, float scale, int causal, qm_array mask) {
  return make([&] {
    return mx::fast::scaled_dot_product_attention(in(q), in(k), in(v), scale, causal ? "causal" : "", opt(mask));
  });
}

qm_array qm_quantized_matmul(
    qm_array x, qm_array w, qm_array scales, qm_array biases, int transpose, int group_size, int bits) {
  return make([&] {
    return mx::quantized_matmul(
        in(x), in(w), in(scales), opt(biases), transpose != 0, group_size, bits, "affine");
  });
}

qm_array qm_dequantize(qm_array w, qm_array scales, qm_array biases, int group_size, int bits, int dtype) {
  return make([&] {
    return mx::dequantize(
        in(w), in(scales), opt(biases), group_size, bits, "affine", std::nullopt, dtype_of(dtype));
  });
}

int qm_quantize(qm_array w, int group_size, int bits, qm_array out[3]) {
  return run([&] {
    auto v = mx::quantize(in(w), group_size, bits, "affine");
    if (v.size() != 3) {
      bad("expected weights, scales and biases, got ", v.size(), " arrays");
    }
    for (int i = 0; i < 3; ++i) {
      out[i] = wrap(v[i]);
    }
  });
}

} // extern "C"
