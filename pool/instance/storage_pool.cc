#include "pool/instance/storage_pool.h"

#include <algorithm>
#include <cmath>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "engine/abi/guard_reach.h"
#include "engine/runtime/module.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"
#include "pool/instance/storage.h"

namespace tidepool::pool {
namespace {

// Images that have storage at the same time: an estimate for the capacity plan alone.
constexpr uint64_t kImagesPlanned = 256;
constexpr uint64_t kStoresBeyondSlots = 256;

static_assert(kSlotBytesDefault == engine::kGuardReachBytes);

uint64_t StoreCountOf(const PoolOptions& options) {
  return options.store_count != 0 ? options.store_count : options.slot_count + kStoresBeyondSlots;
}

absl::Status CheckOptions(const PoolOptions& options) {
  if (!(options.verify_rate >= 0 && options.verify_rate <= 1)) {  // NaN too.
    return absl::InvalidArgumentError(
        absl::StrCat("pool.verify_rate=", options.verify_rate, " must be from 0 to 1"));
  }
  TP_RETURN_IF_ERROR(CheckStrategies(options.growth, options.reset, options.features));
  return CheckCapacity(CapacityNeedsOf(options, 1), ReadSystemLimits());
}

}  // namespace

CapacityNeeds CapacityNeedsOf(const PoolOptions& options, uint64_t workers) {
  // A product beyond 64 bits is refused by the plan: saturate here.
  const auto times = [workers](uint64_t count) {
    uint64_t product = 0;
    return __builtin_mul_overflow(count, workers, &product) ? UINT64_MAX : product;
  };
  const uint64_t slot_bytes = options.slot_bytes > UINT64_MAX - 2 * kMiB
                                  ? options.slot_bytes
                                  : RoundUp(options.slot_bytes, 2 * kMiB);
  return CapacityNeeds{.slot_count = times(options.slot_count),
                       .slot_bytes = slot_bytes,
                       .store_count = times(StoreCountOf(options)),
                       .state_bytes = options.state_bytes_max,
                       .image_count = times(std::min(options.slot_count, kImagesPlanned)),
                       .memory_bytes_max = std::min(options.slot_bytes, 4 * kGiB),
                       .growth = options.growth};
}

absl::StatusOr<std::unique_ptr<StoragePool>> StoragePool::Create(const PoolOptions& options) {
  TP_ASSIGN_OR_RETURN(const SlabLayout layout, SlabLayout::Plan({.slot_count = options.slot_count,
                                                                 .slot_bytes = options.slot_bytes}));
  TP_RETURN_IF_ERROR(CheckOptions(options));
  auto pool = absl::WrapUnique(new StoragePool(options));
  TP_ASSIGN_OR_RETURN(pool->slots_, SlotPool::Create(pool->slot_context_, layout));
  TP_ASSIGN_OR_RETURN(pool->states_, StateSlab::Create(pool->ops_, StoreCountOf(options),
                                                       options.state_bytes_max));
  if (options.verify_rate > 0) TP_RETURN_IF_ERROR(pool->process_map().status());
  return pool;
}

StoragePool::StoragePool(const PoolOptions& options)
    : options_(options),
      ops_(options.ops != nullptr ? *options.ops : kernel_),
      ledger_(options.ledger != nullptr ? *options.ledger : own_ledger_),
      slot_context_{ops_, GrowthStrategyOf(options.growth), ResetStrategyOf(options.reset),
                    ledger_},
      charges_(options.budget != nullptr ? *options.budget : unlimited_),
      images_(ops_),
      random_(reinterpret_cast<uintptr_t>(this) ^ 0x9E3779B97F4A7C15) {}

StoragePool::~StoragePool() { TP_CHECK(storages_.empty()); }

absl::Status StoragePool::CheckFits(const engine::Module& module) const {
  const engine::StorageShape& shape = module.shape();
  if (shape.memories.size() > options_.slot_count) {
    return absl::ResourceExhaustedError(absl::StrCat(module.name(), " has ", shape.memories.size(),
                                                     " memories, pool.slots=",
                                                     options_.slot_count));
  }
  if (shape.state_bytes > states_->area_bytes()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(module.name(), " needs ", shape.state_bytes,
                     " bytes for tables and globals, the pool's state_bytes_max=",
                     states_->area_bytes()));
  }
  for (const engine::StorageShape::Memory& memory : shape.memories) {
    const uint64_t stride_bytes = slots_->layout().stride_bytes();
    const uint64_t needed_bytes =
        memory.guarded ? std::max(memory.initial_bytes, engine::kGuardReachBytes)
                       : memory.initial_bytes;
    if (memory.guarded && options_.growth == GrowthKind::kNone) {
      return absl::FailedPreconditionError(
          absl::StrCat(module.name(), " relies on guard pages, which pool.growth=none does not give:",
                       " compile it with bounds=explicit"));
    }
    if (needed_bytes > stride_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(module.name(), " needs a slot of ", needed_bytes,
                       " bytes for a memory that begins with ", memory.initial_bytes,
                       memory.guarded ? " and its guard" : "", ", pool.slot_bytes=",
                       options_.slot_bytes));
    }
  }
  return absl::OkStatus();
}

