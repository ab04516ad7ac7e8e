// StateSlab: room for the state areas of instances (VmContext, records, tables), one mapping.
//
//   │◄─ state_bytes_max ─►│◄─ state_bytes_max ─►│ …   read/write, untouched until used
//
// No guards between areas: what lies here is written by the host and by checked table instructions
// alone, and one mapping keeps 20,000 stores within vm.max_map_count.
//
// Life     Take → zeros → Return, which drops all pages.  An area whose drop failed waits in
//          quarantine until it could be mapped anew.
// Threads  One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/memory/memory_ops.h"

namespace tidepool::pool {

class StateSlab {
 public:
  // `ops` must outlive the slab.
  static absl::StatusOr<std::unique_ptr<StateSlab>> Create(MemoryOps& ops, uint64_t area_count,
                                                           uint64_t area_bytes);
  ~StateSlab();
  StateSlab(const StateSlab&) = delete;
  StateSlab& operator=(const StateSlab&) = delete;

  uint64_t area_bytes() const { return area_bytes_; }
  uint64_t area_count() const { return area_count_; }
  uint64_t free_count() const { return free_.size(); }
  uint64_t quarantined_count() const { return quarantine_.size(); }

  // An area that is all zeros; null when there is none.
  uint8_t* Take();
  // Drops the first `used_bytes`, the only ones that were written to.
  absl::Status Return(uint8_t* area, uint64_t used_bytes);
  // Not to be trusted: to quarantine.
  void Condemn(uint8_t* area);
  // How many areas are free again.
  uint64_t RepairQuarantined();

 private:
  StateSlab(MemoryOps& ops, uint64_t area_count, uint64_t area_bytes, uint8_t* base);
  MemoryOps& ops_;
  const uint64_t area_count_;
  const uint64_t area_bytes_;
  uint8_t* const base_;
  std::vector<uint8_t*> free_;  // Last in, first out.
  std::vector<uint8_t*> quarantine_;
};

}  // namespace tidepool::pool
