#include "pool/memory/reset.h"

#include "engine/support/check.h"
#include "engine/support/status_macros.h"

namespace tidepool::pool {
namespace {

class MadviseReset final : public ResetStrategy {
 public:
  ResetKind kind() const override { return ResetKind::kMadvise; }

  absl::Status Reset(MemoryOps& ops, const GrowthStrategy& growth,
                     SlotMemory& memory) const override {
    if (memory.initial_bytes() != 0) {
      TP_RETURN_IF_ERROR(ops.Discard(memory.base, memory.initial_bytes()));
    }
    if (memory.grown_bytes() != 0) {
      TP_RETURN_IF_ERROR(growth.TakeBack(ops, memory));
      memory.accessible_bytes = memory.initial_bytes();
    }
    return absl::OkStatus();
  }
};

class RemapReset final : public ResetStrategy {
 public:
  ResetKind kind() const override { return ResetKind::kRemap; }

  absl::Status Reset(MemoryOps& ops, const GrowthStrategy& growth,
                     SlotMemory& memory) const override {
    TP_RETURN_IF_ERROR(UnmapAll(ops, memory));
    return MapImage(ops, growth, memory);
  }
};

}  // namespace

const ResetStrategy& ResetStrategyOf(ResetKind kind) {
  static const MadviseReset madvise;
  static const RemapReset remap;
  TP_CHECK(kind == ResetKind::kMadvise || kind == ResetKind::kRemap);
  if (kind == ResetKind::kRemap) return remap;
  return madvise;
}

absl::Status MapImage(MemoryOps& ops, const GrowthStrategy& growth, SlotMemory& memory) {
  const MemoryImage& image = *memory.image;
  if (image.has_file()) {
    TP_RETURN_IF_ERROR(ops.MapFile(memory.base, image.mapped_bytes(), Access::kReadWrite,
                                   Sharing::kPrivate, image.fd()));
  } else if (image.mapped_bytes() != 0) {
    TP_RETURN_IF_ERROR(ops.MapAnonymous(memory.base, image.mapped_bytes(), Access::kReadWrite));
  }
  memory.accessible_bytes = image.mapped_bytes();
  TP_RETURN_IF_ERROR(growth.Prepare(ops, memory));
  return AdvisePooled(ops, memory.base, memory.reservation_bytes);
}

absl::Status UnmapAll(MemoryOps& ops, SlotMemory& memory) {
  TP_RETURN_IF_ERROR(ops.MapAnonymous(memory.base, memory.reservation_bytes, Access::kNone));
  memory.growth_mapped = false;
  memory.accessible_bytes = 0;
  // No mapping of the file is left: closing it would drop its pages too, but not its neighbours'
  // next opening of one.
  if (memory.growth_file.valid()) {
    TP_RETURN_IF_ERROR(ops.Truncate(memory.growth_file.get(), 0));
  }
  // Unmapped slots lie side by side as one mapping if they are advised alike.
  return AdvisePooled(ops, memory.base, memory.reservation_bytes);
}

}  // namespace tidepool::pool
