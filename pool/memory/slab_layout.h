// SlabLayout: where slots lie in a slab.  Pure arithmetic; every case can be tested without
// reserving a byte.
//
//   0                 stride_bytes       2 × stride_bytes            slot_count × stride_bytes
//   │◄──── slot 0 ───►│◄──── slot 1 ────►│  …                        │
//
// Units    Bytes.  stride_bytes is slot_bytes rounded up to 2 MiB: slots share no page table.
// Threads  Immutable.
// Errors   InvalidArgument; names the setting, its value and the limit.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "pool/memory/ids.h"

namespace tidepool::pool {

struct SlabOptions {
  uint64_t slot_count = 0;  // pool.slots
  uint64_t slot_bytes = 0;  // pool.slot_bytes: the largest memory and its guard
};

// A slot is named by 32 bits; far beyond any address space.
inline constexpr uint64_t kSlotCountMax = 1'000'000;

class SlabLayout {
 public:
  static absl::StatusOr<SlabLayout> Plan(const SlabOptions& options);

  uint64_t slot_count() const { return slot_count_; }
  uint64_t stride_bytes() const { return stride_bytes_; }
  uint64_t bytes() const { return slot_count_ * stride_bytes_; }
  uint64_t OffsetOf(SlotIndex slot) const { return static_cast<uint64_t>(slot) * stride_bytes_; }
  // Nothing when `offset_bytes` lies outside the slab.
  std::optional<SlotIndex> SlotAt(uint64_t offset_bytes) const;

 private:
  SlabLayout(uint64_t slot_count, uint64_t stride_bytes)
      : slot_count_(slot_count), stride_bytes_(stride_bytes) {}
  uint64_t slot_count_;
  uint64_t stride_bytes_;
};

}  // namespace tidepool::pool
