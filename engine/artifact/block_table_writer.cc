#include "engine/artifact/block_table_writer.h"

#include <algorithm>

namespace tidepool::engine {

BlockTableWriter::BlockTableWriter(size_t entry_count_guess)
    : deltas_bytes_(entry_count_guess * 2 + BlockTable::kBlockEntries * kDeltaBytesMax) {
  index_.reserve(entry_count_guess / BlockTable::kBlockEntries + 1);
  deltas_.reset(new uint8_t[deltas_bytes_]);
  at_ = deltas_.get();
}

void BlockTableWriter::BeginBlock(uint32_t key, uint32_t value) {
  const size_t used = static_cast<size_t>(at_ - deltas_.get());
  constexpr size_t kBlockBytesMax = BlockTable::kBlockEntries * kDeltaBytesMax;
  if (deltas_bytes_ - used < kBlockBytesMax) {
    deltas_bytes_ = std::max(deltas_bytes_ * 2, used + kBlockBytesMax);
    std::unique_ptr<uint8_t[]> larger(new uint8_t[deltas_bytes_]);
    std::memcpy(larger.get(), deltas_.get(), used);
    deltas_ = std::move(larger);
    at_ = deltas_.get() + used;
  }
  index_.push_back({key, value, static_cast<uint32_t>(used)});
}

std::vector<uint8_t> BlockTableWriter::Finish() && {
  if (entry_count_ == 0) return {};
  const uint32_t header[2] = {entry_count_, static_cast<uint32_t>(index_.size())};
  const size_t index_bytes = index_.size() * sizeof(BlockTable::Block);
  const size_t deltas_bytes = static_cast<size_t>(at_ - deltas_.get());
  std::vector<uint8_t> result(sizeof(header) + index_bytes + deltas_bytes);
  std::memcpy(result.data(), header, sizeof(header));
  std::memcpy(result.data() + sizeof(header), index_.data(), index_bytes);
  // A table of one entry has no deltas.
  if (deltas_bytes != 0) {
    std::memcpy(result.data() + sizeof(header) + index_bytes, deltas_.get(), deltas_bytes);
  }
  return result;
}

}  // namespace tidepool::engine
