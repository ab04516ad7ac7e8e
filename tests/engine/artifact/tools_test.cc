// The tools that people look at ELF files with must take ours without complaint.
#include <cstdio>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/platform/files.h"
#include "tests/engine/artifact/fake_code.h"

namespace tidepool::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

bool Installed(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

// Both output streams; the exit status in `status`.
std::string OutputOf(const std::string& command, int* status) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), pipe)) {
    output.append(buffer, count);
  }
  *status = ::pclose(pipe);
  return output;
}

class Tools : public ::testing::Test {
 protected:
  Tools() {
    const auto bytes = test::ArtifactOf(test::EverythingModule());
    EXPECT_TRUE(WriteFileDurably(path_, bytes).ok());
  }
  ~Tools() override { ::unlink(path_.c_str()); }

  std::string Run(const std::string& tool, const std::string& arguments) {
    int status;
    std::string output = OutputOf(tool + " " + arguments + " " + path_, &status);
    EXPECT_EQ(status, 0) << output;
    EXPECT_THAT(output, Not(HasSubstr("arning"))) << output;
    EXPECT_THAT(output, Not(HasSubstr("rror:"))) << output;
    return output;
  }

  const std::string path_ = ::testing::TempDir() + "/tools.tpa";
};

TEST_F(Tools, ObjdumpDisassembles) {
  if (!Installed("objdump")) GTEST_SKIP() << "objdump is not installed";
  EXPECT_THAT(Run("objdump", "-d"), HasSubstr("push   %rbp"));
}

TEST_F(Tools, ReadelfReadsAll) {
  if (!Installed("readelf")) GTEST_SKIP() << "readelf is not installed";
  const std::string output = Run("readelf", "-aW");
  EXPECT_THAT(output, HasSubstr(".tidepool.meta"));
  EXPECT_THAT(output, HasSubstr("LOAD"));
}

TEST_F(Tools, ReadelfReadsFrames) {
  if (!Installed("readelf")) GTEST_SKIP() << "readelf is not installed";
  const std::string output = Run("readelf", "--debug-dump=frames");
  EXPECT_THAT(output, HasSubstr("DW_CFA_def_cfa_register: r6 (rbp)"));
  EXPECT_THAT(output, HasSubstr("ZERO terminator"));
}

TEST_F(Tools, DwarfdumpReadsFrames) {
  const std::string tool = Installed("llvm-dwarfdump") ? "llvm-dwarfdump" : "llvm-dwarfdump-19";
  if (!Installed(tool)) GTEST_SKIP() << "llvm-dwarfdump is not installed";
  EXPECT_THAT(Run(tool, "--eh-frame"), HasSubstr("CFA=RBP+16: RBP=[CFA-16], RIP=[CFA-8]"));
}

TEST_F(Tools, GdbLoads) {
  if (!Installed("gdb")) GTEST_SKIP() << "gdb is not installed";
  EXPECT_THAT(Run("gdb", "-batch -nx -ex 'info files'"), HasSubstr("is .text"));
}

}  // namespace
}  // namespace tidepool::engine
