// No path leaves its preopen (security.md, W1): every trick, on every function that takes a path.
#include <sys/socket.h>
#include <sys/un.h>

#include <functional>
#include <thread>

#include "engine/wasi/limits.h"
#include "tests/engine/wasi/wasi_fixture.h"

namespace tidepool::engine::wasi {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;

namespace fs = std::filesystem;

class PathsTest : public WasiTest {
 protected:
  void SetUp() override {
    WasiTest::SetUp();
    Preopen();
    fs::create_directory(root / "dir");
    fs::create_directory(root / "dir" / "inner");
    Write(root / "file", "inside");
    fs::create_directory(place / "outer");
    Write(place / "outer" / "file", "outside");
    // Made by the host: a guest could not make the absolute ones.
    fs::create_symlink("../secret", root / "out_relative");
    fs::create_symlink(place / "secret", root / "out_absolute");
    fs::create_symlink("../outer", root / "out_dir");
    fs::create_symlink("dir/../../secret", root / "out_winding");
    fs::create_symlink("loop", root / "loop");
    fs::create_symlink("nowhere", root / "dangling");
    fs::create_symlink("../nowhere", root / "dangling_out");
    fs::create_symlink("file", root / "link");
    fs::create_symlink("dir", root / "link_dir");
  }
};

// Paths whose resolution would pass above the root.
const char* const kEscapes[] = {
    "../secret",
    "dir/../../secret",
    "./../secret",
    "/etc/passwd",
    "/",
    "//etc",
    "..",
    "../",
    "dir/inner/../../..",
    "out_dir/file",
    "out_dir/../secret",
    "out_dir/",
    "link_dir/../../secret",
    "../root/file",
    "dir/./../../root/file",
};
// Links that lead out when they are followed.
const char* const kEscapingLinks[] = {"out_relative", "out_absolute", "out_winding"};

TEST_F(PathsTest, OpensNothingOutside) {
  for (const char* path : kEscapes) {
    EXPECT_EQ(Open(path, rights::kFdRead).error, Errno::kNotcapable) << path;
    // A path that ends in a slash cannot be created, and Linux looks no further.
    EXPECT_THAT(Open(path, rights::kFdWrite, kOpenCreate).error,
                AnyOf(Eq(Errno::kNotcapable), Eq(Errno::kIsdir)))
        << path;
    EXPECT_EQ(Open(path, 0, kOpenDirectory).error, Errno::kNotcapable) << path;
  }
  for (const char* path : kEscapingLinks) {
    EXPECT_EQ(Open(path, rights::kFdRead).error, Errno::kNotcapable) << path;
    EXPECT_EQ(Open(path, rights::kFdWrite, kOpenTruncate).error, Errno::kNotcapable) << path;
    EXPECT_EQ(Open(path, rights::kFdRead, 0, 0, 0).error, Errno::kLoop) << path << " not followed";
  }
  EXPECT_EQ(Read(place / "secret"), "outside");
}

TEST_F(PathsTest, CreatesNothingThroughADanglingLinkThatLeadsOut) {
  EXPECT_EQ(Open("dangling_out", rights::kFdWrite, kOpenCreate).error, Errno::kNotcapable);
  EXPECT_FALSE(fs::exists(place / "nowhere"));
}

TEST_F(PathsTest, TellsNothingAboutWhatIsOutside) {
  for (const char* path : kEscapes) {
    EXPECT_EQ(Stat(path), Errno::kNotcapable) << path;
    EXPECT_EQ(Stat(path, 0), Errno::kNotcapable) << path;
    EXPECT_THAT(Readlink(path), AnyOf(Eq(Errno::kNotcapable), Eq(Errno::kInval))) << path;
  }
  for (const char* path : kEscapingLinks) EXPECT_EQ(Stat(path), Errno::kNotcapable) << path;
}

TEST_F(PathsTest, ChangesNothingOutside) {
  const auto set_times = [this](const std::string& path) {
    return Invoke(&PathFilestatSetTimes,
                  kRoot,
                  kLookupFollow,
                  kPath,
                  Put(kPath, path),
                  1u,
                  1u,
                  kSetModifyTime);
  };
  const std::vector<std::function<Errno(const std::string&)>> changes = {
      [this](const std::string& path) { return OnPath(&PathCreateDirectory, path + "/new"); },
      [this](const std::string& path) { return OnPath(&PathUnlinkFile, path); },
      [this](const std::string& path) { return OnPath(&PathRemoveDirectory, path); },
      [this](const std::string& path) { return Rename(path, "taken"); },
      [this](const std::string& path) { return Rename("file", path + "/put"); },
      [this](const std::string& path) { return Link(path, "linked"); },
      [this](const std::string& path) { return Link("file", path + "/linked"); },
      [this](const std::string& path) { return Symlink("file", path + "/symlinked"); },
      set_times,
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    for (const char* path : kEscapes) {
      // "out_dir/" names the link once its slash is taken off, and the link is inside.
      if (std::string(path) == "out_dir/") continue;
      EXPECT_EQ(changes[i](path), Errno::kNotcapable) << "change " << i << " of " << path;
    }
  }
  EXPECT_EQ(Read(place / "secret"), "outside");
  EXPECT_EQ(Read(place / "outer" / "file"), "outside");
  EXPECT_EQ(std::distance(fs::directory_iterator(place), fs::directory_iterator()), 3);
  EXPECT_EQ(std::distance(fs::directory_iterator(place / "outer"), fs::directory_iterator()), 1);
}

TEST_F(PathsTest, ASlashBehindALinkIsNoWayThroughIt) {
  EXPECT_EQ(OnPath(&PathRemoveDirectory, "out_dir/"), Errno::kNotdir);
  EXPECT_EQ(OnPath(&PathUnlinkFile, "out_dir/"), Errno::kNotdir);
  EXPECT_EQ(Rename("out_dir/", "moved"), Errno::kNotdir);
  EXPECT_EQ(OnPath(&PathCreateDirectory, "dangling_out/"), Errno::kExist);
  EXPECT_EQ(Link("out_dir/", "linked"), Errno::kNotdir);
  EXPECT_EQ(Symlink("file", "dangling_out/"), Errno::kExist);
  EXPECT_TRUE(fs::exists(place / "outer" / "file"));
  EXPECT_FALSE(fs::exists(place / "nowhere"));
}

TEST_F(PathsTest, FollowsLinksThatStayInside) {
  EXPECT_EQ(Stat("link"), Errno::kSuccess);
  EXPECT_EQ(Load<Filestat>(kBuffer).filetype, Filetype::kRegularFile);
  EXPECT_EQ(Stat("link", 0), Errno::kSuccess);
  EXPECT_EQ(Load<Filestat>(kBuffer).filetype, Filetype::kSymbolicLink);
  EXPECT_EQ(Open("link_dir/../file").error, Errno::kSuccess);
  EXPECT_EQ(Open("dir/../dir/./inner/../../file").error, Errno::kSuccess);
}

TEST_F(PathsTest, ReportsLoopsAndDanglingLinks) {
  EXPECT_EQ(Open("loop").error, Errno::kLoop);
  EXPECT_EQ(Stat("loop"), Errno::kLoop);
  EXPECT_EQ(OnPath(&PathCreateDirectory, "loop/new"), Errno::kLoop);
  EXPECT_EQ(Open("dangling").error, Errno::kNoent);
  EXPECT_EQ(Readlink("dangling"), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, Load<uint32_t>(kResult)), "nowhere");
}

