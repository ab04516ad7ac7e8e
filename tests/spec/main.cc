// tidepool-spec: runs test scripts in the form of ../shared/conformance against the engine.
//
// Exit status: 0 nothing failed, 1 something did, 2 wrong usage.
#include <cstdio>
#include <memory>

#include "tests/spec/environment.h"
#include "tests/spec/options.h"
#include "tests/spec/run_scripts.h"
#include "tests/spec/steps.h"

namespace tidepool::spec {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

int Complain(const absl::Status& status, int exit_status) {
  std::fflush(stdout);
  std::fprintf(stderr, "tidepool-spec: %s\n", std::string(status.message()).c_str());
  return exit_status;
}

int RunWith(const Options& options) {
  absl::StatusOr<std::unique_ptr<Environment>> environment = Environment::Create(options);
  if (!environment.ok()) return Complain(environment.status(), kExitUsage);
  if (!options.steps_path.empty()) {
    const absl::Status status = RunSteps(**environment, options.steps_path, options.paths[0]);
    return status.ok() ? 0 : Complain(status, kExitFailure);
  }
  const absl::StatusOr<bool> all_held = RunScripts(**environment);
  if (!all_held.ok()) return Complain(all_held.status(), kExitFailure);
  return *all_held ? 0 : kExitFailure;
}

int Main(absl::Span<char* const> arguments) {
  const absl::StatusOr<Options> options = ParseOptions(arguments);
  if (!options.ok()) {
    std::fputs(kUsage, stderr);
    return Complain(options.status(), kExitUsage);
  }
  return RunWith(*options);
}

}  // namespace
}  // namespace tidepool::spec

int main(int argc, char** argv) {
  return tidepool::spec::Main({argv + 1, static_cast<size_t>(argc - 1)});
}
