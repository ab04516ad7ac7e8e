#include "daemon/app/sandbox_compiler.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "engine/platform/cpu_features.h"
#include "engine/platform/syscall_error.h"
#include "engine/platform/unique_fd.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr absl::string_view kProgram = "tidepool-compiler";

std::string FindProgram() {
  std::vector<std::string> places;
  char self[4096];
  const ssize_t bytes = ::readlink("/proc/self/exe", self, sizeof(self));
  if (bytes > 0) {
    const absl::string_view path(self, static_cast<size_t>(bytes));
    places.push_back(absl::StrCat(path.substr(0, path.rfind('/')), "/", kProgram));
  }
  places.push_back(absl::StrCat("/usr/libexec/tidepool/", kProgram));
  places.push_back(absl::StrCat("/usr/bin/", kProgram));
  for (const std::string& place : places) {
    if (::access(place.c_str(), X_OK) == 0) return place;
  }
  return places.front();  // Its absence is reported with this name.
}

}  // namespace

absl::StatusOr<std::unique_ptr<SandboxCompiler>> SandboxCompiler::Start(const Settings& settings,
                                                                        Metrics& metrics) {
  CompileLimits limits;
  limits.cpu = absl::Nanoseconds(settings.compiler_cpu_ns_max);
  limits.wall = 2 * limits.cpu;  // The machine may be busy.
  limits.memory_bytes = settings.compiler_memory_bytes_max;
  engine::CompileOptions options;
  TP_ASSIGN_OR_RETURN(options.cpu_features, DetectCpuFeatures());
  TP_ASSIGN_OR_RETURN(std::unique_ptr<CompileClient> client,
                      CompileClient::Start({.path = FindProgram()}));
  return std::unique_ptr<SandboxCompiler>(
      new SandboxCompiler(std::move(client), limits, options, metrics));
}

SandboxCompiler::SandboxCompiler(std::unique_ptr<CompileClient> client,
                                 const CompileLimits& limits,
                                 const engine::CompileOptions& options, Metrics& metrics)
    : client_(std::move(client)), limits_(limits), options_(options), metrics_(metrics) {}

absl::Status SandboxCompiler::Compile(absl::Span<const uint8_t> wasm,
                                      const std::string& artifact_path) {
  const UniqueFd output(
      ::open(artifact_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!output.valid()) return SyscallError("open", artifact_path);
  const absl::Time start = absl::Now();
  TP_RETURN_IF_ERROR(client_->Compile(wasm, output.get(), options_, limits_).status());
  metrics_.CountCompile("baseline",
                        static_cast<uint64_t>(absl::ToInt64Nanoseconds(absl::Now() - start)));
  return absl::OkStatus();
}

std::string SandboxCompiler::OptionsName() const { return "baseline-guard"; }

}  // namespace tidepool::daemon
