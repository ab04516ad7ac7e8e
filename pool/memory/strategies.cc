#include "pool/memory/strategies.h"

#include "absl/strings/str_cat.h"
#include "engine/support/status_macros.h"

namespace tidepool::pool {
namespace {

absl::Status MissingFeature(absl::string_view setting, absl::string_view value,
                            absl::string_view feature, absl::string_view since,
                            const KernelFeatures& features) {
  return absl::FailedPreconditionError(absl::StrCat(
      setting, "=", value, " needs ", feature, " (Linux ", since, "), which ",
      features.source == "probe"
          ? "this kernel does not give"
          : absl::StrCat("pool.kernel_features=", features.source, " excludes"),
      ": choose another ", setting));
}

absl::Status CheckReset(ResetKind reset, const KernelFeatures& features) {
  const auto missing = [&](absl::string_view feature, absl::string_view since) {
    return MissingFeature("pool.reset", NameOf(reset), feature, since, features);
  };
  switch (reset) {
    case ResetKind::kMadvise:
    case ResetKind::kRemap:
      return absl::OkStatus();  // Nothing beyond what every supported kernel has.
    case ResetKind::kScan:
      if (!features.pagemap_scan) return missing("PAGEMAP_SCAN", "6.7");
      break;
    case ResetKind::kLearned:
      if (!features.uffd_write_protect) {
        return missing("userfaultfd write protection with SIGBUS", "5.19");
      }
      break;
  }
  return absl::UnimplementedError(
      absl::StrCat("pool.reset=", NameOf(reset), " is not built yet: use madvise or remap"));
}

}  // namespace

absl::string_view NameOf(GrowthKind growth) {
  switch (growth) {
    case GrowthKind::kFtruncate: return "ftruncate";
    case GrowthKind::kMprotect: return "mprotect";
    case GrowthKind::kNone: return "none";
  }
  return "unknown";
}

absl::string_view NameOf(ResetKind reset) {
  switch (reset) {
    case ResetKind::kMadvise: return "madvise";
    case ResetKind::kRemap: return "remap";
    case ResetKind::kScan: return "scan";
    case ResetKind::kLearned: return "learned";
  }
  return "unknown";
}

absl::StatusOr<GrowthKind> GrowthKindOf(absl::string_view name) {
  for (GrowthKind kind : {GrowthKind::kFtruncate, GrowthKind::kMprotect, GrowthKind::kNone}) {
    if (NameOf(kind) == name) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("pool.growth=", name, ": known are ftruncate, mprotect and none"));
}

absl::StatusOr<ResetKind> ResetKindOf(absl::string_view name) {
  for (ResetKind kind :
       {ResetKind::kMadvise, ResetKind::kRemap, ResetKind::kScan, ResetKind::kLearned}) {
    if (NameOf(kind) == name) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("pool.reset=", name, ": known are madvise, remap, scan and learned"));
}

absl::Status CheckStrategies(GrowthKind growth, ResetKind reset, const KernelFeatures& features) {
  static_cast<void>(growth);  // memfd_create and mprotect are older than any supported kernel.
  return CheckReset(reset, features);
}

}  // namespace tidepool::pool
