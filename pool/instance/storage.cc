#include "pool/instance/storage.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/abi/guard_reach.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/state.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"
#include "pool/instance/storage_pool.h"
#include "pool/memory/verify.h"

namespace tidepool::pool {
namespace {

// A guest with guards can address 4 GiB and no more; what lies behind is the guard.
constexpr uint64_t kGuardedBytesMax = 4 * kGiB;

// The kernel's refusals are the host's trouble, now; only limits are ResourceExhausted.
absl::Status NotNow(const absl::Status& cause) {
  if (absl::IsInvalidArgument(cause)) return cause;
  return absl::UnavailableError(absl::StrCat("no storage now: ", cause.message()));
}

void KeepFirst(absl::Status& first, absl::Status next) {
  if (first.ok()) first = std::move(next);
}

}  // namespace

Storage::Storage(StoragePool& pool, TenantId tenant) : pool_(pool), tenant_(tenant) {
  pool_.Register(this);
}

Storage::~Storage() {
  TP_CHECK(empty() && slots_.empty() && charged_bytes_ == 0);
  pool_.Unregister(this);
}

uint64_t Storage::accessible_bytes() const {
  uint64_t bytes = 0;
  for (const Slot* slot : slots_) bytes += slot->accessible_bytes();
  return bytes;
}

uint64_t Storage::ResidentBytes() const {
  const absl::StatusOr<const ProcessMap*> map = pool_.process_map();
  if (!map.ok()) return 0;
  uint64_t bytes = 0;
  const auto count = [&](uint64_t begin, uint64_t end) {
    bytes += end - begin;
    return absl::OkStatus();
  };
  for (const Slot* slot : slots_) {
    const auto base = reinterpret_cast<uintptr_t>(slot->base());
    const uint64_t image_end = base + slot->image()->mapped_bytes();
    static_cast<void>((*map)->ForEachPopulated(base, image_end, /*private_only=*/true, count));
    static_cast<void>((*map)->ForEachPopulated(image_end, base + slot->accessible_bytes(),
                                               /*private_only=*/false, count));
  }
  for (const Part& part : parts_) {
    const auto state = reinterpret_cast<uintptr_t>(part.given.state);
    static_cast<void>((*map)->ForEachPopulated(state, state + part.state_bytes,
                                               /*private_only=*/true, count));
  }
  return bytes;
}

uint64_t Storage::PromisedBytes() const {
  uint64_t bytes = accessible_bytes();
  for (const Part& part : parts_) bytes += part.state_bytes;
  return bytes;
}

void Storage::ReleaseImages(uint64_t module_id) {
  const ImageCache::Dropped dropped = pool_.images().Release(module_id);
  pool_.charges().Release(dropped.payer, dropped.present_bytes);
}

absl::StatusOr<engine::InstanceStorage> Storage::Provide(const engine::Module& module) {
  TP_RETURN_IF_ERROR(pool_.CheckFits(module));
  TP_RETURN_IF_ERROR(pool_.MakeRoom(module.shape().memories.size()));
  Part part{.module = &module,
            .module_id = module.id(),
            .imports = std::exchange(expected_imports_, nullptr),
            .given = {},
            .state_bytes = module.shape().state_bytes,
            .instance = nullptr};
  const bool images_are_new = pool_.images().CostOf(module) != 0;
  absl::StatusOr<const ImageSet*> images = pool_.images().Acquire(module, tenant_);
  if (!images.ok()) return NotNow(images.status());
  if (images_are_new && !pool_.Charge(tenant_, (*images)->present_bytes)) {
    pool_.images().Release(part.module_id);
    return absl::UnavailableError(absl::StrCat("the memory budget has no room for the image of ",
                                               module.name(), ", ", (*images)->present_bytes,
                                               " bytes"));
  }
  absl::Status status = ChargeAndTake(module, part);
  if (status.ok()) status = TakeSlots(**images, part);
  if (!status.ok()) {
    ReleaseImages(part.module_id);
    return status;
  }
  parts_.push_back(std::move(part));
  return parts_.back().given;
}

absl::Status Storage::ChargeAndTake(const engine::Module& module, Part& part) {
  uint64_t bytes = part.state_bytes;
  for (const auto& memory : module.shape().memories) {
    bytes += RoundUp(memory.initial_bytes, kHostPageBytes);
  }
  if (!pool_.Charge(tenant_, bytes)) {
    return absl::UnavailableError(absl::StrCat("the memory budget has no room for ", module.name(),
                                               ", which begins with ", bytes, " bytes"));
  }
  part.given.state = pool_.states().Take();
  TP_CHECK(part.given.state != nullptr);  // MakeRoom made room.
  charged_bytes_ += bytes;
  return absl::OkStatus();
}

absl::Status Storage::TakeSlots(const ImageSet& images, Part& part) {
  const size_t first = slots_.size();
  absl::Status status;
  for (size_t i = 0; i < images.memories.size() && status.ok(); ++i) {
    const engine::StorageShape::Memory& shape = part.module->shape().memories[i];
    Slot* slot = pool_.slots().Take();
    TP_CHECK(slot != nullptr);  // MakeRoom made room.
    status = slot->Prepare(images.memories[i], shape.guarded
                                                   ? std::min(shape.bytes_max, kGuardedBytesMax)
                                                   : shape.bytes_max);
    if (!status.ok()) {
      pool_.counters().quarantined_by_preparing.Add();
      pool_.slots().Return(slot);
      break;
    }
    slot->Lend();
    part.given.memories.push_back({.base = slot->base(),
                                   .accessible_bytes = shape.initial_bytes,
                                   .reservation_bytes = slot->reservation_bytes(),
                                   .grower = this,
                                   .ordinal = slots_.size()});
    slots_.push_back(slot);
  }
  if (status.ok()) return status;
  // As before: what was prepared is unmapped again, what cannot be unmapped is in quarantine.
  while (slots_.size() > first) {
    Slot* slot = slots_.back();
    slot->Condemn();
    if (!slot->Remap().ok()) pool_.counters().quarantined_by_preparing.Add();
    pool_.slots().Return(slot);
    slots_.pop_back();
  }
  static_cast<void>(pool_.states().Return(part.given.state, 0));  // Nobody wrote to it.
  const uint64_t excess_bytes = charged_bytes_ - PromisedBytes();
  pool_.charges().Release(tenant_, excess_bytes);
  charged_bytes_ -= excess_bytes;
  return NotNow(status);
}

absl::Status Storage::Grow(uint64_t ordinal, uint64_t old_bytes, uint64_t new_bytes) {
  TP_CHECK(ordinal < slots_.size() && new_bytes > old_bytes);
  Slot& slot = *slots_[ordinal];
  const uint64_t accessible_bytes = RoundUp(new_bytes, kHostPageBytes);
  // A memory of small pages grows within a host page that is accessible already.
  if (accessible_bytes <= slot.accessible_bytes()) return absl::OkStatus();
  const uint64_t more_bytes = accessible_bytes - slot.accessible_bytes();
  if (!pool_.Charge(tenant_, more_bytes)) {
    pool_.counters().grows_refused.Add();
    return absl::ResourceExhaustedError(
        absl::StrCat("the memory budget has no room for ", more_bytes, " bytes more"));
  }
  const absl::Status status = slot.Grow(accessible_bytes);
  if (!status.ok()) {
    pool_.charges().Release(tenant_, more_bytes);
    pool_.counters().grows_refused.Add();
    return status;
  }
  charged_bytes_ += more_bytes;
  pool_.counters().grows.Add();
  return absl::OkStatus();
}

void Storage::Lend() {
  for (Slot* slot : slots_) slot->Lend();
}

absl::Status Storage::Reset(bool verify) {
  pool_.counters().resets.Add();
  for (const Part& part : parts_) engine::RestoreState(*part.module, part.given);
  absl::Status reset;
  for (Slot* slot : slots_) {
    absl::Status one = slot->BeginReset();  // All of them, so that all are kResetting.
    if (!one.ok()) KeepFirst(reset, std::move(one));
  }
  absl::Status proof;
  if (reset.ok() && verify) proof = Verify();
  const bool clean = reset.ok() && proof.ok();
  for (Slot* slot : slots_) slot->EndReset(clean);
  if (clean) {
    const uint64_t excess_bytes = charged_bytes_ - PromisedBytes();
    if (excess_bytes != 0) pool_.charges().Release(tenant_, excess_bytes);
    charged_bytes_ -= excess_bytes;
    return absl::OkStatus();
  }
  if (!reset.ok()) pool_.counters().resets_failed.Add();
  QuarantineAll(reset.ok() ? pool_.counters().quarantined_by_verify
                           : pool_.counters().quarantined_by_reset);
  return reset.ok() ? proof : reset;
}

absl::Status Storage::VerifyIdle() {
  absl::Status proof = Verify();
  if (proof.ok()) return proof;
  for (Slot* slot : slots_) slot->Condemn();
  QuarantineAll(pool_.counters().quarantined_by_verify);
  return proof;
}

absl::Status Storage::Verify() const {
  const auto begun = std::chrono::steady_clock::now();
  pool_.counters().verifications.Add();
  absl::Status status;
  for (const Part& part : parts_) {
    status = VerifyPart(part);
    if (!status.ok()) break;
  }
  if (!status.ok()) pool_.counters().verifications_failed.Add();
  const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begun;
  pool_.counters().verify_nanoseconds.Add(static_cast<uint64_t>(taken.count()));
  return status;
}

absl::Status Storage::VerifyPart(const Part& part) const {
  TP_ASSIGN_OR_RETURN(const ProcessMap* map, pool_.process_map());
  const auto named = [&](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat(part.module->name(), ": ", status.message()));
  };
  for (const engine::MemoryStorage& memory : part.given.memories) {
    const absl::Status status = VerifyMemory(*map, slots_[memory.ordinal]->ClaimOf());
    if (!status.ok()) return named(status);
  }
  if (part.imports == nullptr) return absl::OkStatus();
  const engine::Instance* instance =
      part.instance != nullptr
          ? part.instance
          : reinterpret_cast<const engine::abi::VmContext*>(part.given.state)->instance;
  if (instance == nullptr) return absl::OkStatus();  // Provided, but never instantiated.
  const absl::Status status = engine::VerifyState(*instance, *part.imports, part.given);
  return status.ok() ? status : named(status);
}

