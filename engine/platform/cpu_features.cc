#include "engine/platform/cpu_features.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tidepool {
namespace {

struct NamedFeature {
  CpuFeature feature;
  const char* name;
};

constexpr NamedFeature kFeatures[] = {
    {CpuFeature::kAvx, "avx"},     {CpuFeature::kAvx2, "avx2"},   {CpuFeature::kBmi1, "bmi1"},
    {CpuFeature::kBmi2, "bmi2"},   {CpuFeature::kLzcnt, "lzcnt"}, {CpuFeature::kFma, "fma"},
    {CpuFeature::kAvx512, "avx512"},
};

}  // namespace

absl::StatusOr<CpuFeatureSet> DetectCpuFeatures() {
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
                  __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("popcnt");
  if (!v2) {
    return absl::FailedPreconditionError(
        "this CPU is less than x86-64-v2: SSSE3, SSE4.1, SSE4.2 and POPCNT are needed");
  }
  CpuFeatureSet set;
  set.Set(CpuFeature::kAvx, __builtin_cpu_supports("avx"));
  set.Set(CpuFeature::kAvx2, __builtin_cpu_supports("avx2"));
  set.Set(CpuFeature::kBmi1, __builtin_cpu_supports("bmi"));
  set.Set(CpuFeature::kBmi2, __builtin_cpu_supports("bmi2"));
  // GCC 12 has no name for LZCNT; every CPU with BMI1 has it too.
  set.Set(CpuFeature::kLzcnt, __builtin_cpu_supports("bmi"));
  set.Set(CpuFeature::kFma, __builtin_cpu_supports("fma"));
  set.Set(CpuFeature::kAvx512,
          __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
  return set;
}

std::string ToString(CpuFeatureSet features) {
  std::vector<const char*> names;
  for (const NamedFeature& known : kFeatures) {
    if (features.Has(known.feature)) names.push_back(known.name);
  }
  return absl::StrJoin(names, ",");
}

absl::StatusOr<CpuFeatureSet> ApplyFeatureList(CpuFeatureSet features, absl::string_view list) {
  for (absl::string_view word : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    const NamedFeature* found = nullptr;
    for (const NamedFeature& known : kFeatures) {
      if (word.substr(1) == known.name) found = &known;
    }
    if (found == nullptr || (word[0] != '+' && word[0] != '-')) {
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown CPU feature \"", word, "\"; write +NAME or -NAME with one of: ",
          ToString(CpuFeatureSet{~uint32_t{0}})));
    }
    features.Set(found->feature, word[0] == '+');
  }
  return features;
}

}  // namespace tidepool
