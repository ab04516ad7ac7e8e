#include "daemon/logs/log_line.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

std::string Lines(absl::string_view text) {
  std::string out;
  AppendLogLines(out, 1'700'000'000'123'456'000, "01J", LogSource::kError, text);
  return out;
}

TEST(LogLine, HeadsEachLineWithTimeInvocationAndSource) {
  EXPECT_EQ(Lines("one\ntwo"),
            "2023-11-14T22:13:20.123456Z 01J err one\n"
            "2023-11-14T22:13:20.123456Z 01J err two\n");
}

TEST(LogLine, EscapesWhatCouldMoveACursorOrForgeALine) {
  EXPECT_THAT(Lines(absl::string_view("a\x1b[2Jb\0c\rd\t\x7f", 12)),
              testing::EndsWith(" err a\\x1b[2Jb\\x00c\\x0dd\t\\x7f\n"));
}

TEST(LogLine, DropsTheCarriageReturnOfAWindowsLine) {
  EXPECT_THAT(Lines("text\r\n"), testing::EndsWith(" err text\n"));
}

TEST(LogLine, WritesNothingForNothing) { EXPECT_EQ(Lines(""), ""); }

}  // namespace
}  // namespace tidepool::daemon
