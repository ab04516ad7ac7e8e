#include "engine/platform/cpu_features.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool {
namespace {

TEST(CpuFeatures, AListTurnsOnAndOff) {
  CpuFeatureSet set;
  set.Set(CpuFeature::kAvx, true);
  const absl::StatusOr<CpuFeatureSet> changed = ApplyFeatureList(set, "+bmi2,-avx");
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(ToString(*changed), "bmi2");
}

TEST(CpuFeatures, AnUnknownWordIsNamed) {
  for (const char* list : {"+sse9", "avx", "*avx", "+"}) {
    const absl::StatusOr<CpuFeatureSet> changed = ApplyFeatureList({}, list);
    ASSERT_FALSE(changed.ok()) << list;
    EXPECT_THAT(std::string(changed.status().message()), ::testing::HasSubstr(list));
  }
}

TEST(CpuFeatures, ContainsIsAboutTheOthersBits) {
  CpuFeatureSet small;
  small.Set(CpuFeature::kBmi1, true);
  CpuFeatureSet large = small;
  large.Set(CpuFeature::kAvx2, true);
  EXPECT_TRUE(large.Contains(small));
  EXPECT_FALSE(small.Contains(large));
}

}  // namespace
}  // namespace tidepool
