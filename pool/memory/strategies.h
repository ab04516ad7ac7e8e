// The strategies a pool can be told to use, and which of them this kernel allows.
//
//   growth     how memory.grow makes pages accessible       sound with
//   ftruncate  the slot's own file, its end is the guard    every module
//   mprotect   anonymous pages behind PROT_NONE             every module
//   none       all is accessible from the start             bounds=explicit only
//
//   reset      how a dirty slot becomes clean
//   madvise    drop private pages, take growth back: each part by what resets it
//   remap      every mapping anew; also the only way out of quarantine
//   scan       PAGEMAP_SCAN and copy back                   not built yet
//   learned    the learned working set (userfaultfd)        not built yet
//
// Errors   InvalidArgument: an unknown word (names the known ones).  FailedPrecondition: this kernel,
//          or the mask on it, lacks a feature that the strategy needs; it is named.  Unimplemented:
//          known, but not built yet.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pool/memory/kernel_features.h"

namespace tidepool::pool {

enum class GrowthKind : uint8_t { kFtruncate, kMprotect, kNone };
enum class ResetKind : uint8_t { kMadvise, kRemap, kScan, kLearned };

absl::string_view NameOf(GrowthKind growth);
absl::string_view NameOf(ResetKind reset);
absl::StatusOr<GrowthKind> GrowthKindOf(absl::string_view name);
absl::StatusOr<ResetKind> ResetKindOf(absl::string_view name);

// OK when every feature that the two need is there.
absl::Status CheckStrategies(GrowthKind growth, ResetKind reset, const KernelFeatures& features);

}  // namespace tidepool::pool
