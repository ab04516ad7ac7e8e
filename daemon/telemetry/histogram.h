// Histogram of durations, written by one thread and read by others.
//
// Shape    Buckets from 10 µs to 10 s in steps of about √10, as Prometheus histograms; one more for
//          all that is longer.
// Threads  Add: one writer.  The rest: any thread; what it reads may be a sample behind.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tidepool::daemon {

// A number one thread changes and any thread reads: no locked instruction.
class SingleWriterCounter {
 public:
  void Add(uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Histogram {
 public:
  static constexpr std::array<uint64_t, 13> kBoundsNs = {
      10'000,      30'000,      100'000,       300'000,       1'000'000,     3'000'000,     10'000'000,
      30'000'000,  100'000'000, 300'000'000,   1'000'000'000, 3'000'000'000, 10'000'000'000};
  static constexpr size_t kBucketCount = kBoundsNs.size() + 1;

  void Add(uint64_t nanoseconds) {
    size_t bucket = 0;
    while (bucket < kBoundsNs.size() && nanoseconds > kBoundsNs[bucket]) ++bucket;
    buckets_[bucket].Add(1);
    sum_ns_.Add(nanoseconds);
  }
  uint64_t bucket(size_t index) const { return buckets_[index].Get(); }  // Not cumulative.
  uint64_t sum_ns() const { return sum_ns_.Get(); }

 private:
  std::array<SingleWriterCounter, kBucketCount> buckets_;
  SingleWriterCounter sum_ns_;
};

}  // namespace tidepool::daemon
