package mlx

// #include "shim.h"
import "C"

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
