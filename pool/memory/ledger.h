// Ledger: how many slots are in which state, at every moment, adding up to the total.
//
//   free + warm + leased + resetting + quarantined = total
//
// One per worker.  The book sums those of all workers, and its drift (total minus the sum of the
// states) must be 0 whenever anyone looks: a slot that is counted twice, or not at all, was lost or
// lent twice.
//
// Threads  Move: the worker's thread.  Read: any; it sees all counts of one moment (a sequence lock,
//          one writer, no locked instruction on the writer's side).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "engine/support/mutex.h"

namespace tidepool::pool {

enum class SlotState : uint8_t { kUnmapped, kClean, kLeased, kResetting, kQuarantined };
inline constexpr uint32_t kSlotStateCount = 5;

struct LedgerCounts {
  uint64_t total = 0;
  uint64_t free = 0;         // SlotState::kUnmapped
  uint64_t warm = 0;         // kClean
  uint64_t leased = 0;       // kLeased
  uint64_t resetting = 0;    // kResetting
  uint64_t quarantined = 0;  // kQuarantined

  // 0, or something was lost or counted twice.
  int64_t Drift() const {
    return static_cast<int64_t>(total) -
           static_cast<int64_t>(free + warm + leased + resetting + quarantined);
  }
};

class Ledger {
 public:
  // `count` slots enter the books, all kUnmapped.
  void Open(uint64_t count);
  void Move(SlotState from, SlotState to);
  LedgerCounts Read() const;

 private:
  std::atomic<uint64_t> sequence_{0};  // Odd while a writer is at work.
  std::atomic<uint64_t> total_{0};
  std::array<std::atomic<uint64_t>, kSlotStateCount> counts_{};
};

// The ledgers of all workers.  Thread-safe.
class LedgerBook {
 public:
  // Lives as long as the book.
  Ledger& Add();
  LedgerCounts Sum() const;

 private:
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Ledger>> ledgers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tidepool::pool
