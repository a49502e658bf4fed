// Shared by the C++ files of the shim: handles, errors, the thread rule.
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

#include "mlx/mlx.h"
#include "shim.h"

namespace qm {

namespace mx = mlx::core;

// x86 kernels exist on Linux only; a Mac has Metal.
#if defined(QWILL_X86_KERNELS)
// set by the compiler's command line
#elif defined(__x86_64__) && !defined(__APPLE__)
#define QWILL_X86_KERNELS 1
#else
#define QWILL_X86_KERNELS 0
#endif

void set_error(const char* message) noexcept;
bool on_thread() noexcept;
mx::Dtype dtype_of(int d);
int dtype_number(mx::Dtype d);

inline const mx::array& in(qm_array a) {
  return *reinterpret_cast<const mx::array*>(a);
}

inline std::optional<mx::array> opt(qm_array a) {
  if (!a) {
    return std::nullopt;
  }
  return in(a);
}

// MLX writes through the null pointer of an allocation that failed, so what
// cannot fit is refused when the graph is built.
void check_size(const mx::array& a);

inline qm_array wrap(mx::array a) {
  check_size(a);
  return reinterpret_cast<qm_array>(new mx::array(std::move(a)));
}

inline mx::Shape shape_of(const int* s, int n) {
  return mx::Shape(s, s + n);
}

inline std::string str(const mx::Shape& s) {
  std::ostringstream os;
  os << "[";
  for (size_t i = 0; i < s.size(); ++i) {
    os << (i ? "," : "") << s[i];
  }
  os << "]";
  return os.str();
}

// Throws std::invalid_argument with the parts of the message joined.
template <typename... T>
[[noreturn]] void bad(const T&... parts) {
  std::ostringstream os;
  (os << ... << parts);
  throw std::invalid_argument(os.str());
}

// Runs f behind the thread rule; exceptions become the thread's error.
template <typename F>
auto guard(F&& f, decltype(f()) failed) noexcept -> decltype(f()) {
  if (!on_thread()) {
    set_error("called outside Thread.Do");
    return failed;
  }
  try {
    return f();
  } catch (const std::exception& e) {
    set_error(e.what());
  } catch (...) {
    set_error("unknown C++ exception");
  }
  return failed;
}

template <typename F>
qm_array make(F&& f) noexcept {
  return guard([&]() -> qm_array { return wrap(f()); }, static_cast<qm_array>(nullptr));
}

template <typename F>
int run(F&& f) noexcept {
  return guard(
      [&]() -> int {
        f();
        return 0;
      },
      -1);
}

} // namespace qm