TEST_F(PathsTest, ReadlinkCutsOffAtTheBuffersEnd) {
  EXPECT_EQ(Readlink("dangling", 3), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, Load<uint32_t>(kResult)), "now");
  EXPECT_EQ(Readlink("file"), Errno::kInval);
}

TEST_F(PathsTest, RefusesAbsoluteLinksOfTheGuests) {
  EXPECT_EQ(Symlink("/etc/passwd", "new"), Errno::kNotcapable);
  EXPECT_EQ(Symlink("../secret", "new"), Errno::kSuccess) << "may exist, is never followed";
  EXPECT_EQ(Open("new").error, Errno::kNotcapable);
}

TEST_F(PathsTest, RefusesPathsThatAreNoText) {
  using std::string_literals::operator""s;
  EXPECT_EQ(Open("").error, Errno::kNoent);
  EXPECT_EQ(Open("file\0"s).error, Errno::kInval);
  EXPECT_EQ(Open("fi\0le"s).error, Errno::kInval);
  for (const char* path : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "a\xE2\x82", "\xF4\x90\x80\x80"}) {
    EXPECT_EQ(Open(path).error, Errno::kIlseq) << path;
  }
  EXPECT_EQ(Open("\xF0\x9F\x8C\x8A", rights::kFdWrite, kOpenCreate).error, Errno::kSuccess);
  const std::string long_path(limits::kPathBytesMax + 1, 'a');
  EXPECT_EQ(Invoke(&PathCreateDirectory, kRoot, kBuffer, Put(kBuffer, long_path)),
            Errno::kNametoolong);
}

