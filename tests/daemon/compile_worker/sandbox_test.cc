#include "daemon/compile_worker/sandbox.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/daemon/compile_worker/worker_fixture.h"

namespace tidepool::daemon {
namespace {

using ::testing::HasSubstr;

class Sandbox : public WorkerTest, public ::testing::WithParamInterface<CompileFault> {};

TEST_P(Sandbox, KillsAtTheForbiddenSystemCall) {
  const pid_t zygote = client_->zygote_pid_for_test();
  const absl::Status status = Commit(GetParam());
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("system call that its sandbox forbids"));
  EXPECT_TRUE(CompileGood().ok());
  EXPECT_EQ(client_->zygote_pid_for_test(), zygote);
}

INSTANTIATE_TEST_SUITE_P(EveryCall, Sandbox,
                         ::testing::Values(CompileFault::kOpenFile, CompileFault::kOpenSocket, CompileFault::kFork,
                                           CompileFault::kMapExecutable, CompileFault::kKillParent));

class SandboxTest : public WorkerTest {};

TEST_F(SandboxTest, LeavesTheInputUnwritable) {
  const absl::Status status = Commit(CompileFault::kWriteInput);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(SandboxTest, HoldsNoDescriptorsButItsOwn) {
  // One that is not close-on-exec must not get there either.
  const int leak = ::open("/dev/null", O_RDONLY);
  auto client = CompileClient::Start({.path = CompilerPath(), .test_faults = true}).value();
  std::swap(client, client_);
  const absl::Status status = Commit(CompileFault::kListDescriptors);
  EXPECT_TRUE(status.ok()) << status;
  ::close(leak);
}

}  // namespace
}  // namespace tidepool::daemon
