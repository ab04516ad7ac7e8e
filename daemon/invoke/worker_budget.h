// WorkerBudget: the host's budget as one worker's pools see it.
//
// Remembers what was refused, so that a guest that fails for it can be told why; and what it holds,
// so that other workers are woken once there is really more for them.
//
// Threads  One thread: the worker's.
#pragma once

#include <cstdint>
#include <utility>

#include "daemon/invoke/host_budget.h"
#include "pool/memory/memory_budget.h"

namespace tidepool::daemon {

class WorkerBudget final : public pool::MemoryBudget {
 public:
  explicit WorkerBudget(HostBudget& host) : host_(host) {}

  bool TryCharge(pool::TenantId, uint64_t bytes) override {
    if (!host_.TryCharge(bytes)) {
      refused_bytes_ = bytes;
      return false;
    }
    // The pool asks again after it gave something back: then it was no refusal.
    if (refused_bytes_ == bytes) refused_bytes_ = 0;
    held_bytes_ += bytes;
    return true;
  }
  void Release(pool::TenantId, uint64_t bytes) override {
    host_.Release(bytes);
    held_bytes_ -= bytes;
  }

  // The last refusal that stood; 0 when none did since the last call.
  uint64_t TakeRefusedBytes() { return std::exchange(refused_bytes_, 0); }
  uint64_t refused_bytes() const { return refused_bytes_; }
  // Less is held than at the last call.
  bool TakeHasShrunk() { return std::exchange(seen_bytes_, held_bytes_) > held_bytes_; }

 private:
  HostBudget& host_;
  uint64_t refused_bytes_ = 0;
  uint64_t held_bytes_ = 0;
  uint64_t seen_bytes_ = 0;
};

}  // namespace tidepool::daemon
