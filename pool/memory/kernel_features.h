// KernelFeatures: what this kernel lets us do, found out once, by trying.
//
// Units    A release is major.minor.
// Life     Probed (and masked) at start; constant afterwards.
// Threads  Immutable.
// Errors   InvalidArgument for a setting that is neither "probe" nor a release.
// Source   pool.md: "Features are probed once, by trying, into a struct".  Not by version number:
//          distributions backport, containers forbid.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tidepool::pool {

struct KernelFeatures {
#define TP_FEATURE(member, major, minor, text) bool member = false;
#include "pool/memory/kernel_features.def"
#undef TP_FEATURE
  // What the setting was, for messages: "probe", or the release whose features are used.
  std::string source = "probe";
};

// Tries each feature on memory of its own.  Leaves nothing behind.
KernelFeatures ProbeKernelFeatures();

// `features` without what a kernel of that release lacks.
KernelFeatures MaskKernelFeatures(const KernelFeatures& features, int major, int minor);

// The setting `pool.kernel_features`: "probe", or a release such as "6.1".
absl::StatusOr<KernelFeatures> KernelFeaturesFromSetting(absl::string_view setting);

// One line per feature: "PAGEMAP_SCAN (Linux 6.7): yes".
std::string DescribeKernelFeatures(const KernelFeatures& features);

}  // namespace tidepool::pool
