// What this CPU can do beyond x86-64-v2, and whether it can do that.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tidepool {

// Bits of a CPU feature set, as recorded in artifacts.  Never renumber: artifacts name them.
enum class CpuFeature : uint32_t {
  kAvx = 0,
  kAvx2 = 1,
  kBmi1 = 2,
  kBmi2 = 3,
  kLzcnt = 4,
  kFma = 5,
  kAvx512 = 6,  // F, BW, DQ and VL together.
};

struct CpuFeatureSet {
  uint32_t bits = 0;

  bool Has(CpuFeature feature) const { return (bits >> static_cast<uint32_t>(feature) & 1) != 0; }
  void Set(CpuFeature feature, bool on) {
    const uint32_t bit = uint32_t{1} << static_cast<uint32_t>(feature);
    bits = on ? bits | bit : bits & ~bit;
  }
  bool Contains(CpuFeatureSet other) const { return (other.bits & ~bits) == 0; }
  friend bool operator==(const CpuFeatureSet&, const CpuFeatureSet&) = default;
};

// FailedPrecondition, naming the missing part, when the CPU is less than x86-64-v2 (the least we
// generate code for: SSE4.2, SSSE3, POPCNT, CMPXCHG16B).
absl::StatusOr<CpuFeatureSet> DetectCpuFeatures();
// "avx,avx2,bmi1"; empty for none.
std::string ToString(CpuFeatureSet features);
// Applies "+avx,-avx2" to `features`; InvalidArgument names an unknown word.
absl::StatusOr<CpuFeatureSet> ApplyFeatureList(CpuFeatureSet features, absl::string_view list);

}  // namespace tidepool
