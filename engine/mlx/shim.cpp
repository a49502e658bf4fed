// Process, memory, arrays: see shim.h for the rules.
#include <unistd.h>

#include <cstring>

#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"
#include "shim_internal.h"

namespace qm {

static thread_local std::string error_message;
static thread_local bool entered = false;

void set_error(const char* message) noexcept {
  try {
    error_message = message;
  } catch (...) {
    error_message.clear();
  }
}

bool on_thread() noexcept {
  return entered;
}

static size_t physical_memory() {
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : SIZE_MAX;
}

void check_size(const mx::array& a) {
  static const size_t limit = physical_memory();
  if (a.size() > limit / a.itemsize()) {
    bad("an array of shape ", str(a.shape()), " needs more memory than the machine's ", limit >> 20, " MiB");
  }
}

static const mx::Dtype dtypes[] = {
    mx::bool_, mx::uint8, mx::int8, mx::uint16, mx::int16, mx::uint32,
    mx::int32, mx::int64, mx::float16, mx::bfloat16, mx::float32};
static constexpr int n_dtypes = sizeof(dtypes) / sizeof(dtypes[0]);

mx::Dtype dtype_of(int d) {
  if (d < 0 || d >= n_dtypes) {
    bad("unknown element type ", d);
  }
  return dtypes[d];
}

int dtype_number(mx::Dtype d) {
  for (int i = 0; i < n_dtypes; ++i) {
    if (dtypes[i] == d) {
      return i;
    }
  }
  bad("element type not supported");
}

} // namespace qm

using namespace qm;

namespace {

class Failing : public mx::Primitive {
 public:
  explicit Failing(bool in_task) : mx::Primitive(mx::default_stream(mx::default_device())), in_task_(in_task) {}
  const char* name() const override {
    return "Failing";
  }
  void eval_cpu(const std::vector<mx::array>&, std::vector<mx::array>& out) override {
    if (!in_task_) {
      throw std::runtime_error("failed while scheduling");
    }
    out[0].set_data(mx::allocator::malloc(out[0].nbytes()));
    mx::cpu::get_command_encoder(stream()).dispatch([] { throw std::runtime_error("failed while computing"); });
  }
  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("failed while scheduling");
  }

 private:
  bool in_task_;
};

} // namespace

extern "C" {

const char* qm_error(void) {
  return error_message.c_str();
}

const char* qm_version(void) {
  return mx::version();
}

int qm_enter_thread(void) {
  entered = true;
  return run([] {
    // On CPU, compilation runs a C++ compiler and loads what it left in a
    // shared, predictable folder.
    mx::disable_compile();
    mx::default_stream(mx::default_device());
  });
}

void qm_leave_thread(void) {
  run([] {
    mx::synchronize();
    mx::clear_streams();
  });
  entered = false;
}

int qm_device(void) {
  try {
    return mx::default_device() == mx::Device::gpu ? QM_DEVICE_GPU : QM_DEVICE_CPU;
  } catch (...) {
    return QM_DEVICE_CPU;
  }
}

size_t qm_active_memory(void) {
  return mx::get_active_memory();
}
size_t qm_cache_memory(void) {
  return mx::get_cache_memory();
}
size_t qm_peak_memory(void) {
  return mx::get_peak_memory();
}
void qm_reset_peak_memory(void) {
  mx::reset_peak_memory();
}
size_t qm_set_cache_limit(size_t n) {
  return mx::set_cache_limit(n);
}
size_t qm_set_memory_limit(size_t n) {
  return mx::set_memory_limit(n);
}
void qm_clear_cache(void) {
  mx::clear_cache();
}

qm_array qm_from_data(const void* data, size_t bytes, int dtype, const int* shape, int ndim) {
  return make([&] {
    auto d = dtype_of(dtype);
    auto s = shape_of(shape, ndim);
    auto buf = mx::allocator::malloc(bytes);
    if (bytes) {
      std::memcpy(buf.buffer().raw_ptr(), data, bytes);
    }
    return mx::array(std::move(buf), std::move(s), d);
  });
}

qm_array qm_full(double value, int dtype, const int* shape, int ndim) {
  return make([&] {
    auto d = dtype_of(dtype);
    return mx::full(shape_of(shape, ndim), mx::array(static_cast<float>(value), mx::float32), d);
  });
}

qm_array qm_arange(double start, double stop, double step, int dtype) {
  return make([&] { return mx::arange(start, stop, step, dtype_of(dtype)); });
}

qm_array qm_key(uint64_t seed) {
  return make([&] { return mx::random::key(seed); });
}

void qm_free(qm_array a) {
  run([&] { delete reinterpret_cast<mx::array*>(a); });
}

void qm_free_many(qm_array* a, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    qm_free(a[i]);
  }
}

qm_array qm_copy_handle(qm_array a) {
  return make([&] { return in(a); });
}

int qm_info(qm_array a, int* dtype, int* ndim, int* shape, int max_dims) {
  return run([&] {
    auto& x = in(a);
    if (static_cast<int>(x.ndim()) > max_dims) {
      bad("too many dimensions: ", x.ndim());
    }
    *dtype = dtype_number(x.dtype());
    *ndim = static_cast<int>(x.ndim());
    for (size_t i = 0; i < x.ndim(); ++i) {
      shape[i] = x.shape()[i];
    }
  });
}

int qm_eval(qm_array* a, size_t n, int async) {
  return run([&] {
    std::vector<mx::array> v;
    v.reserve(n);
    for (size_t i = 0; i < n; ++i) {
      v.push_back(in(a[i]));
    }
    if (async) {
      mx::async_eval(std::move(v));
    } else {
      mx::eval(std::move(v));
    }
  });
}

int qm_synchronize(void) {
  return run([] { mx::synchronize(); });
}

int qm_read(qm_array a, int dtype, void* out, size_t bytes) {
  return run([&] {
    auto d = dtype_of(dtype);
    mx::array x = in(a);
    if (x.dtype() != d) {
      x = mx::astype(x, d);
    }
    x.eval();
    if (!x.flags().row_contiguous) {
      x = mx::contiguous(x);
      x.eval();
    }
    if (x.nbytes() != bytes) {
      bad("array of ", x.nbytes(), " bytes read into ", bytes);
    }
    std::memcpy(out, x.data<char>(), bytes);
  });
}

int qm_buffer_id(qm_array a, uint64_t* id) {
  return run([&] {
    mx::array x = in(a);
    x.eval();
    *id = reinterpret_cast<uint64_t>(x.data<char>());
  });
}

qm_array qm_failing(int in_task) {
  return make([&] {
    return mx::array(mx::Shape{4}, mx::float32, std::make_shared<Failing>(in_task != 0), std::vector<mx::array>{});
  });
}

void qm_nothing(void) {}

} // extern "C"
