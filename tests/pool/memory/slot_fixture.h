// A few slots over one slab, with a kernel that fails on order, for every strategy.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/support/check.h"
#include "engine/support/units.h"
#include "gtest/gtest.h"
#include "pool/memory/slot_pool.h"
#include "tests/pool/support/failing_memory_ops.h"

namespace tidepool::pool {

struct Strategy {
  GrowthKind growth;
  ResetKind reset;
};

inline std::string NameOfStrategy(const ::testing::TestParamInfo<Strategy>& info) {
  return std::string(NameOf(info.param.growth)) + "_" + std::string(NameOf(info.param.reset));
}

inline constexpr Strategy kAllStrategies[] = {
    {GrowthKind::kFtruncate, ResetKind::kMadvise}, {GrowthKind::kFtruncate, ResetKind::kRemap},
    {GrowthKind::kMprotect, ResetKind::kMadvise},  {GrowthKind::kMprotect, ResetKind::kRemap},
    {GrowthKind::kNone, ResetKind::kMadvise},      {GrowthKind::kNone, ResetKind::kRemap},
};

// Slots of 2 MiB.
class SlotWorld {
 public:
  explicit SlotWorld(Strategy strategy, uint64_t slot_count = 2,
                     const KernelFeatures& features = ProbeKernelFeatures())
      : context_{ops_, GrowthStrategyOf(strategy.growth), ResetStrategyOf(strategy.reset), ledger_} {
    auto layout = SlabLayout::Plan({.slot_count = slot_count, .slot_bytes = kSlotBytes});
    TP_CHECK(layout.ok());
    auto pool = SlotPool::Create(context_, *layout);
    TP_CHECK(pool.ok());
    pool_ = *std::move(pool);
    auto map = ProcessMap::Open(features);
    TP_CHECK(map.ok());
    map_ = std::make_unique<ProcessMap>(*std::move(map));
  }

  static constexpr uint64_t kSlotBytes = 2 * kMiB;

  FailingMemoryOps& ops() { return ops_; }
  SlotPool& pool() { return *pool_; }
  const ProcessMap& map() const { return *map_; }
  LedgerCounts counts() const { return ledger_.Read(); }
  absl::Status Verify(const Slot& slot) const { return VerifyMemory(*map_, slot.ClaimOf()); }

  // `initial` bytes; every byte of each (offset, length) extent holds `fill`.
  struct Extent {
    uint64_t offset_bytes;
    uint64_t bytes;
    uint8_t fill;
  };
  std::shared_ptr<const MemoryImage> Image(uint64_t initial_bytes,
                                           const std::vector<Extent>& extents) {
    std::vector<std::vector<uint8_t>> contents;
    std::vector<ImageExtent> image_extents;
    for (const Extent& extent : extents) contents.emplace_back(extent.bytes, extent.fill);
    for (size_t i = 0; i < extents.size(); ++i) {
      image_extents.push_back({extents[i].offset_bytes, contents[i]});
    }
    auto image = MemoryImage::Create(ops_, initial_bytes, image_extents);
    TP_CHECK(image.ok());
    return *std::move(image);
  }

  // What a guest that ignores everybody does: writes to every accessible byte.
  static void Fill(const Slot& slot, uint8_t value) {
    std::memset(slot.base(), value, slot.accessible_bytes());
  }

  // Resets and proves; the slot is kClean or kQuarantined afterwards.
  absl::Status Reset(Slot& slot) {
    absl::Status status = slot.BeginReset();
    if (status.ok()) status = Verify(slot);
    slot.EndReset(status.ok());
    return status;
  }

 private:
  FailingMemoryOps ops_;
  Ledger ledger_;
  SlotContext context_;
  std::unique_ptr<SlotPool> pool_;
  std::unique_ptr<ProcessMap> map_;
};

// Every byte is what the image says, seen by reading, not by asking the kernel.
inline ::testing::AssertionResult HoldsOnly(const Slot& slot) {
  uint64_t at = 0;
  const auto zeros_to = [&](uint64_t end) {
    while (at < end && slot.base()[at] == 0) ++at;
    return at >= end;
  };
  for (const ImageExtent& extent : slot.image()->extents()) {
    if (!zeros_to(extent.offset_bytes)) break;
    for (uint8_t expected : extent.bytes) {
      if (slot.base()[at] != expected) {
        return ::testing::AssertionFailure() << "image byte " << at << " is " << +slot.base()[at];
      }
      ++at;
    }
  }
  if (zeros_to(slot.image()->initial_bytes())) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "byte " << at << " is " << +slot.base()[at];
}

}  // namespace tidepool::pool