absl::Status StoragePool::MakeRoom(uint64_t slots) {
  bool repaired = false;
  while (slots_->free_count() < slots || states_->free_count() == 0) {
    const bool short_of_slots = slots_->free_count() < slots;
    if (!std::exchange(repaired, true)) {
      RepairQuarantined();
      continue;
    }
    if (evictor_ != nullptr && evictor_->EvictOldest(short_of_slots)) continue;
    return absl::UnavailableError(
        short_of_slots
            ? absl::StrCat("no slot is free: ", slots, " needed, pool.slots=", options_.slot_count,
                           ", ", slots_->quarantined_count(), " of them in quarantine")
            : absl::StrCat("no state area is free: ", states_->area_count(), " are in use or in ",
                           "quarantine"));
  }
  return absl::OkStatus();
}

bool StoragePool::Charge(TenantId tenant, uint64_t bytes) {
  if (charges_.TryCharge(tenant, bytes)) return true;
  return evictor_ != nullptr && evictor_->ReclaimIdle(bytes) > 0 && charges_.TryCharge(tenant, bytes);
}

uint64_t StoragePool::RepairQuarantined() {
  if (states_->quarantined_count() != 0) states_->RepairQuarantined();
  if (slots_->quarantined_count() == 0) return 0;
  const SlotPool::Repaired repaired = slots_->RepairQuarantined();
  counters_.remaps.Add(repaired.remapped);
  counters_.remaps_failed.Add(repaired.failed);
  return repaired.remapped;
}

bool StoragePool::DrawVerification() {
  if (options_.verify_rate <= 0) return false;
  if (options_.verify_rate >= 1) return true;
  // Not every nth reset: tenants that alternate would never meet it.  xorshift64.
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<double>(random_ >> 11) * 0x1p-53 < options_.verify_rate;
}

absl::StatusOr<const ProcessMap*> StoragePool::process_map() {
  if (!process_map_.has_value()) {
    TP_ASSIGN_OR_RETURN(ProcessMap map, ProcessMap::Open(options_.features));
    process_map_.emplace(std::move(map));
  }
  return &*process_map_;
}

void StoragePool::Unregister(Storage* storage) {
  const auto found = std::find(storages_.begin(), storages_.end(), storage);
  TP_CHECK(found != storages_.end());
  *found = storages_.back();
  storages_.pop_back();
}

PoolStats StoragePool::stats() const {
  PoolStats stats;
  stats.slots = ledger_.Read();
  stats.drift = stats.slots.Drift();
  stats.leases_warm = counters_.leases_warm.Get();
  stats.leases_cold = counters_.leases_cold.Get();
  stats.leases_refused = counters_.leases_refused.Get();
  stats.evictions = counters_.evictions.Get();
  stats.resets = counters_.resets.Get();
  stats.resets_failed = counters_.resets_failed.Get();
  stats.verifications = counters_.verifications.Get();
  stats.verifications_failed = counters_.verifications_failed.Get();
  stats.verify_nanoseconds = counters_.verify_nanoseconds.Get();
  stats.quarantined_by_reset = counters_.quarantined_by_reset.Get();
  stats.quarantined_by_verify = counters_.quarantined_by_verify.Get();
  stats.quarantined_by_preparing = counters_.quarantined_by_preparing.Get();
  stats.remaps = counters_.remaps.Get();
  stats.remaps_failed = counters_.remaps_failed.Get();
  stats.grows = counters_.grows.Get();
  stats.grows_refused = counters_.grows_refused.Get();
  stats.images = images_.image_count();
  stats.image_bytes = images_.image_bytes();
  stats.charged_bytes = charges_.total_bytes();
  stats.calls = ops_.Counts();
  return stats;
}

uint64_t StoragePool::Audit() const {
  LedgerCounts found;
  found.total = slots_->slot_count();
  found.free = slots_->free_count();
  found.quarantined = slots_->quarantined_count();
  for (const Storage* storage : storages_) {
    for (size_t i = 0; i < storage->slot_count(); ++i) {
      switch (storage->slot(i).state()) {
        case SlotState::kClean: ++found.warm; break;
        case SlotState::kLeased: ++found.leased; break;
        case SlotState::kResetting: ++found.resetting; break;
        case SlotState::kUnmapped: break;     // A storage holds none: shows as a difference.
        case SlotState::kQuarantined: break;
      }
    }
  }
  const LedgerCounts booked = ledger_.Read();
  const auto apart = [](uint64_t a, uint64_t b) { return a > b ? a - b : b - a; };
  return std::max({apart(found.free, booked.free), apart(found.warm, booked.warm),
                   apart(found.leased, booked.leased), apart(found.resetting, booked.resetting),
                   apart(found.quarantined, booked.quarantined), apart(found.total, booked.total),
                   static_cast<uint64_t>(std::abs(found.Drift()))});
}

}  // namespace tidepool::pool
