#include "daemon/telemetry/metrics.h"

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

using ::testing::HasSubstr;


TEST(Metrics, SumsWhatTheShardsCounted) {
  Metrics metrics;
  MetricsShard& first = metrics.AddShard();
  MetricsShard& second = metrics.AddShard();
  const InvocationSample sample{.tenant = "a", .function = "f", .outcome = "OK", .run_ns = 20'000,
                                .cpu_ns = 500'000'000};
  first.CountInvocation(sample);
  second.CountInvocation(sample);
  second.CountRejection("a", "TENANT_RATE");
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("tidepool_invocations_total{tenant=\"a\",function=\"f\",outcome=\"OK\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("tidepool_rejections_total{tenant=\"a\",reason=\"TENANT_RATE\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("tidepool_cpu_seconds_total{tenant=\"a\",function=\"f\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(
      "tidepool_invocation_duration_seconds_bucket{tenant=\"a\",le=\"1e-05\"} 0\n"
      "tidepool_invocation_duration_seconds_bucket{tenant=\"a\",le=\"3e-05\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("tidepool_invocation_duration_seconds_count{tenant=\"a\"} 2\n"));
}

TEST(Metrics, NamesBeyondTheBoundAreOtherForTheirWholeLife) {
  Metrics metrics;
  MetricsShard& shard = metrics.AddShard();
  const auto count = [&](const std::string& function) {
    shard.CountInvocation({.tenant = "a", .function = function, .outcome = "OK"});
  };
  for (size_t i = 0; i < Metrics::kNamedMax; ++i) count(absl::StrCat("f", i));
  count("newcomer");
  count("f1");
  count("newcomer");
  const std::string text = metrics.Expose();
  EXPECT_FALSE(absl::StrContains(text, "newcomer"));
  EXPECT_TRUE(absl::StrContains(text, "{tenant=\"other\",function=\"other\",outcome=\"OK\"} 2\n"));
  EXPECT_TRUE(absl::StrContains(text, "{tenant=\"a\",function=\"f1\",outcome=\"OK\"} 2\n"));
}

TEST(Metrics, EscapesLabels) {
  ExpositionWriter writer;
  writer.Family("m", "gauge", "h");
  writer.Sample({{"l", "a\"b\\c\nd"}}, uint64_t{1});
  EXPECT_EQ(std::move(writer).Take(), "# HELP m h\n# TYPE m gauge\nm{l=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(Metrics, AScrapeMayRunWhileAWorkerCounts) {
  Metrics metrics;
  MetricsShard& shard = metrics.AddShard();
  std::thread worker([&] {
    for (int i = 0; i < 5000; ++i) {
      shard.CountInvocation({.tenant = "a", .function = absl::StrCat("f", i % 50), .outcome = "OK"});
    }
  });
  for (int i = 0; i < 20; ++i) metrics.Expose();
  worker.join();
  EXPECT_THAT(metrics.Expose(), HasSubstr("function=\"f49\",outcome=\"OK\"} 100\n"));
}

}  // namespace
}  // namespace tidepool::daemon
