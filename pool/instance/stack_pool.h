// StackPool: stacks for fibers that run guests.
//
//   bottom = base + guard_bytes                                    top
//   │◄ PROT_NONE ►│◄──────────── read/write, grows down ────────────►│
//   │ guard_bytes │            stack_bytes                           │
//
// The guest's own limit (Activation::stack_limit) ends a guest's recursion long before the guard; the
// guard is for host code.  A guest cannot read its stack: no instruction addresses it.  The policy on
// contents is therefore short: a stack goes to another tenant only after a decommit.
//
// Life     Take → StackLease → back, last in first out, preferring the same tenant.  A stack whose
//          decommit failed is in quarantine until it could be mapped anew.
// Threads  One thread: the worker's.  `stats`: any.
// Errors   Take: Unavailable when all are lent or the budget has no room.  Create: what mmap says.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "pool/memory/ids.h"
#include "pool/memory/memory_budget.h"
#include "pool/memory/memory_ops.h"

namespace tidepool::pool {

struct StackPoolOptions {
  uint64_t stack_count = 64;
  uint64_t stack_bytes = uint64_t{8} << 20;  // Usable; touched on demand.
  uint64_t guard_bytes = uint64_t{64} << 10;
  MemoryOps* ops = nullptr;        // Null: the kernel's own.
  MemoryBudget* budget = nullptr;  // Null: no limit.
};

struct StackStats {
  uint64_t total = 0;
  uint64_t leased = 0;
  uint64_t idle = 0;         // With a tenant's frames still in them.
  uint64_t empty = 0;        // Decommitted.
  uint64_t quarantined = 0;
  uint64_t decommits = 0;
  uint64_t decommits_failed = 0;
};

class StackPool;

class [[nodiscard]] StackLease {
 public:
  StackLease(StackLease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), index_(other.index_) {}
  StackLease& operator=(StackLease&&) = delete;
  ~StackLease();

  uint8_t* bottom() const;  // Lowest usable address.
  uint8_t* top() const;     // One past the highest.
  uint64_t bytes() const { return static_cast<uint64_t>(top() - bottom()); }

 private:
  friend class StackPool;
  StackLease(StackPool* pool, uint32_t index) : pool_(pool), index_(index) {}
  StackPool* pool_;  // Null once moved from.
  uint32_t index_;
};

class StackPool {
 public:
  static absl::StatusOr<std::unique_ptr<StackPool>> Create(const StackPoolOptions& options);
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // `promised_bytes` (at most stack_bytes) are charged to the tenant until the stack is decommitted:
  // the function's own stack limit and abi::kStackReserveBytes.
  absl::StatusOr<StackLease> Take(TenantId tenant, uint64_t promised_bytes);
  // Decommits idle stacks until `bytes` of charge are back or none is left; the bytes given back.
  uint64_t ReclaimIdle(uint64_t bytes);
  // Maps quarantined stacks anew; how many are back.
  uint64_t RepairQuarantined();
  StackStats stats() const;

 private:
  friend class StackLease;
  struct Impl;
  explicit StackPool(std::unique_ptr<Impl> impl);
  void GiveBack(uint32_t index);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidepool::pool
