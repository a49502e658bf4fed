package mlx

// #include "shim.h"
import "C"

// BufferID evaluates a and tells where its elements lie: equal for arrays that
// share memory. For tests.
func BufferID(a Array) uint64 {
	var id C.uint64_t
	if C.qm_buffer_id(a.ptr("buffer_id"), &id) != 0 {
		panic(lastError("buffer_id"))
	}
	return uint64(id)
}

// FailingArray is an array whose computation throws: on MLX's own thread, or
// while it is being scheduled. For tests of the way errors take.
func FailingArray(t *Thread, computing bool) Array {
	return t.out("failing", C.qm_failing(cbool(computing)))
}

// UseKernels(false) makes the fused layers of MLX's own operations, as they are
// on a Mac. For tests; not while anything is computed.
func UseKernels(on bool) { C.qm_use_kernels(cbool(on)) }

// Nothing crosses into C and back. For the benchmark.
func Nothing() { C.qm_nothing() }
