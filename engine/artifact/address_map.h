// AddressMap: from an instruction of machine code back to the wasm instruction it came from.
//
// Shape    One BlockTable, text offset → byte offset in the module; an entry holds until the next.
//          Empty when the module was compiled with address_map=off.
// Life     Refers to bytes of an artifact, which must outlive it; touched only when asked.
// Threads  Immutable.  Signal-safe.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "engine/artifact/block_table.h"

namespace tidepool::engine {

class AddressMap {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  AddressMap() = default;
  explicit AddressMap(absl::Span<const uint8_t> bytes) : table_(bytes) {}

  bool empty() const { return table_.entry_count() == 0; }
  // Byte offset in the module of the wasm instruction whose code holds `text_offset`, or kUnknown.
  // For a return address ask for the byte before it: that one belongs to the call.
  uint32_t Find(uint32_t text_offset) const {
    BlockTableEntry entry;
    return table_.FindAtOrBefore(text_offset, &entry) ? entry.value : kUnknown;
  }

 private:
  BlockTable table_;
};

}  // namespace tidepool::engine
