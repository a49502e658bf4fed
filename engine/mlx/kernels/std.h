// Every standard header the kernels use, to be included before the compiler's
// target is raised: an inline function of the library compiled for AVX-512
// must not become the one copy that the linker keeps.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "pool.h"
#include "table.h"
