// BlockTable: a sorted list of (key, value) pairs, packed small and searched where it lies.
//
// Shape    u32 entry_count
//          u32 block_count                      = ceil(entry_count / kBlockEntries)
//          Block index[block_count]             first key and value, and where the others lie
//          bytes                                entries 2 … kBlockEntries of each block, as deltas:
//                                               key u8, value i8, or 0xFF, key u32, value i32
// Life     Refers to bytes that must outlive it.
// Threads  Immutable.  Signal-safe: Find allocates nothing and never reads outside its bytes,
//          whatever they are.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace tidepool::engine {

struct BlockTableEntry {
  uint32_t key = 0;
  uint32_t value = 0;
};

class BlockTable {
 public:
  static constexpr uint32_t kBlockEntries = 64;
  static constexpr uint8_t kWideDelta = 0xFF;

  struct Block {
    uint32_t key;
    uint32_t value;
    uint32_t offset_bytes;  // Of its deltas, from the end of the index.
  };

  BlockTable() = default;
  // Nonsense becomes an empty table.
  explicit BlockTable(absl::Span<const uint8_t> bytes);

  uint32_t entry_count() const { return entry_count_; }
  // The last entry whose key is at most `key`; false if there is none.
  bool FindAtOrBefore(uint32_t key, BlockTableEntry* found) const;

 private:
  Block BlockAt(uint32_t block) const;

  const uint8_t* index_ = nullptr;
  const uint8_t* deltas_ = nullptr;
  uint64_t deltas_bytes_ = 0;
  uint32_t entry_count_ = 0;
  uint32_t block_count_ = 0;
};

}  // namespace tidepool::engine
