// ReadInfo: .tidepool.info → ModuleInfo, believing nothing.
//
// Errors   DataLoss, naming the part and what is wrong with it.  Allocates in proportion to the
//          bytes present, never to a count they claim.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/artifact/function_table.h"
#include "engine/artifact/module_info.h"

namespace tidepool::engine {

// Contents of the sections that info refers to.
struct InfoSections {
  absl::Span<const uint8_t> info;
  absl::Span<const uint32_t> lists;
  absl::Span<const uint8_t> data;
  absl::Span<const uint8_t> image;
  uint64_t image_file_offset = 0;
  uint32_t text_bytes = 0;
};

struct ReadInfoResult {
  ModuleInfo info;
  FunctionTable functions;
};

// The result refers to the sections' bytes.
absl::StatusOr<ReadInfoResult> ReadInfo(const InfoSections& sections);

}  // namespace tidepool::engine
