// Whole-file reads, and writes that survive a power cut.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/platform/unique_fd.h"

namespace tidepool {

// Writes all of `content` at `offset_bytes`; `name` is for the error.
absl::Status WriteAllAt(int fd, absl::Span<const uint8_t> content, uint64_t offset_bytes,
                        absl::string_view name);
// ResourceExhausted when the file is longer than `bytes_max`.
absl::StatusOr<std::vector<uint8_t>> ReadFile(const std::string& path, uint64_t bytes_max);
// Writes beside `path`, syncs, renames over it and syncs the folder.  After an error `path` is
// what it was before, and no temporary file is left.
absl::Status WriteFileDurably(const std::string& path, absl::Span<const uint8_t> content);
// fsync(2) of the folder that holds `path`.
absl::Status SyncFolderOf(const std::string& path);

}  // namespace tidepool
