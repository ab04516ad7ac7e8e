#include "pool/memory/ledger.h"

#include "engine/support/check.h"

namespace tidepool::pool {

void Ledger::Open(uint64_t count) {
  sequence_.fetch_add(1, std::memory_order_acq_rel);
  auto& free = counts_[static_cast<uint32_t>(SlotState::kUnmapped)];
  free.store(free.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  total_.store(total_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  sequence_.fetch_add(1, std::memory_order_release);
}

void Ledger::Move(SlotState from, SlotState to) {
  auto& source = counts_[static_cast<uint32_t>(from)];
  auto& target = counts_[static_cast<uint32_t>(to)];
  TP_DCHECK(source.load(std::memory_order_relaxed) > 0);
  // Stores are not reordered with stores on x86-64; release says so to the compiler (and to other
  // architectures): the reader sees an odd or a new number whenever it sees a new count.
  const uint64_t sequence = sequence_.load(std::memory_order_relaxed);
  sequence_.store(sequence + 1, std::memory_order_relaxed);
  source.store(source.load(std::memory_order_relaxed) - 1, std::memory_order_release);
  target.store(target.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  sequence_.store(sequence + 2, std::memory_order_release);
}

LedgerCounts Ledger::Read() const {
  for (;;) {
    const uint64_t before = sequence_.load(std::memory_order_acquire);
    if ((before & 1) != 0) continue;
    LedgerCounts counts;
    const auto get = [&](SlotState state) {
      return counts_[static_cast<uint32_t>(state)].load(std::memory_order_acquire);
    };
    counts.total = total_.load(std::memory_order_acquire);
    counts.free = get(SlotState::kUnmapped);
    counts.warm = get(SlotState::kClean);
    counts.leased = get(SlotState::kLeased);
    counts.resetting = get(SlotState::kResetting);
    counts.quarantined = get(SlotState::kQuarantined);
    if (sequence_.load(std::memory_order_relaxed) == before) return counts;
  }
}

Ledger& LedgerBook::Add() {
  MutexLock lock(&mutex_);
  ledgers_.push_back(std::make_unique<Ledger>());
  return *ledgers_.back();
}

LedgerCounts LedgerBook::Sum() const {
  MutexLock lock(&mutex_);
  LedgerCounts sum;
  for (const std::unique_ptr<Ledger>& ledger : ledgers_) {
    const LedgerCounts counts = ledger->Read();
    sum.total += counts.total;
    sum.free += counts.free;
    sum.warm += counts.warm;
    sum.leased += counts.leased;
    sum.resetting += counts.resetting;
    sum.quarantined += counts.quarantined;
  }
  return sum;
}

}  // namespace tidepool::pool
