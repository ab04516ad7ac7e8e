#include "engine/platform/files.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    std::string pattern = ::testing::TempDir() + "/files_test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }
  size_t EntryCount() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::string folder_;
};

TEST_F(FilesTest, ReadsBackWhatWasWritten) {
  const std::vector<uint8_t> content(300'000, 42);
  ASSERT_TRUE(WriteFileDurably(folder_ + "/f", content).ok());
  const absl::StatusOr<std::vector<uint8_t>> read = ReadFile(folder_ + "/f", content.size());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, content);
  struct stat facts;
  ASSERT_EQ(::stat((folder_ + "/f").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(FilesTest, AFileLongerThanTheLimitIsRefusedWithTheLimit) {
  ASSERT_TRUE(WriteFileDurably(folder_ + "/f", std::vector<uint8_t>(101, 1)).ok());
  const absl::Status status = ReadFile(folder_ + "/f", 100).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("100 bytes"));
}

TEST_F(FilesTest, AWriteThatFailsLeavesTheOldContentAndNothingElse) {
  const std::vector<uint8_t> old_content = {1, 2, 3};
  ASSERT_TRUE(WriteFileDurably(folder_ + "/f", old_content).ok());
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = WriteFileDurably(folder_ + "/f", std::vector<uint8_t>(100'000, 9));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(*ReadFile(folder_ + "/f", 100), old_content);
  EXPECT_EQ(EntryCount(), 1u);
}

TEST_F(FilesTest, AFolderThatIsNotThereIsNamed) {
  const absl::Status status = WriteFileDurably(folder_ + "/none/f", {});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("/none/f"));
}

}  // namespace
}  // namespace tidepool
