package mlx

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Version is libmlx's own, such as "0.32.4".
func Version() string { return C.GoString(C.qm_version()) }

// OnGPU reports whether MLX computes on a GPU (Metal or CUDA).
func OnGPU() bool { return C.qm_device() == C.QM_DEVICE_GPU }

// Kernels names the instruction set of the x86 kernels behind the fused
// layers ("avx512vnni", "avx512", "avx2", "portable"); it is empty where MLX's
// own operations serve them.
func Kernels() string { return C.GoString(C.qm_kernels()) }

// Threads is the number of threads of the x86 kernels.
func Threads() int { return int(C.qm_threads()) }

// SetThreads sets the threads of the x86 kernels, at least 1.
func SetThreads(n int) { C.qm_set_threads(C.int(n)) }

// ActiveMemory is the bytes in use by arrays.
func ActiveMemory() int64 { return int64(C.qm_active_memory()) }

// CacheMemory is the bytes of freed buffers kept for reuse.
func CacheMemory() int64 { return int64(C.qm_cache_memory()) }

// PeakMemory is the most bytes in use since the start or [ResetPeakMemory].
func PeakMemory() int64 { return int64(C.qm_peak_memory()) }

// ResetPeakMemory starts the peak over.
func ResetPeakMemory() { C.qm_reset_peak_memory() }

// SetCacheLimit bounds CacheMemory and returns the limit before.
func SetCacheLimit(n int64) int64 { return int64(C.qm_set_cache_limit(C.size_t(n))) }

// SetMemoryLimit sets the bytes above which MLX waits for work to finish
// before it allocates more; it returns the limit before.
func SetMemoryLimit(n int64) int64 { return int64(C.qm_set_memory_limit(C.size_t(n))) }

// ClearCache gives freed buffers back to the system.
func ClearCache() { C.qm_clear_cache() }

// Map is a file mapped read-only into memory. Arrays made from it keep the
// mapping alive after Close. The file must not be cut short while it is in use.
type Map struct {
	t *Thread
	c C.qm_map
}

// OpenMap maps a file.
func (t *Thread) OpenMap(path string) (*Map, error) {
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	c := C.qm_map_open(p)
	if c == nil {
		return nil, fmt.Errorf("map %s: %w", path, lastError("map"))
	}
	return &Map{t: t, c: c}, nil
}

// Data is the whole file; it is valid until Close.
func (m *Map) Data() []byte {
	return unsafe.Slice((*byte)(C.qm_map_data(m.c)), int(C.qm_map_size(m.c)))
}

// Array is a view of the file at a byte offset, without a copy where the
// offset suits the type.
func (m *Map) Array(d Dtype, offset int64, shape ...int) Array {
	const op = "map_array"
	if m.c == nil {
		fail(op, "the map is closed")
	}
	if n := int64(elements(op, shape)) * int64(d.Size()); !d.Valid() || offset < 0 || n > int64(C.qm_map_size(m.c)) || offset > int64(C.qm_map_size(m.c))-n {
		fail(op, "%v of shape %v at byte %d lies outside the file", d, shape, offset)
	}
	p, n := cints(shape)
	return m.t.out(op, C.qm_map_array(m.c, C.size_t(offset), C.int(d), p, n))
}

// Close drops the map's own hold on the file.
func (m *Map) Close() {
	if m.c != nil {
		C.qm_map_close(m.c)
		m.c = nil
	}
}
