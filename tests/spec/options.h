// The command line of tidepool-spec (../shared/design/interfaces.md).
//
// Errors   InvalidArgument, naming the option: main answers with the usage and exit status 2.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "engine/compiler/compile_options.h"
#include "pool/memory/strategies.h"

namespace tidepool::spec {

enum class StorageKind : uint8_t { kPool, kOwned };

struct Options {
  engine::CompileOptions compile;
  StorageKind storage = StorageKind::kPool;
  pool::GrowthKind growth = pool::GrowthKind::kFtruncate;
  pool::ResetKind reset = pool::ResetKind::kMadvise;
  // Instances of one script live at the same time: enough for the longest.
  uint64_t slots = 512;
  uint32_t repeat = 1;
  std::string skip_path;   // A skip.tsv, or empty.
  std::string steps_path;  // A steps.json: `paths` is then one module.
  std::vector<std::string> paths;
};

extern const char kUsage[];

absl::StatusOr<Options> ParseOptions(absl::Span<char* const> arguments);

}  // namespace tidepool::spec
