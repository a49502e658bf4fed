// The base of the custom primitives.
//
// eval_cpu runs on the calling thread: it allocates the outputs and queues a
// task on the stream's own thread. An exception thrown in a task reaches
// whoever waits for the result.
#pragma once
#include <cstring>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"
#include "primitives.h"

namespace qm::x86 {

inline void allocate(mx::array& a) {
  a.set_data(mx::allocator::malloc(a.nbytes()));
}

// Copies a strided array row-major.
inline void gather(const mx::array& a, char* out) {
  size_t item = a.itemsize(), n = a.size();
  const char* base = a.data<char>();
  std::vector<int64_t> index(a.ndim(), 0);
  for (size_t i = 0; i < n; ++i) {
    int64_t at = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      at += index[d] * a.strides()[d];
    }
    std::memcpy(out + i * item, base + at * static_cast<int64_t>(item), item);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < a.shape()[d]) {
        break;
      }
      index[d] = 0;
    }
  }
}

// Base of all: collects what a task needs.
class Node : public mx::Primitive {
 public:
  Node() : mx::Primitive(mx::default_stream(mx::Device::cpu)) {}
  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("x86 kernels cannot run on a GPU");
  }

 protected:
  mx::cpu::CommandEncoder& encoder() {
    return mx::cpu::get_command_encoder(stream());
  }

  // A pointer to row-major elements of a, valid in tasks queued after this.
  template <typename T>
  const T* rows(const mx::array& a) {
    if (a.flags().row_contiguous) {
      return a.data<T>();
    }
    mx::array copy(mx::allocator::malloc(a.nbytes()), a.shape(), a.dtype());
    auto* p = copy.data<char>();
    encoder().add_temporary(copy);
    encoder().dispatch([a = mx::array::unsafe_weak_copy(a), p] { gather(a, p); });
    return reinterpret_cast<const T*>(p);
  }

  // Room for n floats until the queued tasks have run.
  float* scratch(int64_t n) {
    mx::array tmp(
        mx::allocator::malloc(static_cast<size_t>(n) * sizeof(float)), mx::Shape{static_cast<int>(n)}, mx::float32);
    auto* p = tmp.data<float>();
    encoder().add_temporary(std::move(tmp));
    return p;
  }

  // Makes out the same memory as the cache buffer `in`, so that a task may
  // write into it. Tasks of one stream run in order, so nobody reads the
  // buffer meanwhile. A buffer MLX does not own, or with odd strides, is
  // copied.
  char* take_over(const mx::array& in, mx::array& out) {
    if (in.flags().row_contiguous && in.data_shared_ptr()->is_owned() && in.data_size() == in.size()) {
      out.copy_shared_buffer(in);
      return out.data<char>();
    }
    allocate(out);
    auto* p = out.data<char>();
    if (in.flags().row_contiguous) {
      encoder().dispatch([from = in.data<char>(), p, n = in.nbytes()] { std::memcpy(p, from, n); });
    } else {
      encoder().dispatch([a = mx::array::unsafe_weak_copy(in), p] { gather(a, p); });
    }
    return p;
  }
};

} // namespace qm::x86
