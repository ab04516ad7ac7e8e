#include "pool/memory/strategies.h"

#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;

TEST(Strategies, NamesGoThereAndBack) {
  for (GrowthKind kind : {GrowthKind::kFtruncate, GrowthKind::kMprotect, GrowthKind::kNone}) {
    EXPECT_EQ(*GrowthKindOf(NameOf(kind)), kind);
  }
  for (ResetKind kind :
       {ResetKind::kMadvise, ResetKind::kRemap, ResetKind::kScan, ResetKind::kLearned}) {
    EXPECT_EQ(*ResetKindOf(NameOf(kind)), kind);
  }
  EXPECT_THAT(GrowthKindOf("mremap"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pool.growth=mremap")));
  EXPECT_THAT(ResetKindOf(""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Strategies, WhatEveryKernelHasNeedsNoFeature) {
  for (GrowthKind growth : {GrowthKind::kFtruncate, GrowthKind::kMprotect, GrowthKind::kNone}) {
    for (ResetKind reset : {ResetKind::kMadvise, ResetKind::kRemap}) {
      EXPECT_THAT(CheckStrategies(growth, reset, KernelFeatures{}), IsOk());
    }
  }
}

TEST(Strategies, AMissingFeatureIsNamedAndMakesTheStrategyImpossible) {
  KernelFeatures features;
  features.source = "6.1";
  EXPECT_THAT(CheckStrategies(GrowthKind::kFtruncate, ResetKind::kScan, features),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("pool.reset=scan needs PAGEMAP_SCAN (Linux 6.7)"),
                             HasSubstr("pool.kernel_features=6.1"))));
  features.source = "probe";
  EXPECT_THAT(CheckStrategies(GrowthKind::kFtruncate, ResetKind::kLearned, features),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("this kernel does not give")));
}

TEST(Strategies, WhatIsNotBuiltYetIsRefusedAndNotReplaced) {
  KernelFeatures features;
  features.pagemap_scan = features.uffd_write_protect = true;
  for (ResetKind reset : {ResetKind::kScan, ResetKind::kLearned}) {
    EXPECT_THAT(CheckStrategies(GrowthKind::kFtruncate, reset, features),
                StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("not built yet")));
  }
}

}  // namespace
}  // namespace tidepool::pool
