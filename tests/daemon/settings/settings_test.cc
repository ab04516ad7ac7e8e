#include "daemon/settings/settings.h"

#include <stdlib.h>

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SettingsTest : public ::testing::Test {
 protected:
  std::string File(const std::string& text) {
    const std::string path = ::testing::TempDir() + "/settings_test.toml";
    std::ofstream(path) << text;
    return path;
  }
  std::string ErrorOf(const SettingsSources& sources) {
    const absl::StatusOr<Settings> settings = LoadSettings(sources);
    return settings.ok() ? "" : std::string(settings.status().message());
  }
};

TEST_F(SettingsTest, LaterSourcesWinAndAreNamed) {
  SettingsSources sources;
  sources.config_file = File("workers = 3\n[limits]\nmemory = \"64MiB\"\n[pool]\nslots = 8\n");
  sources.environment = {"TIDEPOOL_POOL__SLOTS=9", "TIDEPOOL_SERVER=unix:/x", "HOME=/root"};
  sources.assignments = {"limits.cpu=20ms"};
  const absl::StatusOr<Settings> settings = LoadSettings(sources);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->workers, 3u);
  EXPECT_EQ(settings->limits.Get(LimitName::kMemory), 64 * kMiB);
  EXPECT_EQ(settings->pool_slots, 9u);
  EXPECT_EQ(settings->limits.Get(LimitName::kCpu), 20'000'000u);
  const std::string printed = PrintSettings(*settings);
  EXPECT_THAT(printed, HasSubstr("pool.slots = \"9\"  # TIDEPOOL_POOL__SLOTS"));
  EXPECT_THAT(printed, HasSubstr("settings_test.toml:3"));
  EXPECT_THAT(printed, HasSubstr("limits.wall = \"10s\"  # default"));
}

TEST_F(SettingsTest, AnUnknownKeyIsAnErrorWithItsLineAndAGuess) {
  SettingsSources sources;
  sources.config_file = File("[pool]\n\nslost = 8\n");
  EXPECT_THAT(ErrorOf(sources), AllOf(HasSubstr(":3"), HasSubstr("pool.slost"),
                                      HasSubstr("did you mean \"pool.slots\"")));
}

TEST_F(SettingsTest, BrokenTomlIsAnErrorWithItsLine) {
  SettingsSources sources;
  sources.config_file = File("[pool]\nslots = = 8\n");
  EXPECT_THAT(ErrorOf(sources), HasSubstr(":2"));
}

TEST_F(SettingsTest, ValuesOutOfRangeNameTheRange) {
  for (const char* text : {"pool.slots=0", "pool.verify_rate=1.5", "limits.memory=5GiB", "workers=0",
                           "http.uri_bytes=1", "drain.deadline=30", "pool.reset=learned",
                           "pool.growth=none", "pool.kernel_features=new", "listen.http="}) {
    SettingsSources sources;
    sources.config_file = "/dev/null";
    sources.assignments = {text};
    EXPECT_THAT(ErrorOf(sources), HasSubstr("--set")) << text;
  }
}

TEST_F(SettingsTest, StateDirMovesTheAdminSocket) {
  SettingsSources sources;
  sources.config_file = "/dev/null";
  sources.state_dir = "/tmp/x";
  EXPECT_EQ(LoadSettings(sources)->listen_admin, "unix:/tmp/x/admin.sock");
  sources.assignments = {"listen.admin=unix:/run/y.sock"};
  EXPECT_EQ(LoadSettings(sources)->listen_admin, "unix:/run/y.sock");
}

TEST_F(SettingsTest, WhatIsPrintedCanBeReadBack) {
  SettingsSources sources;
  sources.config_file = "/dev/null";
  const absl::StatusOr<Settings> settings = LoadSettings(sources);
  ASSERT_TRUE(settings.ok());
  for (const Settings::Origin& origin : settings->origins) {
    SettingsSources again;
    again.config_file = "/dev/null";
    again.assignments = {origin.key + "=" + origin.value};
    EXPECT_EQ(ErrorOf(again), "") << origin.key;
  }
}

}  // namespace
}  // namespace tidepool::daemon
