#include "daemon/compile_worker/compile_client.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/daemon/compile_worker/worker_fixture.h"

namespace tidepool::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class CompileClientTest : public WorkerTest {};

TEST_F(CompileClientTest, CompilesAGoodModule) {
  const auto report = CompileGood();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->timings.module_bytes, GoodModule().size());
  EXPECT_EQ(report->timings.function_count, 1u);
  EXPECT_GT(report->timings.text_bytes, 0u);
  EXPECT_GT(report->timings.memory_peak_bytes, 0u);
  const auto artifact = engine::MappedArtifact::FromFd(
      output_.get(), "artifact", {.cpu_features = CpuFeatureSet(), .verify = true});
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  EXPECT_NE(artifact->info().FindExport("add"), nullptr);
  EXPECT_EQ(artifact->file().size(), report->timings.artifact_bytes);
}

TEST_F(CompileClientTest, HandsOptionsOn) {
  engine::CompileOptions options;
  options.bounds = engine::Bounds::kExplicit;
  options.names = false;
  options.padding_bytes = 64;
  output_ = CreateMemfd("artifact", 0).value();
  ASSERT_TRUE(client_->Compile(GoodModule(), output_.get(), options, limits_).ok());
  const auto artifact = engine::MappedArtifact::FromFd(output_.get(), "artifact", {});
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  EXPECT_EQ(artifact->meta().options.bounds, engine::Bounds::kExplicit);
  EXPECT_EQ(artifact->meta().options.padding_bytes, 64u);
  EXPECT_FALSE(artifact->meta().options.names);
}

TEST_F(CompileClientTest, CompilesFromAFileOpenForReading) {
  const UniqueFd memfd = CreateMemfd("module", 0).value();
  const std::vector<uint8_t> module = GoodModule();
  ASSERT_EQ(::write(memfd.get(), module.data(), module.size()),
            static_cast<ssize_t>(module.size()));
  const UniqueFd reader(
      ::open(("/proc/self/fd/" + std::to_string(memfd.get())).c_str(), O_RDONLY | O_CLOEXEC));
  output_ = CreateMemfd("artifact", 0).value();
  EXPECT_TRUE(client_->Compile(reader.get(), output_.get(), {}, limits_).ok());
  const absl::Status writable =
      client_->Compile(memfd.get(), output_.get(), {}, limits_).status();
  EXPECT_EQ(writable.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(writable.message()), HasSubstr("for reading only"));
}

TEST_F(CompileClientTest, RefusesMalformedModulesInTheCompilersWords) {
  std::vector<uint8_t> module = GoodModule();
  module.resize(module.size() - 3);
  output_ = CreateMemfd("artifact", 0).value();
  const absl::Status status = client_->Compile(module, output_.get(), {}, limits_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("offset"));
  const absl::Status empty = client_->Compile({}, output_.get(), {}, limits_).status();
  EXPECT_EQ(empty.code(), absl::StatusCode::kInvalidArgument) << empty;
  const absl::Status invalid =
      client_->Compile(InvalidModule(), output_.get(), {}, limits_).status();
  EXPECT_EQ(invalid.code(), absl::StatusCode::kInvalidArgument) << invalid;
}

TEST_F(CompileClientTest, TurnsCrashesIntoErrorsAndGoesOn) {
  EXPECT_THAT(Message(CompileFault::kSegmentationFault),
              StartsWith("compiler killed by signal 11 (Segmentation fault)"));
  EXPECT_THAT(Message(CompileFault::kOverflowStack), StartsWith("compiler killed by signal 11"));
  const absl::Status check = Commit(CompileFault::kCheckFailure);
  EXPECT_EQ(check.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(check.message()), StartsWith("compiler killed by signal 6 (Aborted): "));
  EXPECT_THAT(std::string(check.message()), HasSubstr("a fault was asked for"));
  EXPECT_TRUE(CompileGood().ok());
}

TEST_F(CompileClientTest, EndsAtTheWallLimit) {
  limits_.wall = absl::Milliseconds(200);
  const absl::Status status = Commit(CompileFault::kBlock);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "compile time limit of 200ms reached");
  limits_.wall = absl::Seconds(20);
  EXPECT_TRUE(CompileGood().ok());
}

