#include "pool/memory/slot.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::pool {

Slot::Slot(const SlotContext& context, SlotIndex index, uint8_t* base, uint64_t reservation_bytes)
    : context_(context), index_(index) {
  memory_.base = base;
  memory_.reservation_bytes = reservation_bytes;
}

void Slot::Move(SlotState to) {
  context_.ledger.Move(state_, to);
  state_ = to;
}

absl::Status Slot::MoveToQuarantine(absl::Status cause) {
  Move(SlotState::kQuarantined);
  return cause;
}

absl::Status Slot::Prepare(std::shared_ptr<const MemoryImage> image, uint64_t bytes_max) {
  TP_CHECK(state_ == SlotState::kUnmapped);
  TP_CHECK(image->mapped_bytes() <= memory_.reservation_bytes);
  memory_.image = std::move(image);
  memory_.bytes_max =
      std::clamp(RoundDown(bytes_max, kHostPageBytes), memory_.image->mapped_bytes(),
                 memory_.reservation_bytes);
  absl::Status status = MapImage(context_.ops, context_.growth, memory_);
  if (!status.ok()) return MoveToQuarantine(std::move(status));
  Move(SlotState::kClean);
  return absl::OkStatus();
}

void Slot::Lend() {
  TP_CHECK(state_ == SlotState::kClean);
  Move(SlotState::kLeased);
}

absl::Status Slot::Grow(uint64_t new_bytes) {
  TP_CHECK(state_ == SlotState::kLeased);
  TP_CHECK(IsAligned(new_bytes, kHostPageBytes) && new_bytes > memory_.accessible_bytes);
  if (new_bytes > memory_.bytes_max) {
    return absl::ResourceExhaustedError(absl::StrCat("a memory of ", new_bytes,
                                                     " bytes does not fit its slot, which gives ",
                                                     memory_.bytes_max));
  }
  TP_RETURN_IF_ERROR(context_.growth.Grow(context_.ops, memory_, new_bytes));
  memory_.accessible_bytes = new_bytes;
  return absl::OkStatus();
}

absl::Status Slot::BeginReset() {
  TP_CHECK(state_ == SlotState::kLeased);
  Move(SlotState::kResetting);
  return context_.reset.Reset(context_.ops, context_.growth, memory_);
}

void Slot::EndReset(bool clean) {
  TP_CHECK(state_ == SlotState::kResetting);
  Move(clean ? SlotState::kClean : SlotState::kQuarantined);
}

absl::Status Slot::Decommit() {
  TP_CHECK(state_ == SlotState::kClean);
  absl::Status status = UnmapAll(context_.ops, memory_);
  if (!status.ok()) return MoveToQuarantine(std::move(status));
  memory_.image.reset();
  Move(SlotState::kUnmapped);
  return absl::OkStatus();
}

void Slot::Condemn() {
  TP_CHECK(state_ == SlotState::kClean || state_ == SlotState::kLeased);
  Move(SlotState::kQuarantined);
}

absl::Status Slot::Remap() {
  TP_CHECK(state_ == SlotState::kQuarantined);
  // UnmapAll replaces the mappings first, so that no mapping of the file is left when it is closed:
  // its pages go with it, even when they could not be truncated.
  UniqueFd file = std::move(memory_.growth_file);
  TP_RETURN_IF_ERROR(UnmapAll(context_.ops, memory_));
  memory_.image.reset();
  Move(SlotState::kUnmapped);
  return absl::OkStatus();
}

MemoryClaim Slot::ClaimOf() const {
  TP_CHECK(state_ == SlotState::kClean || state_ == SlotState::kResetting);
  return MemoryClaim{.base = memory_.base,
                     .reservation_bytes = memory_.reservation_bytes,
                     .open_bytes = context_.growth.OpenBytes(memory_),
                     .image = memory_.image.get()};
}

}  // namespace tidepool::pool
