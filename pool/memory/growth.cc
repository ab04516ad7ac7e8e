#include "pool/memory/growth.h"

#include "engine/support/check.h"
#include "engine/support/status_macros.h"

namespace tidepool::pool {
namespace {

constexpr char kGrowthName[] = "tidepool-growth";

// The slot's own file, shared: MAP_PRIVATE over file holes would cost each page twice.  One file
// per slot, because a shrink reaches every mapping of the file; page multiples only, because old
// data survives inside a partial page.
class FtruncateGrowth final : public GrowthStrategy {
 public:
  GrowthKind kind() const override { return GrowthKind::kFtruncate; }

  absl::Status Prepare(MemoryOps&, SlotMemory&) const override { return absl::OkStatus(); }

  absl::Status Grow(MemoryOps& ops, SlotMemory& memory, uint64_t new_bytes) const override {
    if (!memory.growth_mapped) TP_RETURN_IF_ERROR(Map(ops, memory));
    return ops.Truncate(memory.growth_file.get(), new_bytes - memory.initial_bytes());
  }

  absl::Status TakeBack(MemoryOps& ops, SlotMemory& memory) const override {
    return ops.Truncate(memory.growth_file.get(), 0);
  }

 private:
  // Most modules never grow: neither a descriptor nor a mapping is spent on them.
  static absl::Status Map(MemoryOps& ops, SlotMemory& memory) {
    if (!memory.growth_file.valid()) {
      TP_ASSIGN_OR_RETURN(memory.growth_file, ops.CreateFile(kGrowthName));
    }
    uint8_t* const at = memory.base + memory.initial_bytes();
    const uint64_t bytes = memory.bytes_max - memory.initial_bytes();
    // The file is empty: where this maps, and if a step fails, every access still faults.
    TP_RETURN_IF_ERROR(
        ops.MapFile(at, bytes, Access::kReadWrite, Sharing::kShared, memory.growth_file.get()));
    TP_RETURN_IF_ERROR(AdvisePooled(ops, at, bytes));
    memory.growth_mapped = true;
    return absl::OkStatus();
  }
};

class MprotectGrowth final : public GrowthStrategy {
 public:
  GrowthKind kind() const override { return GrowthKind::kMprotect; }

  absl::Status Prepare(MemoryOps&, SlotMemory&) const override { return absl::OkStatus(); }

  absl::Status Grow(MemoryOps& ops, SlotMemory& memory, uint64_t new_bytes) const override {
    return ops.Protect(memory.base + memory.accessible_bytes, new_bytes - memory.accessible_bytes,
                       Access::kReadWrite);
  }

  // Both: withdrawing access is not zeroing, and zeroing is not withdrawing access.
  absl::Status TakeBack(MemoryOps& ops, SlotMemory& memory) const override {
    uint8_t* const at = memory.base + memory.initial_bytes();
    TP_RETURN_IF_ERROR(ops.Discard(at, memory.grown_bytes()));
    return ops.Protect(at, memory.grown_bytes(), Access::kNone);
  }
};

// For modules that check their own bounds: all of bytes_max is open, and stays so.
class OpenGrowth final : public GrowthStrategy {
 public:
  GrowthKind kind() const override { return GrowthKind::kNone; }

  absl::Status Prepare(MemoryOps& ops, SlotMemory& memory) const override {
    if (memory.bytes_max == memory.initial_bytes()) return absl::OkStatus();
    return ops.MapAnonymous(memory.base + memory.initial_bytes(),
                            memory.bytes_max - memory.initial_bytes(), Access::kReadWrite);
  }

  absl::Status Grow(MemoryOps&, SlotMemory&, uint64_t) const override { return absl::OkStatus(); }

  absl::Status TakeBack(MemoryOps& ops, SlotMemory& memory) const override {
    return ops.Discard(memory.base + memory.initial_bytes(), memory.grown_bytes());
  }

  uint64_t OpenBytes(const SlotMemory& memory) const override { return memory.bytes_max; }
};

}  // namespace

const GrowthStrategy& GrowthStrategyOf(GrowthKind kind) {
  static const FtruncateGrowth ftruncate;
  static const MprotectGrowth mprotect;
  static const OpenGrowth open;
  switch (kind) {
    case GrowthKind::kFtruncate: return ftruncate;
    case GrowthKind::kMprotect: return mprotect;
    case GrowthKind::kNone: return open;
  }
  TP_CHECK(false);
  return open;
}

}  // namespace tidepool::pool
