// A read-only preopen is read-only for every operation (security.md, W2).
#include "tests/engine/wasi/wasi_fixture.h"

namespace tidepool::engine::wasi {
namespace {

namespace fs = std::filesystem;

class ReadOnlyTest : public WasiTest {
 protected:
  static constexpr uint32_t kWritable = 4;  // A second preopen.

  void SetUp() override {
    WasiTest::SetUp();
    Preopen(/*read_only=*/true);
    fs::create_directory(place / "writable");
    fs::create_directory(root / "dir");
    Write(root / "file", "kept");
    Write(place / "writable" / "file", "other");
    ASSERT_THAT(context().AddPreopen((place / "writable").string(), "/w", false), test::IsOk());
  }
  void TearDown() override {
    EXPECT_EQ(Read(root / "file"), "kept");
    EXPECT_EQ(std::distance(fs::directory_iterator(root), fs::directory_iterator()), 2);
    EXPECT_EQ(fs::hard_link_count(root / "file"), 1u);
    WasiTest::TearDown();
  }
};

TEST_F(ReadOnlyTest, CanBeRead) {
  const uint32_t fd = MustOpen("file", rights::kFdRead | rights::kFdSeek);
  EXPECT_EQ(ReadFd(fd, 100), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, Load<uint32_t>(kResult)), "kept");
  EXPECT_EQ(Stat("file"), Errno::kSuccess);
  EXPECT_EQ(Open("dir", rights::kFdReaddir, kOpenDirectory).error, Errno::kSuccess);
}

TEST_F(ReadOnlyTest, OpensNothingForChange) {
  EXPECT_EQ(Open("file", rights::kFdWrite).error, Errno::kRofs);
  EXPECT_EQ(Open("file", rights::kFdAllocate).error, Errno::kRofs);
  EXPECT_EQ(Open("file", rights::kFdSetSize).error, Errno::kRofs);
  EXPECT_EQ(Open("file", rights::kFdRead, kOpenTruncate).error, Errno::kRofs);
  EXPECT_EQ(Open("new", rights::kFdRead, kOpenCreate).error, Errno::kRofs);
  EXPECT_EQ(Open("file", rights::kFdRead, kOpenCreate | kOpenExclusive).error, Errno::kRofs);
}

TEST_F(ReadOnlyTest, ChangesNoNames) {
  EXPECT_EQ(OnPath(&PathCreateDirectory, "new"), Errno::kRofs);
  EXPECT_EQ(OnPath(&PathRemoveDirectory, "dir"), Errno::kRofs);
  EXPECT_EQ(OnPath(&PathUnlinkFile, "file"), Errno::kRofs);
  EXPECT_EQ(Symlink("file", "new"), Errno::kRofs);
  EXPECT_EQ(Rename("file", "new"), Errno::kRofs);
  EXPECT_EQ(Link("file", "new"), Errno::kRofs);
}

TEST_F(ReadOnlyTest, NothingCrossesInEitherDirection) {
  EXPECT_EQ(Rename("file", "new", kRoot, kWritable), Errno::kRofs);
  EXPECT_EQ(Rename("file", "new", kWritable, kRoot), Errno::kRofs);
  EXPECT_EQ(Link("file", "new", kRoot, kWritable), Errno::kRofs);
  EXPECT_EQ(Link("file", "new", kWritable, kRoot), Errno::kRofs);
  EXPECT_EQ(Rename("file", "renamed", kWritable, kWritable), Errno::kSuccess);
}

TEST_F(ReadOnlyTest, ChangesNoTimes) {
  EXPECT_EQ(Invoke(&PathFilestatSetTimes,
                   kRoot,
                   kLookupFollow,
                   kPath,
                   Put(kPath, "file"),
                   1u,
                   1u,
                   kSetModifyTime),
            Errno::kRofs);
  // The right to set times can be had; it is of no use.
  const uint32_t fd = MustOpen("file", rights::kFdRead | rights::kFdSetTimes);
  EXPECT_EQ(Invoke(&FdFilestatSetTimes, fd, 1u, 1u, kSetModifyTime), Errno::kRofs);
  EXPECT_EQ(Invoke(&FdFilestatSetTimes, kRoot, 1u, 1u, kSetModifyTime), Errno::kRofs);
}

TEST_F(ReadOnlyTest, HoldsForDirectoriesOpenedBeneath) {
  const Opened dir = Open("dir", rights::kDirectory, kOpenDirectory);
  ASSERT_EQ(dir.error, Errno::kSuccess);
  EXPECT_EQ(Open("new", rights::kFdWrite, kOpenCreate, 0, 0, dir.fd).error, Errno::kRofs);
  EXPECT_EQ(OnPath(&PathCreateDirectory, "new", dir.fd), Errno::kRofs);
  EXPECT_EQ(Rename("file", "file", kWritable, dir.fd), Errno::kRofs);
}

}  // namespace
}  // namespace tidepool::engine::wasi