TEST_F(PathsTest, DotsAreNamesOfDirectoriesThatExist) {
  EXPECT_EQ(OnPath(&PathCreateDirectory, "."), Errno::kExist);
  EXPECT_EQ(OnPath(&PathCreateDirectory, "dir/.."), Errno::kExist);
  EXPECT_EQ(OnPath(&PathRemoveDirectory, "dir/."), Errno::kInval);
  EXPECT_EQ(OnPath(&PathRemoveDirectory, "dir/.."), Errno::kNotempty);
  EXPECT_EQ(OnPath(&PathUnlinkFile, "dir/."), Errno::kIsdir);
  EXPECT_EQ(Rename("dir/.", "moved"), Errno::kBusy);
  EXPECT_EQ(Open(".", 0, kOpenDirectory).error, Errno::kSuccess);
}

TEST_F(PathsTest, TrailingSlashesAskForDirectories) {
  EXPECT_EQ(Open("file/").error, Errno::kNotdir);
  EXPECT_EQ(OnPath(&PathUnlinkFile, "file/"), Errno::kNotdir);
  EXPECT_EQ(OnPath(&PathCreateDirectory, "new///"), Errno::kSuccess);
  EXPECT_EQ(Rename("new/", "newer/"), Errno::kSuccess);
  EXPECT_EQ(Rename("file", "file2/"), Errno::kNotdir);
  EXPECT_EQ(OnPath(&PathRemoveDirectory, "newer/"), Errno::kSuccess);
  EXPECT_EQ(Link("file", "file2/"), Errno::kNoent);
}

TEST_F(PathsTest, CreatesRenamesAndRemoves) {
  EXPECT_EQ(OnPath(&PathCreateDirectory, "dir/new"), Errno::kSuccess);
  EXPECT_EQ(OnPath(&PathCreateDirectory, "dir/new"), Errno::kExist);
  EXPECT_EQ(Rename("file", "dir/new/file"), Errno::kSuccess);
  EXPECT_EQ(Read(root / "dir/new/file"), "inside");
  EXPECT_EQ(OnPath(&PathRemoveDirectory, "dir/new"), Errno::kNotempty);
  EXPECT_EQ(OnPath(&PathUnlinkFile, "dir/new"), Errno::kIsdir);
  EXPECT_EQ(Link("dir/new/file", "hard"), Errno::kSuccess);
  EXPECT_EQ(OnPath(&PathUnlinkFile, "dir/new/file"), Errno::kSuccess);
  EXPECT_EQ(Read(root / "hard"), "inside");
  EXPECT_EQ(OnPath(&PathRemoveDirectory, "dir/new"), Errno::kSuccess);
}

TEST_F(PathsTest, LinksOnlyTheLinkItself) {
  EXPECT_EQ(Link("out_absolute", "copy"), Errno::kSuccess);
  EXPECT_TRUE(fs::is_symlink(root / "copy"));
  EXPECT_EQ(Invoke(&PathLink,
                   kRoot,
                   kLookupFollow,
                   kPath,
                   Put(kPath, "out_absolute"),
                   kRoot,
                   kPath2,
                   Put(kPath2, "followed")),
            Errno::kInval);
}

TEST_F(PathsTest, DoesNotWaitForFifosOrConnectToSockets) {
  ASSERT_EQ(::mkfifo((root / "fifo").c_str(), 0666), 0);
  EXPECT_EQ(Open("fifo", rights::kFdRead).error, Errno::kNotsup);
  EXPECT_EQ(Open("fifo", rights::kFdWrite).error, Errno::kNxio);
}

// While one thread moves a directory in and out, the other climbs out of it; the climber must never
// arrive outside.
TEST_F(PathsTest, StaysInsideWhileDirectoriesAreRenamed) {
  std::atomic<bool> stop{false};
  std::thread mover([&] {
    while (!stop) {
      fs::rename(root / "dir/inner", place / "moved");
      fs::rename(place / "moved", root / "dir/inner");
    }
  });
  uint32_t inside = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Opened opened = Open("dir/inner/../../secret", rights::kFdRead);
    EXPECT_NE(opened.error, Errno::kSuccess);
    inside += Stat("dir/inner") == Errno::kSuccess ? 1 : 0;
  }
  stop = true;
  mover.join();
  EXPECT_GT(inside, 0u);
}

}  // namespace
}  // namespace tidepool::engine::wasi
