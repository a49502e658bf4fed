#include "pool.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace qk {
namespace {

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

constexpr int kMaxChunks = 0xffff;
constexpr auto kWorkerSpin = std::chrono::microseconds(60);
constexpr auto kCallerSpin = std::chrono::microseconds(200);

class Pool {
 public:
  ~Pool() { stop(); }

  int threads() {
    std::lock_guard<std::mutex> lock(call_);
    return want();
  }

  void set_threads(int n) {
    std::lock_guard<std::mutex> lock(call_);
    if (n < 1) n = 1;
    if (n > 256) n = 256;
    if (n == threads_) return;
    stop();
    threads_ = n;
  }

  void run(int chunks, ChunkFn fn, void* ctx) {
    std::unique_lock<std::mutex> lock(call_, std::try_to_lock);
    if (!lock.owns_lock() || chunks == 1 || want() == 1 || !start()) {
      for (int i = 0; i < chunks; i++) fn(ctx, i);
      return;
    }
    for (int base = 0; base < chunks; base += kMaxChunks) {
      int n = chunks - base < kMaxChunks ? chunks - base : kMaxChunks;
      publish(n, base, fn, ctx);
    }
  }

 private:
  // Logical job state in one word, so that claiming a chunk also proves that
  // the job it belongs to is still the current one.
  static uint64_t pack(uint32_t epoch, uint32_t next, uint32_t n) {
    return uint64_t(epoch) << 32 | uint64_t(next) << 16 | n;
  }

  void publish(int n, int base, ChunkFn fn, void* ctx) {
    fn_ = fn;
    ctx_ = ctx;
    base_ = base;
    done_.store(0, std::memory_order_relaxed);
    epoch_++;
    state_.store(pack(epoch_, 0, n));
    wake_.fetch_add(1);
    if (sleepers_.load() > 0) wake_.notify_all();
    work();
    int d = done_.load(std::memory_order_acquire);
    if (d == n) return;
    auto until = std::chrono::steady_clock::now() + kCallerSpin;
    for (int spins = 0; (d = done_.load(std::memory_order_acquire)) != n; spins++) {
      pause_cpu();
      if ((spins & 63) == 63 && std::chrono::steady_clock::now() > until) {
        waiting_.store(true);
        while ((d = done_.load()) != n) done_.wait(d);
        waiting_.store(false);
        return;
      }
    }
  }

  // Claims and runs chunks of the current job until none is left.
  bool work() {
    bool any = false;
    uint64_t s = state_.load(std::memory_order_acquire);
    for (;;) {
      uint32_t next = uint32_t(s >> 16) & 0xffff, n = uint32_t(s) & 0xffff;
      if (next >= n) return any;
      if (!state_.compare_exchange_weak(s, s + 0x10000, std::memory_order_acq_rel,
                                        std::memory_order_acquire))
        continue;
      fn_(ctx_, base_ + int(next));
      any = true;
      // After this increment the job may end and its fields be reused.
      uint32_t d = uint32_t(done_.fetch_add(1)) + 1;
      if (d == n && waiting_.load()) done_.notify_all();
      s = state_.load(std::memory_order_acquire);
    }
  }

  void worker() {
    for (;;) {
      uint32_t seen = wake_.load();
      if (quit_.load()) return;
      if (work()) continue;
      auto until = std::chrono::steady_clock::now() + kWorkerSpin;
      bool woke = false;
      for (int spins = 0; !woke; spins++) {
        if (wake_.load(std::memory_order_acquire) != seen) woke = true;
        pause_cpu();
        if ((spins & 31) == 31 && std::chrono::steady_clock::now() > until) break;
      }
      if (woke) continue;
      sleepers_.fetch_add(1);
      if (wake_.load() == seen) wake_.wait(seen);
      sleepers_.fetch_sub(1);
    }
  }

  bool start() {
    if (!workers_.empty()) return true;
    quit_.store(false);
    try {
      for (int i = 1; i < threads_; i++) workers_.emplace_back([this] { worker(); });
    } catch (...) {
      // No more threads to be had: what did start still helps.
    }
    return !workers_.empty();
  }

  void stop() {
    quit_.store(true);
    wake_.fetch_add(1);
    wake_.notify_all();
    for (auto& t : workers_) t.join();
    workers_.clear();
  }

  int want() {
    if (threads_ == 0) threads_ = default_threads();
    return threads_;
  }

  // Physical cores this process may run on: a second hardware thread of a core
  // shares its vector units and only adds waiting.
  static int default_threads() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
      std::set<std::string> cores;
      int cpus = 0;
      for (int c = 0; c < CPU_SETSIZE; c++) {
        if (!CPU_ISSET(c, &set)) continue;
        cpus++;
        std::ifstream f("/sys/devices/system/cpu/cpu" + std::to_string(c) +
                        "/topology/thread_siblings_list");
        std::string siblings;
        if (std::getline(f, siblings)) cores.insert(siblings);
        else cores.insert("cpu" + std::to_string(c));
      }
      if (cpus > 0) return int(cores.size());
    }
#endif
    unsigned n = std::thread::hardware_concurrency();
    return n ? int(n) : 1;
  }

  std::mutex call_;
  std::vector<std::thread> workers_;
  int threads_ = 0;
  uint32_t epoch_ = 0;
  ChunkFn fn_ = nullptr;
  void* ctx_ = nullptr;
  int base_ = 0;
  alignas(64) std::atomic<uint64_t> state_{0};
  alignas(64) std::atomic<int> done_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> waiting_{false};
  std::atomic<bool> quit_{false};
};

// Never destroyed: a kernel may still run while the process exits.
Pool& pool() {
  static Pool* p = new Pool;
  return *p;
}

}  // namespace

void pool_run(int chunks, ChunkFn fn, void* ctx) {
  if (chunks > 0) pool().run(chunks, fn, ctx);
}
void pool_set_threads(int n) { pool().set_threads(n); }
int pool_threads() { return pool().threads(); }

}  // namespace qk
