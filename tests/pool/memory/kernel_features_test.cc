#include "pool/memory/kernel_features.h"

#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;

KernelFeatures All() {
  KernelFeatures features;
#define TP_FEATURE(member, major, minor, text) features.member = true;
#include "pool/memory/kernel_features.def"
#undef TP_FEATURE
  return features;
}

TEST(KernelFeatures, AMaskTakesAwayWhatCameLater) {
  const KernelFeatures old = MaskKernelFeatures(All(), 6, 1);
  EXPECT_TRUE(old.madvise_populate);
  EXPECT_TRUE(old.uffd_write_protect);
  EXPECT_FALSE(old.uffd_wp_unpopulated);
  EXPECT_FALSE(old.uffd_wp_async);
  EXPECT_FALSE(old.pagemap_scan);
  EXPECT_FALSE(old.procmap_query);
  EXPECT_FALSE(old.process_madvise_self);
  EXPECT_FALSE(old.guard_markers);
  EXPECT_EQ(old.source, "6.1");
  EXPECT_TRUE(MaskKernelFeatures(All(), 6, 7).pagemap_scan);
  EXPECT_TRUE(MaskKernelFeatures(All(), 7, 0).guard_markers);
  EXPECT_FALSE(MaskKernelFeatures(All(), 5, 99).pagemap_scan);
}

TEST(KernelFeatures, AMaskGivesNothingThatTheKernelLacks) {
  EXPECT_FALSE(MaskKernelFeatures(KernelFeatures{}, 9, 0).pagemap_scan);
}

TEST(KernelFeatures, ASettingIsProbeOrARelease) {
  EXPECT_THAT(KernelFeaturesFromSetting("probe"), IsOk());
  EXPECT_THAT(KernelFeaturesFromSetting("6.1"), IsOk());
  for (const char* wrong : {"", "6", "6.", "6.1.2", "six.one", "-6.1", "latest"}) {
    EXPECT_THAT(KernelFeaturesFromSetting(wrong),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pool.kernel_features=")))
        << wrong;
  }
}

TEST(KernelFeatures, ProbingTwiceGivesTheSameAnswerAndADescription) {
  const std::string once = DescribeKernelFeatures(ProbeKernelFeatures());
  EXPECT_EQ(once, DescribeKernelFeatures(ProbeKernelFeatures()));
  EXPECT_THAT(once, HasSubstr("PAGEMAP_SCAN (Linux 6.7): "));
}

}  // namespace
}  // namespace tidepool::pool
