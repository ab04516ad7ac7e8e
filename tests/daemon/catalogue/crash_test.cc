// kill -9 and a full disk, at every step of a change.
//
// Each case runs the same work in a child process, which tells through a pipe what was acknowledged
// to it; then this process opens what is left.
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <sstream>

#include "absl/time/clock.h"

#include "tests/daemon/catalogue/catalogue_world.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using test::CatalogueWorld;
using test::CommandModule;
using test::FilesIn;
using test::HandlerModule;
using test::IsOk;
using test::ModuleOfBytes;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What was acknowledged: function → its highest revision.
using Acknowledged = std::map<std::string, uint64_t>;

// Runs `work(write end of a pipe)` in a child; gives its exit status and what it wrote.
template <typename Work>
std::pair<int, std::string> RunInChild(Work work,
                                       absl::Duration kill_after = absl::InfiniteDuration()) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    work(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  if (kill_after != absl::InfiniteDuration()) {
    absl::SleepFor(kill_after);
    ::kill(child, SIGKILL);
  }
  std::string said;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof(buffer))) > 0;) said.append(buffer, n);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {status, said};
}

void Say(int pipe, const RevisionView& view) {
  std::ostringstream line;
  line << view.revision->function << " " << view.revision->revision << "\n";
  if (::write(pipe, line.str().data(), line.str().size()) < 0) ::_exit(2);
}

Acknowledged Parse(const std::string& said) {
  Acknowledged acknowledged;
  std::istringstream in(said);
  std::string function;
  for (uint64_t revision; in >> function >> revision;) acknowledged[function] = revision;
  return acknowledged;
}

// A child's: dies at step number `kill_at`; ends with 0 when there are fewer steps.
void DeployThings(const std::string& folder, int pipe, int kill_at) {
  CatalogueWorld world(folder);
  int step = 0;
  Catalogue::Options options;
  options.on_step_for_test = [&](absl::string_view) {
    if (step++ == kill_at) ::kill(::getpid(), SIGKILL);
  };
  if (!world.Open(std::move(options)).ok()) ::_exit(3);
  if (!world.catalogue().CreateTenant("a", {}).ok()) ::_exit(4);
  const auto deploy = [&](const char* function,
                          const std::vector<uint8_t>& wasm,
                          const std::vector<std::string>& routes) {
    const absl::StatusOr<RevisionView> view = world.Deploy("a", function, wasm, {}, routes);
    if (!view.ok()) ::_exit(5);
    Say(pipe, *view);
  };
  deploy("f", CommandModule(1), {"h/f"});
  deploy("f", CommandModule(2), {});
  deploy("g", HandlerModule(), {"h/g", "i/"});
  deploy("f", CommandModule(1), {});  // Bytes that are there already.
  if (!world.catalogue().DeleteRevision("a", "f", 1).ok()) ::_exit(6);
}

// Every acknowledged revision serves; whatever else is there is whole; nothing is left over.
void ExpectConsistent(const std::string& folder, const Acknowledged& acknowledged) {
  CatalogueWorld world(folder);
  ASSERT_THAT(world.Open(), IsOk());
  EXPECT_THAT(world.catalogue().problems(), ElementsAre());
  EXPECT_THAT(FilesIn(folder + "/tmp"), ElementsAre());
  TP_ASSERT_OK_AND_ASSIGN(const auto functions, world.catalogue().ListFunctions(""));
  std::map<std::string, uint64_t> serving;
  for (const FunctionView& function : functions) {
    EXPECT_NE(function.serving.revision->module, nullptr);
    serving[function.name] = function.serving.revision->revision;
  }
  for (const auto& [function, revision] : acknowledged) {
    ASSERT_TRUE(serving.contains(function)) << function << " was acknowledged";
    // One more may be: committed, and killed before it could be said.
    EXPECT_GE(serving[function], revision);
    EXPECT_LE(serving[function], revision + 1);
  }
  size_t modules = 0;
  for (const TenantView& tenant : world.catalogue().ListTenants()) {
    TP_ASSERT_OK_AND_ASSIGN(const auto list, world.catalogue().ListModules(tenant.name));
    modules += list.size();
  }
  EXPECT_EQ(FilesIn(folder + "/modules").size(), modules);
  for (const auto& [host, routes] : world.Snapshot()->routes) {
    for (const RouteEntry& route : routes) EXPECT_TRUE(serving.contains(route.function));
  }
  // And it goes on from here.
  if (!world.catalogue().ListTenants().empty()) {
    EXPECT_THAT(world.Deploy("a", "after", CommandModule(9)), IsOk());
  }
}

