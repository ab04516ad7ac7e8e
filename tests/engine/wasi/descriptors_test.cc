// Descriptor numbers, rights and flags (security.md, W3 and W4).
#include "engine/wasi/limits.h"
#include "tests/engine/wasi/wasi_fixture.h"

namespace tidepool::engine::wasi {
namespace {

class DescriptorsTest : public WasiTest {
 protected:
  void SetUp() override {
    WasiTest::SetUp();
    Preopen();
    Write(root / "file", "text");
  }
  size_t OpenHostDescriptors() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                             std::filesystem::directory_iterator()));
  }
};

TEST_F(DescriptorsTest, RenumberOntoItselfKeepsIt) {
  const uint32_t fd = MustOpen("file");
  EXPECT_EQ(Invoke(&FdRenumber, fd, fd), Errno::kSuccess);
  EXPECT_EQ(ReadFd(fd, 4), Errno::kSuccess);
}

TEST_F(DescriptorsTest, RenumberClosesWhatWasThere) {
  const uint32_t a = MustOpen("file");
  const uint32_t b = MustOpen("file");
  const size_t before = OpenHostDescriptors();
  EXPECT_EQ(Invoke(&FdRenumber, a, b), Errno::kSuccess);
  EXPECT_EQ(OpenHostDescriptors(), before - 1);
  EXPECT_EQ(ReadFd(a, 1), Errno::kBadf);
  EXPECT_EQ(ReadFd(b, 1), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdClose, b), Errno::kSuccess);
  EXPECT_EQ(OpenHostDescriptors(), before - 2);
}

TEST_F(DescriptorsTest, RenumberOntoAPreopenReplacesIt) {
  const uint32_t fd = MustOpen("file");
  EXPECT_EQ(Invoke(&FdRenumber, fd, kRoot), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdPrestatGet, kRoot, kResult), Errno::kBadf);
  EXPECT_EQ(Open("file").error, Errno::kNotdir);
  EXPECT_EQ(ReadFd(kRoot, 4), Errno::kSuccess);
}

TEST_F(DescriptorsTest, RenumberOfClosedDescriptorsFails) {
  EXPECT_EQ(Invoke(&FdRenumber, 99u, kRoot), Errno::kBadf);
  EXPECT_EQ(Invoke(&FdRenumber, kRoot, 99u), Errno::kBadf);
  EXPECT_EQ(Invoke(&FdRenumber, kRoot, UINT32_MAX), Errno::kBadf);
  EXPECT_EQ(Invoke(&FdPrestatGet, kRoot, kResult), Errno::kSuccess);
}

TEST_F(DescriptorsTest, LowestFreeNumberIsGivenOut) {
  const uint32_t a = MustOpen("file");
  const uint32_t b = MustOpen("file");
  EXPECT_EQ(b, a + 1);
  EXPECT_EQ(Invoke(&FdClose, a), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdClose, a), Errno::kBadf);
  EXPECT_EQ(MustOpen("file"), a);
}

TEST_F(DescriptorsTest, NumberOfDescriptorsIsLimited) {
  uint32_t opened = 0;
  Opened last{};
  while ((last = Open("file")).error == Errno::kSuccess) ++opened;
  EXPECT_EQ(last.error, Errno::kMfile);
  EXPECT_EQ(opened, limits::kDescriptorsMax - 4) << "three streams and a preopen are open too";
  EXPECT_EQ(Open("new", rights::kFdWrite, kOpenCreate).error, Errno::kMfile);
  EXPECT_FALSE(std::filesystem::exists(root / "new")) << "refused, yet created";
  EXPECT_EQ(Invoke(&FdClose, 10u), Errno::kSuccess);
  EXPECT_EQ(Open("file").error, Errno::kSuccess);
}

TEST_F(DescriptorsTest, RightsOnlyShrink) {
  const uint32_t fd = MustOpen("file", rights::kFdRead | rights::kFdSeek);
  EXPECT_EQ(Invoke(&FdFdstatGet, fd, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<Fdstat>(kResult).rights_base, rights::kFdRead | rights::kFdSeek);
  EXPECT_EQ(Invoke(&FdFdstatSetRights, fd, rights::kFdSeek, 0u), Errno::kSuccess);
  EXPECT_EQ(ReadFd(fd, 1), Errno::kNotcapable);
  EXPECT_EQ(Invoke(&FdFdstatSetRights, fd, rights::kFdSeek | rights::kFdRead, 0u),
            Errno::kNotcapable);
  EXPECT_EQ(Invoke(&FdFdstatSetRights, fd, 0u, 1u), Errno::kNotcapable);
}

TEST_F(DescriptorsTest, WhatADirectoryDoesNotInheritCannotBeOpened) {
  EXPECT_EQ(Invoke(&FdFdstatSetRights, kRoot, rights::kDirectory, rights::kFdRead),
            Errno::kSuccess);
  EXPECT_EQ(Open("file", rights::kFdWrite).error, Errno::kNotcapable);
  EXPECT_EQ(Open("file", rights::kFdRead).error, Errno::kSuccess);
}

TEST_F(DescriptorsTest, FunctionsOfFilesRefuseOtherThings) {
  EXPECT_EQ(ReadFd(kRoot, 1), Errno::kIsdir);
  EXPECT_EQ(ReadFd(1, 1), Errno::kBadf);
  EXPECT_EQ(WriteFd(0, "x"), Errno::kBadf);
  EXPECT_EQ(ReadFd(77, 1), Errno::kBadf);
  EXPECT_EQ(Invoke(&FdSeek, 0u, 0u, 0u, kResult), Errno::kSpipe);
  EXPECT_EQ(Invoke(&FdReaddir, 0u, kBuffer, 100u, 0u, kResult), Errno::kNotdir);
  EXPECT_EQ(OnPath(&PathUnlinkFile, "file", /*directory=*/0), Errno::kNotdir);
}

TEST_F(DescriptorsTest, NoDescriptorIsASocket) {
  EXPECT_EQ(Invoke(&SockShutdown, 99u, 0u), Errno::kBadf);
  EXPECT_EQ(Invoke(&SockShutdown, kRoot, 0u), Errno::kNotsock);
  EXPECT_EQ(Invoke(&SockRecv, 0u, kBuffer, 1u, 0u, kResult, kResult), Errno::kNotsock);
  EXPECT_EQ(Invoke(&SockSend, 1u, kBuffer, 1u, 0u, kResult), Errno::kNotsock);
  EXPECT_EQ(Invoke(&SockAccept, 2u, 0u, kResult), Errno::kNotsock);
  EXPECT_EQ(Invoke(&ProcRaise, 9u), Errno::kNosys);
}

TEST_F(DescriptorsTest, PreopensAreNamed) {
  EXPECT_EQ(Invoke(&FdPrestatGet, kRoot, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<Prestat>(kResult).name_bytes, 1u);
  EXPECT_EQ(Invoke(&FdPrestatDirName, kRoot, kBuffer, 1u), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, 1), "/");
  EXPECT_EQ(Invoke(&FdPrestatDirName, kRoot, kBuffer, 0u), Errno::kNametoolong);
  EXPECT_EQ(Invoke(&FdPrestatGet, kRoot + 1, kResult), Errno::kBadf);
}

}  // namespace
}  // namespace tidepool::engine::wasi
