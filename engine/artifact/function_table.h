// FunctionTable: where the code of each defined function lies in .text.
//
// Shape    u32 begin[count], ascending; a function reaches to the next one's begin (fill included),
//          the last to the end of .text
// Life     Refers to bytes of an artifact, which must outlive it; no cost at load.
// Threads  Immutable.  Signal-safe.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace tidepool::engine {

class FunctionTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  FunctionTable() = default;
  FunctionTable(absl::Span<const uint32_t> begins, uint32_t text_bytes)
      : begins_(begins), text_bytes_(text_bytes) {}

  uint32_t count() const { return static_cast<uint32_t>(begins_.size()); }
  // Offset in .text of a defined function's entry, by ordinal among the defined ones.  Never beyond
  // .text, whatever the file says.
  uint32_t TextOffset(uint32_t defined) const {
    return begins_[defined] < text_bytes_ ? begins_[defined] : 0;
  }
  // End of the function's code; at least TextOffset.
  uint32_t TextEnd(uint32_t defined) const;
  // The defined function whose code holds `text_offset`, or kNone.
  uint32_t Find(uint32_t text_offset) const;

 private:
  absl::Span<const uint32_t> begins_;
  uint32_t text_bytes_ = 0;
};

}  // namespace tidepool::engine
