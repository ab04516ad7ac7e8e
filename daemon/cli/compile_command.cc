// `tidectl compile`: the sandboxed compiler does it all; this finds it and becomes it.
#include <errno.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"

#include "daemon/cli/commands.h"

namespace tidepool::daemon {
namespace {

constexpr char kProgram[] = "tidepool-compiler";

// Beside this program, where builds and packages put it.
std::string CompilerPath() {
  char path[4096];
  const ssize_t bytes = ::readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (bytes <= 0) return kProgram;
  std::string own(path, static_cast<size_t>(bytes));
  return absl::StrCat(own.substr(0, own.rfind('/') + 1), kProgram);
}

}  // namespace

ExitCode Compile(Session& session, const CompileArguments& arguments) {
  const std::string program = CompilerPath();
  std::vector<std::string> words = {program, "--one-shot", arguments.file, arguments.output};
  if (!arguments.tier.empty()) words.insert(words.end(), {"--tier", arguments.tier});
  for (const std::string& option : arguments.options)
    words.insert(words.end(), {"--option", option});
  if (arguments.timings) words.push_back("--timings");
  switch (session.options().format) {
    case OutputFormat::kTable:
      break;
    case OutputFormat::kJson:
      words.insert(words.end(), {"--format", "json"});
      break;
    case OutputFormat::kYaml:
    case OutputFormat::kName:
      return session.UsageError("compile has the formats table and json");
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  const int error = errno;
  return session.Fail(
      absl::UnavailableError(absl::StrCat("cannot start ", program, ": ", std::strerror(error))));
}

}  // namespace tidepool::daemon
