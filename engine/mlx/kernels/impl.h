// The kernels themselves, written once over vec.h and compiled for each
// instruction set in its own namespace.
#include "impl_common.h"
#include "impl_gemv.h"
#include "impl_gemm.h"
#include "impl_matmul.h"
#include "impl_attention.h"
#include "impl_pointwise.h"

inline constexpr Table table(const char* name) {
  return Table{name, matmul, attention, norm, norm_rope, swiglu};
}
