// TrapTable: where guest code may fault on a guard page, and which trap that is.
//
// Shape    u32 range_count, u32 reserved
//          Range[range_count]   sorted, apart: any access in there may fault ("whole functions")
//          BlockTable           text offset of an instruction → TrapCode
//          An instruction's own entry comes before the range that holds it.
// Life     Refers to bytes of an artifact, which must outlive it.
// Threads  Immutable.  Signal-safe.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "engine/abi/trap_code.h"
#include "engine/artifact/block_table.h"

namespace tidepool::engine {

class TrapTable {
 public:
  struct Range {
    uint32_t begin;  // Text offsets.
    uint32_t end;
    uint32_t code;
  };

  TrapTable() = default;
  // Nonsense becomes an empty table: a fault is then a crash, never a wrong trap.
  explicit TrapTable(absl::Span<const uint8_t> bytes);

  // The trap that a fault of the instruction at `text_offset` is; kNone if it must not fault.
  TrapCode Find(uint32_t text_offset) const;

 private:
  const uint8_t* ranges_ = nullptr;
  uint32_t range_count_ = 0;
  BlockTable sites_;
};

}  // namespace tidepool::engine
