#include "daemon/logs/function_logs.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using test::IsOk;

// What the disk does: 0 works, else fails with that errno; stalls while g_is_stalled.
std::atomic<int> g_disk_error{0};
std::atomic<bool> g_is_stalled{false};
ssize_t ScriptedWrite(int fd, const void* bytes, size_t count) {
  while (g_is_stalled.load()) absl::SleepFor(absl::Milliseconds(1));
  if (g_disk_error.load() != 0) {
    errno = g_disk_error.load();
    return -1;
  }
  return ::write(fd, bytes, count);
}

class FunctionLogsTest : public testing::Test {
 protected:
  FunctionLogsTest() : folder_(testing::TempDir() + "/function_logs") {
    std::filesystem::remove_all(folder_);
    g_disk_error = 0;
    g_is_stalled = false;
    Open(1 << 20);
  }
  ~FunctionLogsTest() override { g_is_stalled = false; }
  void Open(uint64_t ring_bytes) {
    logs_.reset();
    auto logs = FunctionLogs::Open(
        {.folder = folder_, .ring_bytes = ring_bytes, .segments = {.write = &ScriptedWrite}});
    ASSERT_THAT(logs.status(), IsOk());
    logs_ = *std::move(logs);
  }
  std::string Text(absl::string_view function = "f") {
    return logs_->Read("t", function, {}, 1 << 20)->text;
  }
  const std::string folder_;
  std::unique_ptr<FunctionLogs> logs_;
};

TEST_F(FunctionLogsTest, KeepsFunctionsApart) {
  logs_->Append("t", "f", "of f\n");
  logs_->Append("t", "g", "of g\n");
  logs_->Flush();
  EXPECT_EQ(Text("f"), "of f\n");
  EXPECT_EQ(Text("g"), "of g\n");
  EXPECT_EQ(Text("none"), "");
}

TEST_F(FunctionLogsTest, SurvivesARestart) {
  logs_->Append("t", "f", "before\n");
  Open(1 << 20);
  logs_->Append("t", "f", "after\n");
  logs_->Flush();
  EXPECT_EQ(Text(), "before\nafter\n");
}

TEST_F(FunctionLogsTest, NeverWaitsForAStalledDiskAndMarksWhatIsMissing) {
  Open(/*ring_bytes=*/100);
  g_is_stalled = true;
  const absl::Time start = absl::Now();
  for (int i = 0; i < 1000; ++i) logs_->Append("t", "f", absl::StrCat("line ", i, "\n"));
  EXPECT_LT(absl::Now() - start, absl::Seconds(1));
  const uint64_t dropped = logs_->stats().dropped_appends;
  EXPECT_GT(dropped, 900u);
  g_is_stalled = false;
  logs_->Flush();
  logs_->Append("t", "f", "last\n");
  logs_->Flush();
  EXPECT_THAT(Text(), testing::HasSubstr(absl::StrCat("log incomplete: ", dropped,
                                                      " writes were lost before this line")));
  EXPECT_THAT(Text(), testing::EndsWith("last\n"));
}

TEST_F(FunctionLogsTest, CountsAndMarksWhatAFullDiskRefused) {
  g_disk_error = ENOSPC;
  logs_->Append("t", "f", "lost\n");
  logs_->Flush();
  EXPECT_EQ(logs_->stats().dropped_appends, 1u);
  g_disk_error = 0;
  logs_->Append("t", "f", "kept\n");
  logs_->Flush();
  EXPECT_THAT(Text(), testing::HasSubstr("log incomplete: 1 writes"));
  EXPECT_THAT(Text(), testing::Not(testing::HasSubstr("lost\n")));
  EXPECT_THAT(Text(), testing::EndsWith("kept\n"));
}

TEST_F(FunctionLogsTest, TellsFollowersOfEachWrite) {
  const uint64_t version = logs_->version();
  EXPECT_FALSE(logs_->WaitForChange(version, absl::Milliseconds(1)));
  logs_->Append("t", "f", "line\n");
  EXPECT_TRUE(logs_->WaitForChange(version, absl::Seconds(10)));
  EXPECT_EQ(Text(), "line\n");
}

TEST_F(FunctionLogsTest, RemovesTheLogsOfADeletedFunction) {
  logs_->Append("t", "f", "line\n");
  logs_->Remove("t", "f");
  logs_->Flush();
  EXPECT_EQ(Text(), "");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/t/f"));
}

TEST_F(FunctionLogsTest, RefusesNamesThatAreNoNames) {
  logs_->Append("..", "f", "line\n");
  logs_->Append("t", "../../f", "line\n");
  logs_->Flush();
  EXPECT_FALSE(std::filesystem::exists(testing::TempDir() + "/f"));
  EXPECT_THAT(logs_->Read("t", "../g", {}, 10).status(),
              test::StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidepool::daemon
