#include "engine/compiler/option_list.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::engine {
namespace {

using ::testing::HasSubstr;

TEST(ApplyOption, KnowsEveryOption) {
  CompileOptions options;
  for (const char* option : {"bounds=explicit", "padding=4096", "address_map=off", "threads=3",
                             "features=+avx,+bmi2", "names=off", "tier=optimized"}) {
    EXPECT_TRUE(ApplyOption(option, &options).ok()) << option;
  }
  EXPECT_EQ(options.bounds, Bounds::kExplicit);
  EXPECT_EQ(options.padding_bytes, 4096u);
  EXPECT_FALSE(options.address_map);
  EXPECT_EQ(options.threads, 3u);
  EXPECT_TRUE(options.cpu_features.Has(CpuFeature::kBmi2));
  EXPECT_FALSE(options.names);
  EXPECT_EQ(options.tier, Tier::kOptimized);
  EXPECT_EQ(ToString(options),
            "tier=optimized bounds=explicit padding=4096 address_map=off names=off "
            "features=+avx,+bmi2");
}

TEST(ApplyOption, SaysWhatIsWrong) {
  const struct {
    const char* option;
    const char* message;
  } cases[] = {
      {"bounds=none", "compile option bounds=none: expected guard or explicit"},
      {"padding=-1", "padding=-1: expected a number from 0 to 16777216"},
      {"padding=16777217", "from 0 to 16777216"},
      {"threads=0", "from 1 to 256"},
      {"names=yes", "expected on or off"},
      {"tier=fast", "expected baseline or optimized"},
      {"features=+sse9", "sse9"},
      {"speed=11", "unknown compile option \"speed\"; known: bounds"},
      {"bounds", "expected KEY=VALUE"},
      {"", "expected KEY=VALUE"},
  };
  for (const auto& each : cases) {
    CompileOptions options;
    const absl::Status status = ApplyOption(each.option, &options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(each.message)) << each.option;
  }
}

}  // namespace
}  // namespace tidepool::engine