TEST_F(CompileClientTest, EndsAtTheCpuLimit) {
  limits_.cpu = absl::Seconds(1);
  const absl::Status status = Commit(CompileFault::kSpin);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "compile CPU time limit of 1s reached");
  EXPECT_TRUE(CompileGood().ok());
}

TEST_F(CompileClientTest, EndsAtTheMemoryLimit) {
  limits_.memory_bytes = 64 * kMiB;
  const absl::Status status = Commit(CompileFault::kExhaustMemory);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "memory limit of 64MiB reached");
  EXPECT_TRUE(CompileGood().ok());
}

TEST_F(CompileClientTest, EndsAtTheArtifactLimit) {
  limits_.artifact_bytes = 4 * kMiB;
  const absl::Status status = Commit(CompileFault::kWriteTooMuch);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "artifact size limit of 4MiB reached");
  limits_.artifact_bytes = 1000;
  EXPECT_THAT(std::string(CompileGood().status().message()), HasSubstr("the limit is 1000 bytes"));
}

TEST_F(CompileClientTest, BelievesNoResultThatDoesNotFit) {
  EXPECT_EQ(Message(CompileFault::kExitSilently), "compiler ended without a result");
  EXPECT_EQ(Message(CompileFault::kSendGarbage), "compiler ended without a result");
  EXPECT_EQ(Message(CompileFault::kExitAfterResult), "compiler ended with exit status 1");
  EXPECT_EQ(Message(CompileFault::kClaimWrongSize),
            "compiler claims an artifact of 12345 bytes but wrote 0");
}

TEST_F(CompileClientTest, RefusesFaultsUnlessStartedForTests) {
  auto strict = CompileClient::Start({.path = CompilerPath()}).value();
  std::swap(strict, client_);
  const absl::Status status = Commit(CompileFault::kSegmentationFault);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("faults are for tests"));
  EXPECT_TRUE(CompileGood().ok());
}

TEST_F(CompileClientTest, CompilesSeveralAtOnce) {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i, &good] {
      for (int round = 0; round < 10; ++round) {
        const UniqueFd output = CreateMemfd("artifact", 0).value();
        const bool expect_ok = (i + round) % 2 == 0;
        const auto report = client_->Compile(expect_ok ? GoodModule() : InvalidModule(),
                                             output.get(), {}, limits_);
        if (report.ok() == expect_ok) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

TEST_F(CompileClientTest, DoesNotWaitForASlowNeighbour) {
  std::thread slow([this] {
    const UniqueFd input(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const UniqueFd output = CreateMemfd("artifact", 0).value();
    CompileLimits limits = limits_;
    limits.wall = absl::Seconds(3);
    EXPECT_FALSE(
        client_->CompileWithFaultForTest(input.get(), output.get(), limits, CompileFault::kBlock).ok());
  });
  const absl::Time begin = absl::Now();
  EXPECT_TRUE(CompileGood().ok());
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
  slow.join();
}

TEST_F(CompileClientTest, ReportsADeadZygoteAndStartsAnother) {
  const pid_t first = client_->zygote_pid_for_test();
  std::thread killer([first] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    ::kill(first, SIGKILL);
  });
  const absl::Status status = Commit(CompileFault::kBlock);
  killer.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(),
            "the compiler process ended during the compilation; the next compilation starts another");
  EXPECT_TRUE(CompileGood().ok());
  EXPECT_NE(client_->zygote_pid_for_test(), first);
}

TEST_F(CompileClientTest, NoticesAZygoteThatDiedBetweenCalls) {
  const pid_t first = client_->zygote_pid_for_test();
  ::kill(first, SIGKILL);
  const absl::Status status = CompileGood().status();
  // Either end of the race between death and request is an error of that one call.
  if (!status.ok()) EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(CompileGood().ok());
}

TEST(CompileClient, EndsItsZygoteWithItself) {
  auto client = CompileClient::Start({.path = CompilerPath()}).value();
  const pid_t zygote = client->zygote_pid_for_test();
  EXPECT_EQ(::kill(zygote, 0), 0);
  client.reset();
  EXPECT_NE(::kill(zygote, 0), 0);
}

TEST(CompileClient, RefusesProgramsThatAreNoCompiler) {
  const auto missing = CompileClient::Start({.path = "/nonexistent/tidepool-compiler"});
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("/nonexistent"));
  const auto other = CompileClient::Start({.path = "/bin/true"});
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("does not answer"));
}

}  // namespace
}  // namespace tidepool::daemon