absl::Status Storage::Decommit() {
  absl::Status first;
  for (Slot* slot : slots_) {
    const absl::Status status = slot->Decommit();
    if (!status.ok()) pool_.counters().quarantined_by_preparing.Add();
    KeepFirst(first, status);
  }
  KeepFirst(first, Empty());
  return first;
}

absl::Status Storage::Abandon() {
  absl::Status first;
  for (Slot* slot : slots_) {
    slot->Condemn();
    const absl::Status status = slot->Remap();
    if (!status.ok()) pool_.counters().quarantined_by_preparing.Add();
    KeepFirst(first, status);
  }
  KeepFirst(first, Empty());
  return first;
}

absl::Status Storage::Empty() {
  absl::Status first;
  for (Slot* slot : slots_) pool_.slots().Return(slot);
  slots_.clear();
  for (const Part& part : parts_) {
    KeepFirst(first, pool_.states().Return(part.given.state, part.state_bytes));
    ReleaseImages(part.module_id);
  }
  parts_.clear();
  pool_.charges().Release(tenant_, std::exchange(charged_bytes_, 0));
  return first;
}

void Storage::QuarantineAll(Counter& cause) {
  cause.Add(slots_.size());
  for (Slot* slot : slots_) pool_.slots().Return(slot);
  slots_.clear();
  for (const Part& part : parts_) {
    pool_.states().Condemn(part.given.state);
    ReleaseImages(part.module_id);
  }
  parts_.clear();
  pool_.charges().Release(tenant_, std::exchange(charged_bytes_, 0));
}

}  // namespace tidepool::pool
