#include "daemon/compile_worker/verdict.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/support/units.h"

namespace tidepool::daemon {
namespace {

std::string SizeText(uint64_t bytes) {
  if (bytes >= kGiB && bytes % kGiB == 0) return absl::StrCat(bytes / kGiB, "GiB");
  if (bytes >= kMiB && bytes % kMiB == 0) return absl::StrCat(bytes / kMiB, "MiB");
  return absl::StrCat(bytes, " bytes");
}

// ": what it wrote to stderr", or nothing.
std::string LastWords(const ExitMessage& exit) {
  const std::string words =
      PrintableWords(Cut(exit.last_words, exit.last_words_bytes, kLastWordsBytesMax));
  return words.empty() ? "" : absl::StrCat(": ", words);
}

absl::Status KilledBy(int signal, const ExitMessage& exit, const CompileLimits& limits) {
  switch (signal) {
    case SIGXCPU:
      return absl::ResourceExhaustedError(absl::StrCat(
          "compile CPU time limit of ", absl::FormatDuration(limits.cpu), " reached"));
    case SIGXFSZ:
      return absl::ResourceExhaustedError(
          absl::StrCat("artifact size limit of ", SizeText(limits.artifact_bytes), " reached"));
    case SIGSYS:
      return absl::InternalError(absl::StrCat("compiler killed by signal ", signal,
                                              ": it made a system call that its sandbox forbids"));
    default: break;
  }
  return absl::InternalError(absl::StrCat("compiler killed by signal ", signal, " (",
                                          ::sigdescr_np(signal) ? ::sigdescr_np(signal) : "?", ")",
                                          LastWords(exit)));
}

// The compiler's own errors, as they are.
absl::Status StatusOf(const ResultMessage& result) {
  const std::string text = PrintableWords(Cut(result.text, result.text_bytes_count, kResultTextBytesMax));
  switch (static_cast<absl::StatusCode>(result.status_code)) {
    case absl::StatusCode::kOk: return absl::OkStatus();
    case absl::StatusCode::kInvalidArgument: return absl::InvalidArgumentError(text);
    case absl::StatusCode::kResourceExhausted: return absl::ResourceExhaustedError(text);
    case absl::StatusCode::kUnimplemented: return absl::UnimplementedError(text);
    default: return absl::InternalError(absl::StrCat("compiler failed: ", text));
  }
}

}  // namespace

absl::StatusOr<CompileReport> Judge(const ExitMessage& exit,
                                    const std::optional<ResultMessage>& result,
                                    uint64_t output_bytes, const CompileLimits& limits) {
  if (exit.reason == ExitMessage::kRefused) {
    return absl::UnavailableError(absl::StrCat("the compiler process refused", LastWords(exit)));
  }
  if (exit.reason == ExitMessage::kWallLimit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("compile time limit of ", absl::FormatDuration(limits.wall), " reached"));
  }
  if (result.has_value() && result->kind == ResultMessage::kOutOfMemory) {
    return absl::ResourceExhaustedError(
        absl::StrCat("memory limit of ", SizeText(limits.memory_bytes), " reached"));
  }
  if (WIFSIGNALED(exit.wait_status)) return KilledBy(WTERMSIG(exit.wait_status), exit, limits);
  if (WEXITSTATUS(exit.wait_status) != 0) {
    return absl::InternalError(absl::StrCat("compiler ended with exit status ",
                                            WEXITSTATUS(exit.wait_status), LastWords(exit)));
  }
  if (!result.has_value() || result->kind != ResultMessage::kStatus) {
    return absl::InternalError(absl::StrCat("compiler ended without a result", LastWords(exit)));
  }
  if (absl::Status status = StatusOf(*result); !status.ok()) return status;
  if (result->artifact_bytes != output_bytes || output_bytes > limits.artifact_bytes) {
    return absl::InternalError(absl::StrCat("compiler claims an artifact of ",
                                            result->artifact_bytes, " bytes but wrote ",
                                            output_bytes));
  }
  return CompileReport{TimingsOf(*result)};
}

}  // namespace tidepool::daemon
