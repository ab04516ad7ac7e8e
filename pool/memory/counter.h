// Counter: a number that one thread counts and any thread may read.
//
// Threads  Add: one thread, the owner.  Get: any.  A load and a store, no locked instruction.
#pragma once

#include <atomic>
#include <cstdint>

namespace tidepool::pool {

class Counter {
 public:
  void Add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Subtract(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace tidepool::pool