TEST(Crash, KilledAtAnyStepKeepsWhatWasAcknowledgedAndNothingHalf) {
  int steps = 0;
  for (;; ++steps) {
    SCOPED_TRACE(steps);
    const std::string folder = test::MakeTemporaryFolder();
    const auto [status, said] = RunInChild([&](int pipe) { DeployThings(folder, pipe, steps); });
    const bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ASSERT_TRUE(was_killed || status == 0) << "status " << status;
    ExpectConsistent(folder, Parse(said));
    test::RemoveFolder(folder);
    if (!was_killed || HasFatalFailure()) break;
  }
  EXPECT_GE(steps, 30) << "each deployment has eight steps or seven";
}

TEST(Crash, KilledAtAnyMomentKeepsWhatWasAcknowledged) {
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    const std::string folder = test::MakeTemporaryFolder();
    const auto [status, said] = RunInChild(
        [&](int pipe) {
          CatalogueWorld world(folder);
          if (!world.Open().ok() || !world.catalogue().CreateTenant("a", {}).ok()) ::_exit(3);
          for (uint32_t i = 1;; ++i) {
            const absl::StatusOr<RevisionView> view = world.Deploy("a", "f", CommandModule(i));
            if (!view.ok()) ::_exit(4);
            Say(pipe, *view);
          }
        },
        absl::Milliseconds(7 + 23 * round));
    EXPECT_TRUE(WIFSIGNALED(status));
    ExpectConsistent(folder, Parse(said));
    test::RemoveFolder(folder);
  }
}

// Files may grow no further: every write fails in turn, and none does damage.
TEST(FullDisk, IsAnErrorAndNotDamage) {
  const std::string folder = test::MakeTemporaryFolder();
  const auto [status, said] = RunInChild([&](int pipe) {
    ::signal(SIGXFSZ, SIG_IGN);
    CatalogueWorld world(folder);
    if (!world.Open().ok() || !world.catalogue().CreateTenant("a", {}).ok()) ::_exit(3);
    const absl::StatusOr<RevisionView> first = world.Deploy("a", "f", CommandModule(1));
    if (!first.ok()) ::_exit(4);
    Say(pipe, *first);
    for (uint32_t variant = 2; variant < 60; ++variant) {
      const rlimit small = {variant * 1024, RLIM_INFINITY};
      if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(5);
      const absl::StatusOr<RevisionView> failed =
          world.Deploy("a", "f", ModuleOfBytes(variant % 2 * 60 * 1024, variant));
      if (failed.ok()) {
        Say(pipe, *failed);
      } else if (failed.status().code() != absl::StatusCode::kUnavailable) {
        ::fprintf(stderr, "%s\n", failed.status().ToString().c_str());
        ::_exit(6);
      }
    }
    const rlimit large = {RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &large) != 0) ::_exit(7);
    const absl::StatusOr<RevisionView> again = world.Deploy("a", "f", CommandModule(1000));
    if (!again.ok()) {
      ::fprintf(stderr, "%s\n", again.status().ToString().c_str());
      ::_exit(8);
    }
    Say(pipe, *again);
  });
  EXPECT_EQ(status, 0);
  EXPECT_GE(Parse(said)["f"], 2u);
  ExpectConsistent(folder, Parse(said));
  test::RemoveFolder(folder);
}

TEST(FullDisk, ASmallFilesystemFillsUpAndServesOn) {
  const std::string folder = test::MakeTemporaryFolder();
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=2m") != 0) {
    test::RemoveFolder(folder);
    GTEST_SKIP() << "mounting a small tmpfs needs CAP_SYS_ADMIN";
  }
  {
    CatalogueWorld world(folder);
    ASSERT_THAT(world.Open(), IsOk());
    ASSERT_THAT(world.catalogue().CreateTenant("a", {}), IsOk());
    uint64_t acknowledged = 0;
    for (uint32_t variant = 1; variant < 100; ++variant) {
      const absl::StatusOr<RevisionView> view =
          world.Deploy("a", "f", ModuleOfBytes(100 * 1024, variant));
      if (!view.ok()) {
        EXPECT_THAT(view, StatusIs(absl::StatusCode::kUnavailable));
        break;
      }
      acknowledged = view->revision->revision;
    }
    EXPECT_GT(acknowledged, 3u);
    EXPECT_LT(acknowledged, 30u) << "it never filled up";
    world.Close();
    ASSERT_THAT(world.Open(), IsOk());
    TP_ASSERT_OK_AND_ASSIGN(const FunctionView view, world.catalogue().GetFunction("a", "f"));
    EXPECT_EQ(view.serving.revision->revision, acknowledged);
    EXPECT_EQ(view.revision_count, acknowledged);
  }
  ::umount(folder.c_str());
  test::RemoveFolder(folder);
}

}  // namespace
}  // namespace tidepool::daemon
