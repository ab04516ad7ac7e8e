#include "daemon/compile_worker/verdict.h"

#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/support/units.h"

namespace tidepool::daemon {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kArtifactBytes = 500;

ResultMessage Success() {
  engine::CompileTimings timings;
  timings.artifact_bytes = kArtifactBytes;
  return ToWire(absl::OkStatus(), timings);
}

ExitMessage EndedWith(int wait_status) {
  ExitMessage exit{};
  exit.wait_status = wait_status;
  return exit;
}

absl::Status Verdict(const ExitMessage& exit, const std::optional<ResultMessage>& result) {
  return Judge(exit, result, kArtifactBytes, CompileLimits()).status();
}

TEST(Judge, AcceptsAResultOnlyWithACleanEnd) {
  EXPECT_TRUE(Verdict(EndedWith(0), Success()).ok());
  EXPECT_FALSE(Verdict(EndedWith(1 << 8), Success()).ok());
  EXPECT_FALSE(Verdict(EndedWith(11), Success()).ok());
  EXPECT_FALSE(Verdict(EndedWith(0), std::nullopt).ok());
}

TEST(Judge, PassesTheCompilersErrorsOn) {
  for (const absl::Status& status :
       {absl::InvalidArgumentError("at offset 7: no"), absl::ResourceExhaustedError("too long"),
        absl::UnimplementedError("tier")}) {
    EXPECT_EQ(Verdict(EndedWith(0), ToWire(status, {})), status);
  }
}

TEST(Judge, TurnsUnknownCodesIntoInternal) {
  ResultMessage result = ToWire(absl::PermissionDeniedError("x"), {});
  EXPECT_EQ(Verdict(EndedWith(0), result).code(), absl::StatusCode::kInternal);
  result.status_code = 12345;
  EXPECT_EQ(Verdict(EndedWith(0), result).code(), absl::StatusCode::kInternal);
  result.status_code = -1;
  EXPECT_EQ(Verdict(EndedWith(0), result).code(), absl::StatusCode::kInternal);
}

TEST(Judge, StaysInsideTextsOfImpossibleLength) {
  ResultMessage result = ToWire(absl::InvalidArgumentError("x"), {});
  result.text_bytes_count = UINT32_MAX;
  EXPECT_LE(Verdict(EndedWith(0), result).message().size(), kResultTextBytesMax);
  ExitMessage exit = EndedWith(11);
  std::memset(exit.last_words, 'w', sizeof(exit.last_words));
  exit.last_words_bytes = UINT32_MAX;
  EXPECT_LE(Verdict(exit, std::nullopt).message().size(), kLastWordsBytesMax + 100);
}

TEST(Judge, LetsNobodyForgeLogLines) {
  const absl::Status status =
      Verdict(EndedWith(0), ToWire(absl::InvalidArgumentError("a\nb\x1b[2Jc"), {}));
  EXPECT_EQ(status.message(), "a b [2Jc");
}

TEST(Judge, NamesEachLimit) {
  CompileLimits limits;
  limits.cpu = absl::Seconds(30);
  limits.wall = absl::Minutes(2);
  limits.memory_bytes = 512 * kMiB;
  limits.artifact_bytes = kGiB;
  const auto message = [&limits](const ExitMessage& exit, std::optional<ResultMessage> result) {
    const absl::Status status = Judge(exit, result, 0, limits).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    return std::string(status.message());
  };
  EXPECT_EQ(message(EndedWith(24), {}), "compile CPU time limit of 30s reached");
  EXPECT_EQ(message(EndedWith(25), {}), "artifact size limit of 1GiB reached");
  ExitMessage overdue = EndedWith(9);
  overdue.reason = ExitMessage::kWallLimit;
  EXPECT_EQ(message(overdue, {}), "compile time limit of 2m reached");
  ResultMessage out_of_memory{};
  out_of_memory.kind = ResultMessage::kOutOfMemory;
  EXPECT_EQ(message(EndedWith(4 << 8), out_of_memory), "memory limit of 512MiB reached");
}

TEST(Judge, BelievesTheFileAndNotTheClaim) {
  EXPECT_FALSE(Judge(EndedWith(0), Success(), kArtifactBytes - 1, CompileLimits()).ok());
  CompileLimits small;
  small.artifact_bytes = kArtifactBytes - 1;
  EXPECT_FALSE(Judge(EndedWith(0), Success(), kArtifactBytes, small).ok());
}

}  // namespace
}  // namespace tidepool::daemon
