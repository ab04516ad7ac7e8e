#include "daemon/logs/log_segments.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using test::IsOk;

class LogSegmentsTest : public testing::Test {
 protected:
  LogSegmentsTest() : folder_(testing::TempDir() + "/segments") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  std::string All(uint64_t bytes_at_once) {
    std::string text;
    LogPosition at;
    for (int i = 0; i < 1000; ++i) {
      absl::StatusOr<LogChunk> chunk = ReadLogSegments(folder_, at, bytes_at_once);
      EXPECT_THAT(chunk.status(), IsOk());
      text += chunk->text;
      at = chunk->next;
      if (chunk->at_end) return text;
    }
    ADD_FAILURE() << "the end was never reached";
    return text;
  }
  const std::string folder_;
};

TEST_F(LogSegmentsTest, StartsANewSegmentWhenOneIsFull) {
  LogSegmentWriter writer(folder_, {.segment_bytes = 20});
  for (int i = 0; i < 5; ++i) ASSERT_THAT(writer.Append(absl::StrCat("line ", i, "\n")), IsOk());
  EXPECT_THAT(ListLogSegments(folder_), testing::ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(All(1 << 20), "line 0\nline 1\nline 2\nline 3\nline 4\n");
}

TEST_F(LogSegmentsTest, ReadsInPiecesOfWholeLines) {
  LogSegmentWriter writer(folder_, {.segment_bytes = 8192});
  std::string written;
  for (int i = 0; i < 3000; ++i) {
    const std::string line = absl::StrCat("line ", i, "\n");
    ASSERT_THAT(writer.Append(line), IsOk());
    written += line;
  }
  EXPECT_EQ(All(1), written);
  EXPECT_EQ(All(5000), written);
}

TEST_F(LogSegmentsTest, GoesOnInTheLastSegmentAfterARestart) {
  ASSERT_THAT(LogSegmentWriter(folder_, {}).Append("before\n"), IsOk());
  ASSERT_THAT(LogSegmentWriter(folder_, {}).Append("after\n"), IsOk());
  EXPECT_EQ(All(100), "before\nafter\n");
  EXPECT_THAT(ListLogSegments(folder_), testing::ElementsAre(1u));
}

TEST_F(LogSegmentsTest, EndsALineThatACrashCutOff) {
  std::ofstream(folder_ + "/00000001.log") << "half a li";
  ASSERT_THAT(LogSegmentWriter(folder_, {}).Append("whole\n"), IsOk());
  EXPECT_EQ(All(100), "half a li\nwhole\n");
}

TEST_F(LogSegmentsTest, KeepsNoMoreSegmentsThanItMay) {
  const LogSegmentOptions options{.segment_bytes = 10, .segments_max = 2};
  LogSegmentWriter writer(folder_, options);
  for (int i = 0; i < 5; ++i) ASSERT_THAT(writer.Append("123456789\n"), IsOk());
  writer.RemoveOld(0);
  EXPECT_THAT(ListLogSegments(folder_), testing::ElementsAre(4u, 5u));
}

TEST_F(LogSegmentsTest, RemovesWhatIsOlderThanRetentionButNotTheLast) {
  LogSegmentWriter writer(folder_, {.segment_bytes = 10, .retention_ns = 1'000});
  for (int i = 0; i < 3; ++i) ASSERT_THAT(writer.Append("123456789\n"), IsOk());
  writer.RemoveOld(int64_t{4} * 1'000'000'000 * 1'000'000'000);  // Far in the future.
  EXPECT_THAT(ListLogSegments(folder_), testing::ElementsAre(3u));
}

TEST_F(LogSegmentsTest, FindsWhereTheLastBytesBegin) {
  LogSegmentWriter writer(folder_, {.segment_bytes = 30});
  for (int i = 0; i < 9; ++i) ASSERT_THAT(writer.Append(absl::StrCat("line ", i, "\n")), IsOk());
  const auto tail = [&](uint64_t bytes) {
    return ReadLogSegments(folder_, LogPositionBeforeEnd(folder_, bytes), 1 << 20)->text;
  };
  EXPECT_EQ(tail(7), "line 8\n");
  EXPECT_EQ(tail(13), "line 8\n") << "half a line is no line";
  EXPECT_EQ(tail(21), "line 6\nline 7\nline 8\n") << "across segments";
  EXPECT_EQ(tail(1 << 20).size(), 63u);
}

int g_failing_error = 0;
ssize_t FailingWrite(int, const void*, size_t) {
  errno = g_failing_error;
  return -1;
}

TEST_F(LogSegmentsTest, SaysWhenTheDiskIsFull) {
  g_failing_error = ENOSPC;
  LogSegmentWriter writer(folder_, {.write = &FailingWrite});
  EXPECT_THAT(writer.Append("line\n"), test::StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace tidepool::daemon
