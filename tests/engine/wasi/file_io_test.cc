#include "engine/wasi/limits.h"
#include "tests/engine/wasi/wasi_fixture.h"

namespace tidepool::engine::wasi {
namespace {

class FileIoTest : public WasiTest {
 protected:
  void SetUp() override {
    WasiTest::SetUp();
    Preopen();
    Write(root / "file", "0123456789");
  }
  uint64_t Tell(uint32_t fd) {
    EXPECT_EQ(Invoke(&FdTell, fd, kResult), Errno::kSuccess);
    return Load<uint64_t>(kResult);
  }
  Errno Pwrite(uint32_t fd, const std::string& text, uint64_t offset) {
    Store(kPath, IoVector{kBuffer, Put(kBuffer, text)});
    return Invoke(&FdPwrite, fd, kPath, 1u, offset, kResult);
  }
};

TEST_F(FileIoTest, ScattersAndGathers) {
  const uint32_t fd = MustOpen("file");
  Store(kPath, IoVector{kBuffer, 3});
  Store(kPath + 8, IoVector{kBuffer + 100, 0});
  Store(kPath + 16, IoVector{kBuffer + 200, 100});
  EXPECT_EQ(Invoke(&FdRead, fd, kPath, 3u, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 10u);
  EXPECT_EQ(Text(kBuffer, 3) + Text(kBuffer + 200, 7), "0123456789");
  EXPECT_EQ(Invoke(&FdWrite, fd, kPath, 1u, kResult), Errno::kSuccess);
  EXPECT_EQ(Read(root / "file"), "0123456789012");
}

TEST_F(FileIoTest, PositionedAccessDoesNotMove) {
  const uint32_t fd = MustOpen("file");
  Store(kPath, IoVector{kBuffer, 4});
  EXPECT_EQ(Invoke(&FdPread, fd, kPath, 1u, 3u, kResult), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, 4), "3456");
  EXPECT_EQ(Pwrite(fd, "xy", 1), Errno::kSuccess);
  EXPECT_EQ(Tell(fd), 0u);
  EXPECT_EQ(Read(root / "file"), "0xy3456789");
}

TEST_F(FileIoTest, PwriteUsesItsOffsetInAppendModeToo) {
  const Opened opened = Open("file", rights::kFile, 0, kFdAppend);
  ASSERT_EQ(opened.error, Errno::kSuccess);
  EXPECT_EQ(Pwrite(opened.fd, "x", 0), Errno::kSuccess);
  EXPECT_EQ(WriteFd(opened.fd, "end"), Errno::kSuccess);
  EXPECT_EQ(Read(root / "file"), "x123456789end");
  EXPECT_EQ(Invoke(&FdFdstatSetFlags, opened.fd, 0u), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdSeek, opened.fd, 0u, 0u, kResult), Errno::kSuccess);
  EXPECT_EQ(WriteFd(opened.fd, "y"), Errno::kSuccess);
  EXPECT_EQ(Read(root / "file"), "y123456789end");
  EXPECT_EQ(Invoke(&FdFdstatSetFlags, opened.fd, uint32_t{kFdSync}), Errno::kNotsup);
  EXPECT_EQ(Invoke(&FdFdstatSetFlags, opened.fd, 0x100u), Errno::kInval);
}

TEST_F(FileIoTest, Seeks) {
  const uint32_t fd = MustOpen("file");
  EXPECT_EQ(Invoke(&FdSeek, fd, -2, 2u, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<uint64_t>(kResult), 8u);
  EXPECT_EQ(Invoke(&FdSeek, fd, 1, 1u, kResult), Errno::kSuccess);
  EXPECT_EQ(Tell(fd), 9u);
  EXPECT_EQ(Invoke(&FdSeek, fd, -20, 1u, kResult), Errno::kInval);
  EXPECT_EQ(Invoke(&FdSeek, fd, 0, 3u, kResult), Errno::kInval);
  const uint32_t told = MustOpen("file", rights::kFdTell);
  EXPECT_EQ(Invoke(&FdSeek, told, 0, 1u, kResult), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdSeek, told, 1, 1u, kResult), Errno::kNotcapable);
}

TEST_F(FileIoTest, ChangesSizeAndTimes) {
  const uint32_t fd = MustOpen("file");
  EXPECT_EQ(Invoke(&FdFilestatSetSize, fd, 4u), Errno::kSuccess);
  EXPECT_EQ(Read(root / "file"), "0123");
  EXPECT_EQ(Invoke(&FdFilestatSetSize, fd, UINT64_MAX), Errno::kFbig);
  EXPECT_EQ(
      Invoke(
          &FdFilestatSetTimes, fd, 5'000'000'001, 7'000'000'002, kSetAccessTime | kSetModifyTime),
      Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdFilestatGet, fd, kBuffer), Errno::kSuccess);
  const Filestat stat = Load<Filestat>(kBuffer);
  EXPECT_EQ(stat.bytes, 4u);
  EXPECT_EQ(stat.accessed_ns, 5'000'000'001u);
  EXPECT_EQ(stat.modified_ns, 7'000'000'002u);
  EXPECT_EQ(stat.filetype, Filetype::kRegularFile);
  EXPECT_EQ(Invoke(&FdFilestatSetTimes, fd, 1u, 1u, kSetModifyTime | kSetModifyTimeNow),
            Errno::kInval);
  EXPECT_EQ(Invoke(&FdFilestatSetTimes, fd, 1u, 1u, 16u), Errno::kInval);
}

TEST_F(FileIoTest, SetsTimesOfALinkOrOfWhatItNames) {
  ASSERT_EQ(Symlink("file", "link"), Errno::kSuccess);
  const auto set = [this](uint32_t lookup, uint64_t ns) {
    return Invoke(
        &PathFilestatSetTimes, kRoot, lookup, kPath, Put(kPath, "link"), 0u, ns, kSetModifyTime);
  };
  EXPECT_EQ(set(0, 1'000), Errno::kSuccess);
  EXPECT_EQ(set(kLookupFollow, 2'000), Errno::kSuccess);
  EXPECT_EQ(Stat("link", 0), Errno::kSuccess);
  EXPECT_EQ(Load<Filestat>(kBuffer).modified_ns, 1'000u);
  EXPECT_EQ(Stat("file"), Errno::kSuccess);
  EXPECT_EQ(Load<Filestat>(kBuffer).modified_ns, 2'000u);
}

TEST_F(FileIoTest, AdvisesAllocatesAndSyncs) {
  const uint32_t fd = MustOpen("file");
  EXPECT_EQ(Invoke(&FdAdvise, fd, 0u, 100u, 3u), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdAdvise, fd, 0u, 100u, 6u), Errno::kInval);
  EXPECT_EQ(Invoke(&FdAllocate, fd, 0u, 100u), Errno::kSuccess);
  EXPECT_EQ(std::filesystem::file_size(root / "file"), 100u);
  EXPECT_EQ(Invoke(&FdAllocate, fd, 0u, 0u), Errno::kInval);
  EXPECT_EQ(Invoke(&FdAllocate, fd, UINT64_MAX, 1u), Errno::kFbig);
  EXPECT_EQ(Invoke(&FdSync, fd), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdDatasync, fd), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdSync, 1u), Errno::kSuccess);
}

TEST_F(FileIoTest, TruncatesAndCreatesExclusively) {
  MustOpen("file", rights::kFdRead, kOpenTruncate);
  EXPECT_EQ(Read(root / "file"), "");
  EXPECT_EQ(Open("file", rights::kFdWrite, kOpenCreate | kOpenExclusive).error, Errno::kExist);
  EXPECT_EQ(Open("new", rights::kFdWrite, kOpenCreate | kOpenExclusive).error, Errno::kSuccess);
  EXPECT_EQ(Open("file", 0, kOpenDirectory).error, Errno::kNotdir);
  EXPECT_EQ(Open("d", 0, kOpenDirectory | kOpenCreate).error, Errno::kInval);
  EXPECT_EQ(Open("absent").error, Errno::kNoent);
}

TEST_F(FileIoTest, VectorsAreCheckedBeforeAnythingMoves) {
  const uint32_t fd = MustOpen("file");
  Store(kPath, IoVector{kBuffer, 3});
  Store(kPath + 8, IoVector{kMemoryBytes - 1, 2});
  EXPECT_EQ(Invoke(&FdRead, fd, kPath, 2u, kResult), Errno::kFault);
  EXPECT_EQ(Tell(fd), 0u);
  Store(kPath + 8, IoVector{UINT32_MAX, UINT32_MAX});
  EXPECT_EQ(Invoke(&FdWrite, fd, kPath, 2u, kResult), Errno::kFault);
  EXPECT_EQ(Read(root / "file"), "0123456789");
  EXPECT_EQ(Invoke(&FdRead, fd, kMemoryBytes - 7, 1u, kResult), Errno::kFault);
  EXPECT_EQ(Invoke(&FdRead, fd, UINT32_MAX - 3, 1u, kResult), Errno::kFault);
  EXPECT_EQ(Invoke(&FdRead, fd, kPath, limits::kIoVectorsMax + 1, kResult), Errno::kInval);
}

TEST_F(FileIoTest, VectorsThatAreOverwrittenWhileReadingAreCheckedAgain) {
  // The first vector reads over the second one, which then points outside.
  Write(root / "evil", std::string(8, '\xFF'));
  const uint32_t fd = MustOpen("evil");
  Store(kPath, IoVector{kPath + 8, 8});
  Store(kPath + 8, IoVector{kBuffer, 8});
  EXPECT_EQ(Invoke(&FdRead, fd, kPath, 2u, kResult), Errno::kFault);
}

TEST_F(FileIoTest, SumOfVectorsFitsTheResult) {
  // The same bytes again and again: more than 32 bits can say.
  memory.resize(5 * kMemoryBytes);
  for (uint32_t i = 0; i < limits::kIoVectorsMax; ++i) {
    Store(kPath + 8 * i, IoVector{0, 5 * kMemoryBytes});
  }
  EXPECT_EQ(Invoke(&FdWrite, 1u, kPath, limits::kIoVectorsMax, kResult), Errno::kInval);
  // A sum that fits may still be long; it can be stopped between two pieces.
  host.interrupt_trap = TrapCode::kInterrupted;
  Invoke(&FdWrite, 1u, kPath, 100u, kResult);
  EXPECT_EQ(trap, TrapCode::kInterrupted);
}

TEST_F(FileIoTest, LongTransfersLookAtTheInterrupt) {
  Write(root / "big", std::string(600'000, 'b'));
  const uint32_t fd = MustOpen("big");
  EXPECT_EQ(ReadFd(fd, 600'000), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 600'000u);
  EXPECT_GE(host.interrupt_checks, 2);
  host.interrupt_trap = TrapCode::kInterrupted;
  EXPECT_EQ(Invoke(&FdSeek, fd, 0, 0u, kResult), Errno::kSuccess);
  ReadFd(fd, 600'000);
  EXPECT_EQ(trap, TrapCode::kInterrupted);
}

class DirectoriesTest : public FileIoTest {
 protected:
  // All names, read with a buffer of `buffer_bytes` from cookie to cookie.
  std::vector<std::string> List(uint32_t fd, uint32_t buffer_bytes) {
    std::vector<std::string> names;
    uint64_t cookie = 0;
    while (true) {
      EXPECT_EQ(Invoke(&FdReaddir, fd, kBuffer, buffer_bytes, cookie, kResult), Errno::kSuccess);
      const uint32_t used = Load<uint32_t>(kResult);
      uint32_t at = 0;
      while (at + sizeof(Dirent) <= used) {
        const Dirent entry = Load<Dirent>(kBuffer + at);
        at += sizeof(Dirent);
        if (at + entry.name_bytes > used) break;
        names.push_back(Text(kBuffer + at, entry.name_bytes));
        at += entry.name_bytes;
        cookie = entry.next;
      }
      if (used < buffer_bytes) break;
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(DirectoriesTest, ListsInPieces) {
  for (int i = 0; i < 50; ++i) Write(root / ("entry" + std::to_string(i)), "");
  const std::vector<std::string> all = List(kRoot, 65536);
  EXPECT_EQ(all.size(), 53u) << "50, the file of the fixture, . and ..";
  for (const uint32_t bytes : {64u, 100u, 333u}) EXPECT_EQ(List(kRoot, bytes), all) << bytes;
}

TEST_F(DirectoriesTest, RefusesCookiesAndBuffersThatCannotBe) {
  EXPECT_EQ(Invoke(&FdReaddir, kRoot, kBuffer, 100u, UINT64_MAX, kResult), Errno::kInval);
  EXPECT_EQ(Invoke(&FdReaddir, kRoot, kMemoryBytes - 10, 100u, 0u, kResult), Errno::kFault);
  EXPECT_EQ(Invoke(&FdReaddir, kRoot, kBuffer, 0u, 0u, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 0u);
}

TEST_F(DirectoriesTest, TellsTypes) {
  std::filesystem::create_directory(root / "d");
  EXPECT_EQ(Symlink("file", "l"), Errno::kSuccess);
  EXPECT_EQ(Invoke(&FdReaddir, kRoot, kBuffer, 4096u, 0u, kResult), Errno::kSuccess);
  for (uint32_t at = 0; at < Load<uint32_t>(kResult);) {
    const Dirent entry = Load<Dirent>(kBuffer + at);
    const std::string name = Text(kBuffer + at + sizeof(Dirent), entry.name_bytes);
    Filetype expected = Filetype::kDirectory;
    if (name == "file") expected = Filetype::kRegularFile;
    if (name == "l") expected = Filetype::kSymbolicLink;
    EXPECT_EQ(entry.filetype, expected) << name;
    at += static_cast<uint32_t>(sizeof(Dirent)) + entry.name_bytes;
  }
}

}  // namespace
}  // namespace tidepool::engine::wasi
