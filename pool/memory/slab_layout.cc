#include "pool/memory/slab_layout.h"

#include "absl/strings/str_cat.h"
#include "engine/support/units.h"

namespace tidepool::pool {

absl::StatusOr<SlabLayout> SlabLayout::Plan(const SlabOptions& options) {
  if (options.slot_count == 0 || options.slot_count > kSlotCountMax) {
    return absl::InvalidArgumentError(absl::StrCat("pool.slots=", options.slot_count,
                                                   " must be from 1 to ", kSlotCountMax));
  }
  if (options.slot_bytes < kWasmPageBytes || options.slot_bytes % kWasmPageBytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("pool.slot_bytes=", options.slot_bytes,
                     " must be a multiple of the 64 KiB wasm page, and at least one"));
  }
  constexpr uint64_t kAlignmentBytes = 2 * kMiB;
  uint64_t bytes = 0;
  if (options.slot_bytes > UINT64_MAX - kAlignmentBytes ||
      __builtin_mul_overflow(RoundUp(options.slot_bytes, kAlignmentBytes), options.slot_count,
                             &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("pool.slots=", options.slot_count,
                                                   " × pool.slot_bytes=", options.slot_bytes,
                                                   " exceeds 64 bits"));
  }
  return SlabLayout(options.slot_count, RoundUp(options.slot_bytes, kAlignmentBytes));
}

std::optional<SlotIndex> SlabLayout::SlotAt(uint64_t offset_bytes) const {
  if (offset_bytes >= bytes()) return std::nullopt;
  return static_cast<SlotIndex>(offset_bytes / stride_bytes_);
}

}  // namespace tidepool::pool
