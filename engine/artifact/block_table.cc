// Runs in signal handlers over bytes that may be damaged: no allocation, every read in bounds.
#include "engine/artifact/block_table.h"

#include <algorithm>
#include <cstring>

namespace tidepool::engine {
namespace {

constexpr size_t kHeaderBytes = 8;

uint32_t LoadU32(const uint8_t* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// The deltas of one block, one after the other.
class DeltaCursor {
 public:
  DeltaCursor(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}

  // Moves `entry` to the next one; false at the end of the bytes.
  bool Next(BlockTableEntry* entry) {
    if (end_ - at_ < 2) return false;
    if (*at_ != BlockTable::kWideDelta) {
      entry->key += at_[0];
      entry->value += static_cast<uint32_t>(static_cast<int8_t>(at_[1]));
      at_ += 2;
      return true;
    }
    if (end_ - at_ < 9) return false;
    entry->key += LoadU32(at_ + 1);
    entry->value += LoadU32(at_ + 5);
    at_ += 9;
    return true;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace

BlockTable::BlockTable(absl::Span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes) return;
  const uint32_t entry_count = LoadU32(bytes.data());
  const uint32_t block_count = LoadU32(bytes.data() + 4);
  if (block_count != (uint64_t{entry_count} + kBlockEntries - 1) / kBlockEntries) return;
  const uint64_t index_bytes = uint64_t{block_count} * sizeof(Block);
  if (index_bytes > bytes.size() - kHeaderBytes) return;
  entry_count_ = entry_count;
  block_count_ = block_count;
  index_ = bytes.data() + kHeaderBytes;
  deltas_ = index_ + index_bytes;
  deltas_bytes_ = bytes.size() - kHeaderBytes - index_bytes;
}

BlockTable::Block BlockTable::BlockAt(uint32_t block) const {
  Block result;
  std::memcpy(&result, index_ + uint64_t{block} * sizeof(Block), sizeof(Block));
  return result;
}

bool BlockTable::FindAtOrBefore(uint32_t key, BlockTableEntry* found) const {
  // The first block that begins behind `key`; the one before it holds the answer.
  uint32_t low = 0;
  uint32_t high = block_count_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (BlockAt(middle).key <= key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return false;
  const uint32_t block_number = low - 1;
  const Block block = BlockAt(block_number);
  const uint64_t begin = std::min<uint64_t>(block.offset_bytes, deltas_bytes_);
  DeltaCursor cursor(deltas_ + begin, deltas_ + deltas_bytes_);
  const uint32_t entries = std::min(kBlockEntries, entry_count_ - block_number * kBlockEntries);
  *found = {block.key, block.value};
  BlockTableEntry next = *found;
  for (uint32_t i = 1; i < entries && cursor.Next(&next) && next.key <= key; ++i) *found = next;
  return true;
}

}  // namespace tidepool::engine
