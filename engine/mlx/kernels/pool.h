// A small thread pool for kernels of 20 microseconds to some milliseconds.
//
// A job is finished when its chunks are, not when every thread has looked in:
// a worker that another process keeps off its core delays nothing but the
// chunk it holds. Idle workers spin for a moment (the next kernel of a token
// usually follows at once) and then sleep in the kernel.
#pragma once
#include <cstdint>
#include <type_traits>

namespace qk {

using ChunkFn = void (*)(void* ctx, int chunk);

// Runs fn(ctx, 0..chunks-1) over the pool and the calling thread; returns when
// all are done. A call made while another is running works on its own thread.
void pool_run(int chunks, ChunkFn fn, void* ctx);
void pool_set_threads(int n);
int pool_threads();

template <class Body>
void parallel(int chunks, Body&& body) {
  using B = std::remove_reference_t<Body>;
  pool_run(chunks, [](void* ctx, int i) { (*static_cast<B*>(ctx))(i); },
           const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace qk
