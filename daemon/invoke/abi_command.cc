#include "absl/strings/str_cat.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/guest_call.h"
#include "daemon/invoke/guest_response.h"
#include "engine/runtime/call.h"

namespace tidepool::daemon {
namespace {

Failure Exited(GuestCall& call, uint32_t code) {
  // What it had to say is lost to the caller; its owner may want to read it.
  call.log.Write(LogSource::kOutput, call.stdout_of_command.contents());
  return MakeFailure(Reason::GUEST_EXIT, absl::StrCat("exit code ", code));
}

}  // namespace

std::optional<engine::TrapCode> CallPlain(engine::Instance& instance, absl::string_view name,
                                          engine::Activation& activation) {
  const std::optional<engine::Extern> function = instance.FindExport(name);
  if (!function.has_value() || function->kind != engine::wasm::ExternalKind::kFunction ||
      !function->function_type->params.empty() || !function->function_type->results.empty()) {
    return std::nullopt;
  }
  return engine::CallFunction(instance.store(), *function->function, *function->function_type, {},
                              {}, activation);
}

GuestResult CallCommand(GuestCall& call) {
  const std::optional<engine::TrapCode> ended =
      CallPlain(call.instance, "_start", call.activation);
  if (!ended.has_value()) {
    return MakeFailure(Reason::BAD_GUEST_RESPONSE, "the module exports no function _start");
  }
  if (*ended != engine::TrapCode::kNone && *ended != engine::TrapCode::kExit) return *ended;
  if (call.wasi != nullptr && call.wasi->exit_code().value_or(0) != 0) {
    return Exited(call, *call.wasi->exit_code());
  }
  if (call.stdout_of_command.is_refused_by_host()) {
    return MakeFailure(Reason::HOST_CAPACITY, "no memory for the response");
  }
  const HttpInput& input = std::get<HttpInput>(call.request.input);
  absl::StatusOr<HttpOutput> output = ParseCommandOutput(
      call.stdout_of_command.contents(), call.revision.response, input.method == "HEAD");
  if (call.stdout_of_command.is_too_large() ||
      (output.ok() && output->body.size() > call.limits.Get(LimitName::kResponseBody))) {
    return LimitFailure(Reason::RESPONSE_TOO_LARGE, LimitName::kResponseBody, call.limits,
                        call.stdout_of_command.contents().size());
  }
  if (!output.ok()) {
    return MakeFailure(Reason::BAD_GUEST_RESPONSE, output.status().message());
  }
  return *std::move(output);
}

}  // namespace tidepool::daemon
