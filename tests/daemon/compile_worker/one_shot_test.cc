#include "daemon/compile_worker/one_shot.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/platform/files.h"
#include "tests/daemon/compile_worker/worker_fixture.h"

namespace tidepool::daemon {
namespace {

using ::testing::HasSubstr;

class OneShot : public ::testing::Test {
 protected:
  ~OneShot() override {
    ::unlink(module_.c_str());
    ::unlink(artifact_.c_str());
  }
  void Write(const std::vector<uint8_t>& bytes) {
    ASSERT_TRUE(WriteFileDurably(module_, bytes).ok());
  }
  // Exit status; both streams in output_.
  int Run(const std::string& arguments) {
    FILE* pipe = ::popen((CompilerPath() + " " + arguments + " 2>&1").c_str(), "r");
    output_.clear();
    char buffer[4096];
    while (const size_t count = std::fread(buffer, 1, sizeof(buffer), pipe)) {
      output_.append(buffer, count);
    }
    return WEXITSTATUS(::pclose(pipe));
  }
  std::string Files() const { return module_ + " " + artifact_; }

  const std::string module_ = ::testing::TempDir() + "/one-shot.wasm";
  const std::string artifact_ = ::testing::TempDir() + "/one-shot.tpa";
  std::string output_;
};

TEST_F(OneShot, CompilesFromFileToFile) {
  Write(GoodModule());
  EXPECT_EQ(Run("--one-shot " + Files() + " --option bounds=explicit"), kExitOk) << output_;
  EXPECT_EQ(output_, "");
  const auto artifact = engine::MappedArtifact::Open(artifact_, {.verify = true});
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  EXPECT_EQ(artifact->meta().options.bounds, engine::Bounds::kExplicit);
}

TEST_F(OneShot, PrintsTimings) {
  Write(GoodModule());
  EXPECT_EQ(Run("--one-shot " + Files() + " --timings --format json"), kExitOk);
  EXPECT_THAT(output_, HasSubstr("\"validate\":{\"wall_seconds\":"));
  EXPECT_EQ(Run("--one-shot " + Files() + " --timings"), kExitOk);
  EXPECT_THAT(output_, HasSubstr("functions 1, memory peak"));
}

TEST_F(OneShot, TellsWhatIsWrongByTextAndExitStatus) {
  Write(InvalidModule());
  EXPECT_EQ(Run("--one-shot " + Files()), kExitInvalid);
  EXPECT_THAT(output_, HasSubstr(module_ + ": "));
  EXPECT_NE(::access(artifact_.c_str(), F_OK), 0) << "nothing half-made is left";
  EXPECT_EQ(Run("--one-shot /nonexistent.wasm " + artifact_), kExitNotFound);
  EXPECT_EQ(Run("--one-shot " + Files() + " --option bounds=none"), kExitUsage);
  EXPECT_EQ(Run("--one-shot " + module_), kExitUsage);
  EXPECT_EQ(Run("--nonsense"), kExitUsage);
  EXPECT_EQ(Run("--one-shot " + Files() + " --tier optimized"), kExitFailure);
  EXPECT_THAT(output_, HasSubstr("tier optimized is not built"));
}

}  // namespace
}  // namespace tidepool::daemon
