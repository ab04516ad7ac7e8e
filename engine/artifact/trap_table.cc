// Runs in signal handlers over bytes that may be damaged: no allocation, every read in bounds.
#include "engine/artifact/trap_table.h"

#include <cstring>

namespace tidepool::engine {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr uint32_t kLastCode = static_cast<uint32_t>(TrapCode::kExit);

TrapCode CodeOf(uint32_t number) {
  return number <= kLastCode ? static_cast<TrapCode>(number) : TrapCode::kNone;
}

}  // namespace

TrapTable::TrapTable(absl::Span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes) return;
  uint32_t range_count;
  std::memcpy(&range_count, bytes.data(), sizeof(range_count));
  const uint64_t ranges_bytes = uint64_t{range_count} * sizeof(Range);
  if (ranges_bytes > bytes.size() - kHeaderBytes) return;
  ranges_ = bytes.data() + kHeaderBytes;
  range_count_ = range_count;
  sites_ = BlockTable(bytes.subspan(kHeaderBytes + ranges_bytes));
}

TrapCode TrapTable::Find(uint32_t text_offset) const {
  BlockTableEntry site;
  if (sites_.FindAtOrBefore(text_offset, &site) && site.key == text_offset) {
    return CodeOf(site.value);
  }
  // The first range that begins behind text_offset; only the one before it can hold it.
  uint32_t low = 0;
  uint32_t high = range_count_;
  Range range{};
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    Range probe;
    std::memcpy(&probe, ranges_ + uint64_t{middle} * sizeof(Range), sizeof(Range));
    if (probe.begin <= text_offset) {
      range = probe;
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0 || text_offset >= range.end) return TrapCode::kNone;
  return CodeOf(range.code);
}

}  // namespace tidepool::engine
