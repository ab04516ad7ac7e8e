// tidepool-compiler: wasm modules → artifacts, in a sandbox.
#include <cstdio>
#include <string>
#include <vector>

#include "daemon/compile_worker/one_shot.h"
#include "daemon/compile_worker/wire.h"
#include "daemon/compile_worker/zygote.h"
#include "engine/artifact/sections.h"

namespace tidepool::daemon {
namespace {

constexpr char kUsage[] =
    R"(usage: tidepool-compiler --one-shot IN.wasm OUT.tpa [--tier baseline] [--option KEY=VALUE]…
                         [--timings] [--format table|json]
                         [--cpu-limit-s N] [--wall-limit-s N] [--memory-limit-mib N]
       tidepool-compiler --zygote      (started by tidepoold, with a socket as descriptor 3)
       tidepool-compiler --version
)";

int Main(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1),
                                      arguments.end());
  if (mode == "--one-shot") return RunOneShot(rest);
  if (mode == "--zygote") {
    const bool test_faults = rest == std::vector<std::string>{"--test-faults"};
    if (test_faults || rest.empty()) {
      return Zygote(UniqueFd(kControlFd), {.test_faults = test_faults}).Run();
    }
  }
  if (mode == "--version") {
    std::printf("%s\n", engine::kCompilerVersion);
    return kExitOk;
  }
  std::fputs(kUsage, mode == "--help" ? stdout : stderr);
  return mode == "--help" ? kExitOk : kExitUsage;
}

}  // namespace
}  // namespace tidepool::daemon

int main(int argc, char** argv) {
  return tidepool::daemon::Main(std::vector<std::string>(argv + 1, argv + argc));
}
