// Files that live in memory only (memfd_create(2)).
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/platform/unique_fd.h"

namespace tidepool {

struct FileExtent {
  uint64_t offset_bytes;
  absl::Span<const uint8_t> content;
};

// An empty memfd of `bytes` (sparse) that may still grow and shrink.
absl::StatusOr<UniqueFd> CreateMemfd(const char* name, uint64_t bytes);
// A sparse memfd of `bytes` holding `extents`, which no one can change afterwards.
absl::StatusOr<UniqueFd> CreateSealedMemfd(const char* name, uint64_t bytes,
                                           absl::Span<const FileExtent> extents);

}  // namespace tidepool
