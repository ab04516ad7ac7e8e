// MemoryBudget: who pays for memory that the pool promises.
//
// Bytes are charged when promised, not when touched: accessible bytes of leased and warm slots,
// state areas, images, stacks.  The daemon implements the host's budget; UnlimitedBudget is the
// default.
//
// Threads  Called from the worker's thread; one implementation may serve many workers and must then
//          be thread-safe.
#pragma once

#include <cstdint>

#include "pool/memory/ids.h"

namespace tidepool::pool {

class MemoryBudget {
 public:
  virtual ~MemoryBudget() = default;
  // False: nothing was charged.  The pool then gives back idle warm storage and asks once more.
  virtual bool TryCharge(TenantId tenant, uint64_t bytes) = 0;
  // Gives back what TryCharge granted.
  virtual void Release(TenantId tenant, uint64_t bytes) = 0;
};

class UnlimitedBudget final : public MemoryBudget {
 public:
  bool TryCharge(TenantId, uint64_t) override { return true; }
  void Release(TenantId, uint64_t) override {}
};

}  // namespace tidepool::pool
