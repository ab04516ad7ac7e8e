#include "engine/artifact/function_table.h"

#include <algorithm>

namespace tidepool::engine {

uint32_t FunctionTable::TextEnd(uint32_t defined) const {
  const uint32_t begin = TextOffset(defined);
  const uint32_t next = defined + 1 < count() ? begins_[defined + 1] : text_bytes_;
  return std::clamp(next, begin, text_bytes_);
}

uint32_t FunctionTable::Find(uint32_t text_offset) const {
  if (text_offset >= text_bytes_) return kNone;
  // Of functions without code, which share their begin with the next, the last one wins.
  const auto behind = std::upper_bound(begins_.begin(), begins_.end(), text_offset);
  if (behind == begins_.begin()) return kNone;
  return static_cast<uint32_t>(behind - begins_.begin()) - 1;
}

}  // namespace tidepool::engine
