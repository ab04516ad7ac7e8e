#include "daemon/tenants/limits.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LimitText, ReadsWhatItWrites) {
  for (uint64_t bytes : {uint64_t{0}, uint64_t{1}, 64 * kKiB, 3 * kMiB, 5 * kGiB, kMiB + 1}) {
    EXPECT_EQ(*ParseBytes(FormatBytes(bytes)), bytes) << FormatBytes(bytes);
  }
  for (uint64_t time : {0ul, 1ul, 250'000'000ul, 90'000'000'000ul, 3'600'000'000'000ul}) {
    EXPECT_EQ(*ParseNanoseconds(FormatNanoseconds(time)), time) << FormatNanoseconds(time);
  }
}

TEST(LimitText, RefusesNumbersThatMeanNothing) {
  for (const char* text : {"", "x", "-1MiB", "1.5MiB", "1Mib", "99999999999999999999",
                           "18446744073709551615KiB", "MiB"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
  // A time without a unit is a guess waiting to go wrong.
  for (const char* text : {"5", "5 minutes", "1e3s"}) EXPECT_FALSE(ParseNanoseconds(text).ok()) << text;
}

TEST(Limits, EveryLimitIsFoundByItsNameAndRefusesWhatIsBeyondItsRange) {
  for (size_t i = 0; i < kLimitCount; ++i) {
    const auto name = static_cast<LimitName>(i);
    const LimitFacts& facts = FactsOf(name);
    EXPECT_EQ(*FindLimit(facts.name), name);
    if (name == LimitName::kMlock) continue;
    EXPECT_EQ(*ParseLimit(name, FormatLimit(name, facts.largest)), facts.largest) << facts.name;
    EXPECT_FALSE(ParseLimit(name, FormatLimit(name, facts.largest + 1)).ok()) << facts.name;
    EXPECT_EQ(ParseLimit(name, "off").ok(), facts.may_be_off) << facts.name;
  }
}

TEST(Limits, NamesTheLimitAndItsRange) {
  EXPECT_THAT(std::string(ParseLimit(LimitName::kMemory, "5GiB").status().message()),
              AllOf(HasSubstr("memory"), HasSubstr("4GiB")));
  EXPECT_THAT(std::string(FindLimit("memroy").status().message()), HasSubstr("did you mean \"memory\""));
}

TEST(LimitOverrides, AFunctionMayLowerButNotRaise) {
  Limits limits;
  LimitOverrides tenant;
  ASSERT_TRUE(tenant.SetFromText("memory=64MiB").ok());
  LimitOverrides function;
  ASSERT_TRUE(function.SetFromText("memory=96MiB").ok());
  ASSERT_TRUE(function.SetFromText("cpu=10ms").ok());
  tenant.ApplyTo(limits, "tenants/a", /*may_only_lower=*/false);
  function.ApplyTo(limits, "tenants/a/functions/f", /*may_only_lower=*/true);
  EXPECT_EQ(limits.Get(LimitName::kMemory), 64 * kMiB);
  EXPECT_EQ(limits.SetBy(LimitName::kMemory), "tenants/a");
  EXPECT_EQ(limits.Get(LimitName::kCpu), 10'000'000u);
  EXPECT_EQ(limits.SetBy(LimitName::kCpu), "tenants/a/functions/f");
  EXPECT_EQ(limits.SetBy(LimitName::kWall), "defaults");
}

TEST(LimitOverrides, DefaultTakesAnOverrideAway) {
  LimitOverrides overrides;
  ASSERT_TRUE(overrides.SetFromText("cpu=10ms").ok());
  ASSERT_TRUE(overrides.SetFromText("cpu=default").ok());
  EXPECT_FALSE(overrides.Get(LimitName::kCpu).has_value());
}

}  // namespace
}  // namespace tidepool::daemon
