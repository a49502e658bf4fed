package mlx

// Include and library paths come from the environment (build/env.sh), so that
// one source serves every pinned libmlx.

// #cgo CXXFLAGS: -std=c++20 -O3
// #cgo LDFLAGS: -lmlx
// #include "shim.h"
import "C"
