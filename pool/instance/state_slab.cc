#include "pool/instance/state_slab.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::pool {

absl::StatusOr<std::unique_ptr<StateSlab>> StateSlab::Create(MemoryOps& ops, uint64_t area_count,
                                                             uint64_t area_bytes) {
  uint64_t bytes = 0;
  if (area_bytes == 0 || !IsAligned(area_bytes, kHostPageBytes) ||
      __builtin_mul_overflow(area_count, area_bytes, &bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat(area_count, " state areas of state_bytes_max=", area_bytes,
                     " must be whole host pages and less than 64 bits together"));
  }
  TP_ASSIGN_OR_RETURN(uint8_t * base, ops.Reserve(bytes));
  auto slab = absl::WrapUnique(new StateSlab(ops, area_count, area_bytes, base));
  TP_RETURN_IF_ERROR(ops.MapAnonymous(base, bytes, Access::kReadWrite));
  TP_RETURN_IF_ERROR(AdvisePooled(ops, base, bytes));
  return slab;
}

StateSlab::StateSlab(MemoryOps& ops, uint64_t area_count, uint64_t area_bytes, uint8_t* base)
    : ops_(ops), area_count_(area_count), area_bytes_(area_bytes), base_(base) {
  free_.reserve(area_count);
  quarantine_.reserve(area_count);
  for (uint64_t i = area_count; i-- > 0;) free_.push_back(base + i * area_bytes);
}

StateSlab::~StateSlab() { ops_.Unmap(base_, area_count_ * area_bytes_); }

uint8_t* StateSlab::Take() {
  if (free_.empty()) return nullptr;
  uint8_t* area = free_.back();
  free_.pop_back();
  return area;
}

absl::Status StateSlab::Return(uint8_t* area, uint64_t used_bytes) {
  TP_CHECK(used_bytes <= area_bytes_);
  absl::Status status = used_bytes == 0 ? absl::OkStatus() : ops_.Discard(area, used_bytes);
  (status.ok() ? free_ : quarantine_).push_back(area);
  return status;
}

void StateSlab::Condemn(uint8_t* area) { quarantine_.push_back(area); }

uint64_t StateSlab::RepairQuarantined() {
  uint64_t repaired = 0;
  for (size_t i = quarantine_.size(); i-- > 0;) {
    uint8_t* area = quarantine_[i];
    if (!ops_.MapAnonymous(area, area_bytes_, Access::kReadWrite).ok()) continue;
    if (!AdvisePooled(ops_, area, area_bytes_).ok()) continue;
    quarantine_.erase(quarantine_.begin() + static_cast<ptrdiff_t>(i));
    free_.push_back(area);
    ++repaired;
  }
  return repaired;
}

}  // namespace tidepool::pool
