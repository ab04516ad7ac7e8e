#include "daemon/control/invoke_mapping.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "daemon/control/resource_names.h"
#include "daemon/invoke/http_fields.h"

namespace tidepool::daemon {
namespace {

using engine::wasm::ValueKind;

constexpr size_t kVectorBytes = 16;

Failure Refuse(Reason reason, std::string detail = {}) {
  Failure failure;
  failure.reason = reason;
  failure.detail = std::move(detail);
  return failure;
}

bool IsTarget(absl::string_view target) {
  return absl::StartsWith(target, "/") && std::all_of(target.begin(), target.end(), [](char c) {
           return static_cast<uint8_t>(c) > 0x20 && c != 0x7F && c != '#';
         });
}

std::variant<HttpInput, Failure> TakeHttp(invoke::v1::HttpRequest& message,
                                          const MessageLimits& limits) {
  HttpInput input;
  input.method = message.method().empty() ? "POST" : std::move(*message.mutable_method());
  input.target = message.target().empty() ? "/" : std::move(*message.mutable_target());
  if (!IsToken(input.method)) return Refuse(Reason::BAD_REQUEST, "the method is not a token");
  if (input.method == "TRACE" || input.method == "CONNECT") return Refuse(Reason::METHOD);
  if (input.target.size() > limits.uri_bytes_max) {
    return Refuse(
        Reason::URI_TOO_LONG,
        absl::StrCat(
            "the target has ", input.target.size(), " bytes; at most ", limits.uri_bytes_max));
  }
  if (!IsTarget(input.target)) {
    return Refuse(Reason::BAD_REQUEST,
                  "the target does not begin with / or holds a character "
                  "that a request line cannot");
  }
  uint64_t header_bytes = 0;
  for (invoke::v1::Header& header : *message.mutable_headers()) {
    header_bytes += header.name().size() + header.value().size() + 4;
    if (!IsToken(header.name()) || !IsFieldValue(header.value())) {
      return Refuse(Reason::BAD_REQUEST, "a header has a name or value that HTTP does not allow");
    }
    absl::AsciiStrToLower(header.mutable_name());
    // They speak of a connection, and there is none; the guest's message gets its own framing.
    if (IsHopByHop(header.name()) || header.name() == "content-length") continue;
    input.headers.push_back(
        {std::move(*header.mutable_name()), std::move(*header.mutable_value())});
  }
  const auto field_count = static_cast<uint64_t>(message.headers_size());
  if (header_bytes > limits.header_bytes_max || field_count > limits.header_fields_max) {
    return Refuse(Reason::HEADERS_TOO_LARGE,
                  absl::StrCat(field_count,
                               " fields of ",
                               header_bytes,
                               " bytes; at most ",
                               limits.header_fields_max,
                               " and ",
                               limits.header_bytes_max));
  }
  if (const HeaderField* host = FindField(input.headers, "host")) {
    const size_t colon = host->value.rfind(':');
    const bool has_port =
        colon != std::string::npos && host->value.find(']', colon) == std::string::npos;
    input.server_name = host->value.substr(0, has_port ? colon : std::string::npos);
    if (has_port) input.server_port = host->value.substr(colon + 1);
  }
  input.body = std::move(*message.mutable_body());
  return input;
}

std::optional<TypedValue> TakeValue(const invoke::v1::Value& value) {
  using invoke::v1::Value;
  switch (value.kind_case()) {
    case Value::kI32:
      return TypedValue{ValueKind::kI32, engine::Value::I32(static_cast<uint32_t>(value.i32()))};
    case Value::kI64:
      return TypedValue{ValueKind::kI64, engine::Value::I64(static_cast<uint64_t>(value.i64()))};
    case Value::kF32:
      return TypedValue{ValueKind::kF32, engine::Value::F32(value.f32())};
    case Value::kF64:
      return TypedValue{ValueKind::kF64, engine::Value::F64(value.f64())};
    case Value::kV128: {
      if (value.v128().size() != kVectorBytes) return std::nullopt;
      TypedValue typed{ValueKind::kV128, {}};
      std::memcpy(&typed.value.low, value.v128().data(), 8);
      std::memcpy(&typed.value.high, value.v128().data() + 8, 8);
      return typed;
    }
    case Value::KIND_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

std::variant<CallInput, Failure> TakeCall(invoke::v1::Call& message) {
  CallInput input;
  input.export_name = std::move(*message.mutable_export_());
  if (input.export_name.empty()) return Refuse(Reason::BAD_REQUEST, "the call names no export");
  for (const invoke::v1::Value& value : message.args()) {
    const std::optional<TypedValue> typed = TakeValue(value);
    if (!typed.has_value()) {
      return Refuse(Reason::BAD_REQUEST,
                    absl::StrCat("argument ",
                                 input.arguments.size() + 1,
                                 " has no value, or is a v128 that has not 16 bytes"));
    }
    input.arguments.push_back(*typed);
  }
  return input;
}

bool PutValue(const TypedValue& typed, invoke::v1::Value& value) {
  switch (typed.kind) {
    case ValueKind::kI32:
      value.set_i32(static_cast<int32_t>(typed.value.i32()));
      return true;
    case ValueKind::kI64:
      value.set_i64(static_cast<int64_t>(typed.value.i64()));
      return true;
    case ValueKind::kF32:
      value.set_f32(typed.value.f32());
      return true;
    case ValueKind::kF64:
      value.set_f64(typed.value.f64());
      return true;
    case ValueKind::kV128: {
      std::string bytes(kVectorBytes, '\0');
      std::memcpy(bytes.data(), &typed.value.low, 8);
      std::memcpy(bytes.data() + 8, &typed.value.high, 8);
      value.set_v128(std::move(bytes));
      return true;
    }
    case ValueKind::kRef:
    case ValueKind::kBottom:
      return false;
  }
  return false;
}

}  // namespace

std::variant<InvokeRequest, Failure> TakeRequest(invoke::v1::InvokeRequest& message,
                                                 const MessageLimits& limits) {
  InvokeRequest request;
  absl::StatusOr<FunctionReference> function = ParseFunctionReference(message.function());
  if (!function.ok()) {
    return Refuse(Reason::BAD_REQUEST, std::string(function.status().message()));
  }
  request.function = *std::move(function);
  if (message.has_call()) {
    std::variant<CallInput, Failure> input = TakeCall(*message.mutable_call());
    if (auto* failure = std::get_if<Failure>(&input)) return std::move(*failure);
    request.input = std::get<CallInput>(std::move(input));
    return request;
  }
  // No input at all is an empty POST: the smallest request a handler can get.
  std::variant<HttpInput, Failure> input = TakeHttp(*message.mutable_http(), limits);
  if (auto* failure = std::get_if<Failure>(&input)) return std::move(*failure);
  request.input = std::get<HttpInput>(std::move(input));
  return request;
}

grpc::Status PutOutcome(InvokeOutcome& outcome,
                        Audience audience,
                        invoke::v1::InvokeResponse& message) {
  if (const auto* failure = std::get_if<Failure>(&outcome.result)) {
    return StatusOf(*failure, outcome.invocation_id, audience);
  }
  message.set_invocation(outcome.invocation_id);
  if (auto* http = std::get_if<HttpOutput>(&outcome.result)) {
    invoke::v1::HttpResponse& response = *message.mutable_http();
    response.set_status(http->status);
    for (HeaderField& field : http->headers) {
      invoke::v1::Header& header = *response.add_headers();
      header.set_name(std::move(field.name));
      header.set_value(std::move(field.value));
    }
    response.set_body(std::move(http->body));
    return grpc::Status::OK;
  }
  invoke::v1::Results& results = *message.mutable_results();
  for (const TypedValue& typed : std::get<std::vector<TypedValue>>(outcome.result)) {
    if (!PutValue(typed, *results.add_values())) {
      return StatusOf(Refuse(Reason::WRONG_ABI,
                             "the export gives a reference, which has no meaning "
                             "outside its instance"),
                      outcome.invocation_id,
                      audience);
    }
  }
  return grpc::Status::OK;
}

}  // namespace tidepool::daemon
