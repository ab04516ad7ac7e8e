#include "daemon/compile_worker/compile_child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "absl/strings/str_cat.h"
#include "daemon/compile_worker/backends.h"
#include "daemon/compile_worker/fault_injection.h"
#include "daemon/compile_worker/sandbox.h"
#include "engine/compiler/compile.h"
#include "engine/platform/files.h"
#include "engine/platform/mapped_region.h"

namespace tidepool::daemon {
namespace {

// The child's own, as the header says.
constexpr int kLastWords = 2;
constexpr int kInput = 3;
constexpr int kOutput = 4;
constexpr int kResult = 5;
constexpr int kDescriptors = 6;

// Without stdio, absl or allocation: also called when memory is exhausted.
[[noreturn]] void Die(int exit_status, absl::string_view last_words) {
  [[maybe_unused]] const ssize_t ignored =
      ::write(kLastWords, last_words.data(), last_words.size());
  ::_exit(exit_status);
}

bool PlaceDescriptors(const ChildSetup& setup) {
  // First out of the way of the numbers they shall have.
  const int wanted[] = {setup.last_words, setup.input, setup.output, setup.result};
  int parked[4];
  for (int i = 0; i < 4; ++i) {
    parked[i] = ::fcntl(wanted[i], F_DUPFD, kDescriptors + 4);
    if (parked[i] < 0) return false;
  }
  for (int i = 0; i < 4; ++i) {
    if (::dup2(parked[i], kLastWords + i) < 0) return false;
  }
  // Control socket, other children's exit sockets, the parked ones: all the rest.
  return ::close_range(kDescriptors, ~0u, 0) == 0;
}

ResultMessage g_out_of_memory;  // Made before it is needed.

void SendResult(const ResultMessage& result) {
  // write(2), as the sandbox has no sendmsg; on this socket it sends one packet.
  const ssize_t sent = ::write(kResult, &result, sizeof(result));
  if (sent != static_cast<ssize_t>(sizeof(result))) {
    Die(kExitCannotWrite, "the result cannot be sent");
  }
}

void OnOutOfMemory() {
  SendResult(g_out_of_memory);
  Die(kExitOutOfMemory, "out of memory");
}

void ArmOutOfMemory() {
  g_out_of_memory.kind = ResultMessage::kOutOfMemory;
  std::set_new_handler(OnOutOfMemory);
}

absl::StatusOr<engine::CompileTimings> CompileAll(const RequestMessage& request) {
  MappedRegion module;
  if (request.input_bytes != 0) {
    absl::StatusOr<MappedRegion> mapped = MappedRegion::File(kInput, request.input_bytes);
    if (!mapped.ok()) OnOutOfMemory();
    module = *std::move(mapped);
  }
  const engine::CompileOptions options = OptionsOf(request);
  const absl::StatusOr<std::unique_ptr<engine::Backend>> backend = MakeBackend(options.tier);
  if (!backend.ok()) return backend.status();
  const absl::StatusOr<engine::Artifact> artifact =
      engine::Compile(module.span(), options, **backend);
  if (!artifact.ok()) return artifact.status();
  if (artifact->bytes.size() > request.artifact_bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the artifact would be ", artifact->bytes.size(), " bytes long; the limit is ",
                     request.artifact_bytes_max, " bytes"));
  }
  const absl::Status written = WriteAllAt(kOutput, artifact->bytes, 0, "artifact");
  if (!written.ok()) return written;
  return artifact->timings;
}

}  // namespace

void RunCompileChild(const ChildSetup& setup) {
  if (!PlaceDescriptors(setup)) ::_exit(kExitNoSandbox);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ArmOutOfMemory();

  const RequestMessage& request = setup.request;
  SandboxLimits limits;
  limits.cpu_seconds_max = request.cpu_seconds_max;
  limits.address_space_bytes_max = setup.address_space_bytes + request.memory_bytes_max;
  limits.file_bytes_max = request.artifact_bytes_max;
  limits.descriptors_max = kDescriptors;
  limits.parent = setup.parent;
  // Before the first byte of the module is looked at.
  if (const absl::Status status = EnterSandbox(limits); !status.ok()) {
    Die(kExitNoSandbox, status.message());
  }

  const CompileFault fault = static_cast<CompileFault>(request.fault);
  if (fault != CompileFault::kNone) CommitFault(fault, {kInput, kOutput, kResult, kDescriptors});
  const absl::StatusOr<engine::CompileTimings> timings = CompileAll(request);
  SendResult(timings.ok() ? ToWire(absl::OkStatus(), *timings)
                          : ToWire(timings.status(), engine::CompileTimings()));
  ::_exit(0);
}

}  // namespace tidepool::daemon
