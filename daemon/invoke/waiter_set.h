// WaiterSet: which workers wait for something that a worker elsewhere may give back.
//
// A worker that was refused marks itself and asks once more, so that what is given back between the
// two is not missed; whoever gives back wakes the marked ones.  Nobody marked: one load.
//
// Threads  Thread-safe, lock-free.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace tidepool::daemon {

inline constexpr uint32_t kWorkersMax = 256;

class WaiterSet {
 public:
  void Mark(uint32_t worker) {
    words_[worker / 64].fetch_or(uint64_t{1} << (worker % 64), std::memory_order_seq_cst);
  }
  // Takes all marks away and calls `wake(worker)` for each.
  template <typename Wake>
  void WakeAll(Wake wake) {
    for (uint32_t i = 0; i < words_.size(); ++i) {
      if (words_[i].load(std::memory_order_seq_cst) == 0) continue;
      uint64_t marked = words_[i].exchange(0, std::memory_order_seq_cst);
      for (; marked != 0; marked &= marked - 1) {
        wake(i * 64 + static_cast<uint32_t>(std::countr_zero(marked)));
      }
    }
  }

 private:
  std::array<std::atomic<uint64_t>, kWorkersMax / 64> words_{};
};

}  // namespace tidepool::daemon
