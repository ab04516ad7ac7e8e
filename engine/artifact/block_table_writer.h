// EncodeBlockTable: what BlockTable reads.  A template, so that each kind of entry is packed from
// where it lies, without a copy in between.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "engine/artifact/block_table.h"
#include "engine/support/check.h"

namespace tidepool::engine {

// Packs entries one by one.  Life: Add in ascending order of keys → Finish.
class BlockTableWriter {
 public:
  explicit BlockTableWriter(size_t entry_count_guess);
  // Of several entries with one key only the last is found.
  void Add(uint32_t key, uint32_t value) {
    TP_CHECK(entry_count_ == 0 || key >= last_.key);
    if (entry_count_ % BlockTable::kBlockEntries == 0) {
      BeginBlock(key, value);
    } else {
      AddDelta(key - last_.key, static_cast<int64_t>(value) - last_.value);
    }
    last_ = {key, value};
    ++entry_count_;
  }
  std::vector<uint8_t> Finish() &&;

 private:
  static constexpr size_t kDeltaBytesMax = 9;

  void BeginBlock(uint32_t key, uint32_t value);
  void AddDelta(uint32_t key, int64_t value) {
    if (key < BlockTable::kWideDelta && value >= INT8_MIN && value <= INT8_MAX) {
      at_[0] = static_cast<uint8_t>(key);
      at_[1] = static_cast<uint8_t>(value);
      at_ += 2;
      return;
    }
    const uint32_t value_bits = static_cast<uint32_t>(value);
    at_[0] = BlockTable::kWideDelta;
    std::memcpy(at_ + 1, &key, 4);
    std::memcpy(at_ + 5, &value_bits, 4);
    at_ += kDeltaBytesMax;
  }

  std::vector<BlockTable::Block> index_;
  // Not initialised; always room for one whole block behind at_ when one begins.
  std::unique_ptr<uint8_t[]> deltas_;
  size_t deltas_bytes_;
  uint8_t* at_ = nullptr;
  BlockTableEntry last_;
  uint32_t entry_count_ = 0;
};

// `project` gives the BlockTableEntry of an element.
template <typename Element, typename Project>
std::vector<uint8_t> EncodeBlockTable(const std::vector<Element>& elements, Project project) {
  BlockTableWriter writer(elements.size());
  for (const Element& element : elements) {
    const BlockTableEntry entry = project(element);
    writer.Add(entry.key, entry.value);
  }
  return std::move(writer).Finish();
}

}  // namespace tidepool::engine
