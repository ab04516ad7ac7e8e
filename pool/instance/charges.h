// Charges: what this pool has charged to the budget, per tenant.
//
// Threads  One thread: the worker's.  `total_bytes`: any.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "engine/support/check.h"
#include "pool/memory/counter.h"
#include "pool/memory/ids.h"
#include "pool/memory/memory_budget.h"

namespace tidepool::pool {

class Charges {
 public:
  // Must outlive this.
  explicit Charges(MemoryBudget& budget) : budget_(budget) {}

  bool TryCharge(TenantId tenant, uint64_t bytes) {
    if (bytes == 0) return true;
    if (!budget_.TryCharge(tenant, bytes)) return false;
    by_tenant_[tenant] += bytes;
    total_bytes_.Add(bytes);
    return true;
  }

  void Release(TenantId tenant, uint64_t bytes) {
    if (bytes == 0) return;
    const auto found = by_tenant_.find(tenant);
    TP_CHECK(found != by_tenant_.end() && found->second >= bytes);
    found->second -= bytes;
    if (found->second == 0) by_tenant_.erase(found);
    total_bytes_.Subtract(bytes);
    budget_.Release(tenant, bytes);
  }

  uint64_t BytesOf(TenantId tenant) const {
    const auto found = by_tenant_.find(tenant);
    return found == by_tenant_.end() ? 0 : found->second;
  }
  uint64_t total_bytes() const { return total_bytes_.Get(); }

 private:
  MemoryBudget& budget_;
  absl::flat_hash_map<TenantId, uint64_t> by_tenant_;
  Counter total_bytes_;
};

}  // namespace tidepool::pool
