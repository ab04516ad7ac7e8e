#include "engine/artifact/trap_table_writer.h"

#include <cstring>

#include "engine/artifact/block_table_writer.h"
#include "engine/artifact/sections.h"
#include "engine/artifact/trap_table.h"

namespace tidepool::engine {
namespace {

std::vector<TrapTable::Range> MergedRanges(const std::vector<TrapRange>& ranges) {
  std::vector<TrapTable::Range> merged;
  for (const TrapRange& range : ranges) {
    if (range.text_bytes == 0) continue;
    const uint32_t end = range.text_offset + range.text_bytes;
    const uint32_t code = static_cast<uint32_t>(range.code);
    if (!merged.empty()) {
      TrapTable::Range& last = merged.back();
      TP_CHECK(range.text_offset >= last.end);
      if (last.code == code && range.text_offset - last.end < kFunctionAlignmentBytes) {
        last.end = end;
        continue;
      }
    }
    merged.push_back({range.text_offset, end, code});
  }
  return merged;
}

}  // namespace

std::vector<uint8_t> EncodeTrapTable(const CompiledModule& compiled) {
  const std::vector<TrapTable::Range> ranges = MergedRanges(compiled.trap_ranges);
  const std::vector<uint8_t> sites =
      EncodeBlockTable(compiled.trap_sites, [](const TrapSite& site) {
        return BlockTableEntry{site.text_offset, static_cast<uint32_t>(site.code)};
      });
  if (ranges.empty() && sites.empty()) return {};
  const uint32_t header[2] = {static_cast<uint32_t>(ranges.size()), 0};
  const size_t ranges_bytes = ranges.size() * sizeof(TrapTable::Range);
  std::vector<uint8_t> result(sizeof(header) + ranges_bytes);
  std::memcpy(result.data(), header, sizeof(header));
  if (ranges_bytes != 0) std::memcpy(result.data() + sizeof(header), ranges.data(), ranges_bytes);
  result.insert(result.end(), sites.begin(), sites.end());
  return result;
}

}  // namespace tidepool::engine
