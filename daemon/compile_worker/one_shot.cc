#include "daemon/compile_worker/one_shot.h"

#include <errno.h>
#include <fcntl.h>

#include <cstdio>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/compile_worker/compile_client.h"
#include "engine/artifact/elf_reader.h"
#include "engine/compiler/option_list.h"
#include "engine/platform/files.h"
#include "engine/platform/memfd.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

struct Request {
  std::string input;
  std::string output;
  engine::CompileOptions options;
  CompileLimits limits;
  bool timings = false;
  bool json = false;
};

absl::Status ApplyLimit(absl::string_view name, const std::string& value, CompileLimits* limits) {
  uint32_t number;
  if (!absl::SimpleAtoi(value, &number) || number == 0) {
    return absl::InvalidArgumentError(absl::StrCat(name, " ", value, ": expected a number"));
  }
  if (name == "--cpu-limit-s") limits->cpu = absl::Seconds(number);
  if (name == "--wall-limit-s") limits->wall = absl::Seconds(number);
  if (name == "--memory-limit-mib") limits->memory_bytes = number * kMiB;
  return absl::OkStatus();
}

absl::Status ApplyFlag(absl::string_view name, const std::string& value, Request* request) {
  if (name == "--tier") return engine::ApplyOption(absl::StrCat("tier=", value), &request->options);
  if (name == "--option") return engine::ApplyOption(value, &request->options);
  if (name == "--format") {
    if (value != "table" && value != "json") {
      return absl::InvalidArgumentError(absl::StrCat("--format ", value, ": expected table or json"));
    }
    request->json = value == "json";
    return absl::OkStatus();
  }
  if (name == "--cpu-limit-s" || name == "--wall-limit-s" || name == "--memory-limit-mib") {
    return ApplyLimit(name, value, &request->limits);
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown flag ", name));
}

absl::StatusOr<Request> Parse(const std::vector<std::string>& arguments) {
  Request request;
  std::vector<std::string> files;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--timings") {
      request.timings = true;
    } else if (argument.rfind("--", 0) != 0) {
      files.push_back(argument);
    } else if (i + 1 == arguments.size()) {
      return absl::InvalidArgumentError(absl::StrCat(argument, " needs a value"));
    } else {
      TP_RETURN_IF_ERROR(ApplyFlag(argument, arguments[++i], &request));
    }
  }
  if (files.size() != 2) return absl::InvalidArgumentError("expected --one-shot IN OUT");
  request.input = files[0];
  request.output = files[1];
  return request;
}

absl::StatusOr<CompileReport> CompileFile(const Request& request) {
  const UniqueFd input(::open(request.input.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input.valid() && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat(request.input, ": no such file"));
  }
  if (!input.valid()) return SyscallError("open", request.input);
  TP_ASSIGN_OR_RETURN(const UniqueFd output, CreateMemfd("artifact", 0));
  TP_ASSIGN_OR_RETURN(const std::unique_ptr<CompileClient> client,
                      CompileClient::Start({.path = "/proc/self/exe"}));
  TP_ASSIGN_OR_RETURN(
      const CompileReport report,
      client->Compile(input.get(), output.get(), request.options, request.limits));
  // What a sandboxed process wrote is looked at before it gets the name that was asked for.
  TP_ASSIGN_OR_RETURN(
      const engine::MappedArtifact artifact,
      engine::MappedArtifact::FromFd(output.get(), request.output, {.verify = true}));
  TP_RETURN_IF_ERROR(WriteFileDurably(request.output, artifact.file()));
  return report;
}

void PrintTimings(const engine::CompileTimings& timings, bool json) {
  const struct {
    const char* name;
    engine::PhaseTime time;
  } phases[] = {{"decode", timings.decode},
                {"validate", timings.validate},
                {"compile", timings.compile},
                {"write", timings.write}};
  const auto seconds = [](absl::Duration duration) { return absl::ToDoubleSeconds(duration); };
  std::string out;
  if (json) {
    absl::StrAppendFormat(
        &out,
        "{\"module_bytes\":%d,\"code_section_bytes\":%d,\"code_bytes\":%d,\"artifact_bytes\":%d,"
        "\"functions\":%d,\"memory_peak_bytes\":%d,\"phases\":{",
        timings.module_bytes, timings.code_section_bytes, timings.text_bytes,
        timings.artifact_bytes, timings.function_count, timings.memory_peak_bytes);
    for (const auto& phase : phases) {
      absl::StrAppendFormat(&out, "%s\"%s\":{\"wall_seconds\":%.6f,\"cpu_seconds\":%.6f}",
                            &phase == phases ? "" : ",", phase.name, seconds(phase.time.wall),
                            seconds(phase.time.cpu));
    }
    out += "}}\n";
  } else {
    absl::StrAppendFormat(&out, "module %d bytes (code section %d), machine code %d, artifact %d\n",
                          timings.module_bytes, timings.code_section_bytes, timings.text_bytes,
                          timings.artifact_bytes);
    absl::StrAppendFormat(&out, "functions %d, memory peak %d bytes\n", timings.function_count,
                          timings.memory_peak_bytes);
    for (const auto& phase : phases) {
      absl::StrAppendFormat(&out, "%-9s wall %.6f s  cpu %.6f s\n", phase.name,
                            seconds(phase.time.wall), seconds(phase.time.cpu));
    }
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
}

int ExitStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk: return kExitOk;
    case absl::StatusCode::kInvalidArgument: return kExitInvalid;
    case absl::StatusCode::kNotFound: return kExitNotFound;
    case absl::StatusCode::kResourceExhausted: return kExitQuota;
    case absl::StatusCode::kUnavailable: return kExitUnavailable;
    default: return kExitFailure;
  }
}

}  // namespace

int RunOneShot(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Request> request = Parse(arguments);
  if (!request.ok()) {
    std::fprintf(stderr, "tidepool-compiler: %s\n", std::string(request.status().message()).c_str());
    return kExitUsage;
  }
  const absl::StatusOr<CompileReport> report = CompileFile(*request);
  if (!report.ok()) {
    std::fprintf(stderr, "tidepool-compiler: %s: %s\n", request->input.c_str(),
                 std::string(report.status().message()).c_str());
    return ExitStatusOf(report.status());
  }
  if (request->timings) PrintTimings(report->timings, request->json);
  return kExitOk;
}

}  // namespace tidepool::daemon
