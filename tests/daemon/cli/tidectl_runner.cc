#include "tests/daemon/cli/tidectl_runner.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "engine/support/check.h"
#include "tests/daemon/catalogue/catalogue_world.h"

namespace tidepool::test {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string BinPath(const std::string& program) {
  const char* folder = ::getenv("TIDEPOOL_BIN");
  return std::string(folder == nullptr ? "/proc/self/cwd" : folder) + "/" + program;
}

ToolResult RunTidectl(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment,
                      const std::string& input) {
  const std::string folder = MakeTemporaryFolder();
  std::ofstream(folder + "/in", std::ios::binary) << input;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  const auto open = [&](int fd, const char* name, int flags) {
    ::posix_spawn_file_actions_addopen(&actions, fd, (folder + name).c_str(), flags, 0600);
  };
  open(0, "/in", O_RDONLY);
  open(1, "/out", O_WRONLY | O_CREAT);
  open(2, "/err", O_WRONLY | O_CREAT);
  std::vector<std::string> argv = {BinPath("tidectl")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  std::vector<std::string> env = environment;
  for (char** variable = environ; *variable != nullptr; ++variable) env.push_back(*variable);
  pid_t child = 0;
  TP_CHECK(::posix_spawn(&child,
                         argv[0].c_str(),
                         &actions,
                         nullptr,
                         Pointers(argv).data(),
                         Pointers(env).data()) == 0);
  ::posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  TP_CHECK(::waitpid(child, &status, 0) == child);
  ToolResult result{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                    .out = ReadText(folder + "/out"),
                    .err = ReadText(folder + "/err")};
  RemoveFolder(folder);
  return result;
}

}  // namespace tidepool::test
