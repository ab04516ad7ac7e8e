#include "absl/strings/str_cat.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/guest_call.h"
#include "engine/runtime/call.h"

namespace tidepool::daemon {
namespace {

using engine::wasm::FunctionType;
using engine::wasm::ValueKind;
using engine::wasm::ValueType;

bool IsPlain(ValueType type) { return type.kind() < ValueKind::kRef; }

absl::string_view NameOf(ValueKind kind) {
  switch (kind) {
    case ValueKind::kI32: return "i32";
    case ValueKind::kI64: return "i64";
    case ValueKind::kF32: return "f32";
    case ValueKind::kF64: return "f64";
    case ValueKind::kV128: return "v128";
    case ValueKind::kRef: return "a reference";
    case ValueKind::kBottom: break;
  }
  return "nothing";
}

// Nothing when the arguments fit.
std::optional<Failure> CheckArguments(const CallInput& input, const FunctionType& type) {
  const auto bad = [&](absl::string_view what) {
    return MakeFailure(Reason::BAD_REQUEST, absl::StrCat("export ", input.export_name, " is ",
                                                         ToString(type), ": ", what));
  };
  if (input.arguments.size() != type.params.size()) {
    return bad(absl::StrCat(input.arguments.size(), " arguments were given"));
  }
  for (size_t i = 0; i < type.params.size(); ++i) {
    if (!IsPlain(type.params[i])) return bad("references cannot be passed from outside");
    if (input.arguments[i].kind != type.params[i].kind()) {
      return bad(absl::StrCat("argument ", i, " is ", NameOf(input.arguments[i].kind)));
    }
  }
  for (const ValueType result : type.results) {
    if (!IsPlain(result)) return bad("references cannot be returned to the outside");
  }
  return std::nullopt;
}

}  // namespace

GuestResult CallExportedFunction(GuestCall& call) {
  const CallInput& input = std::get<CallInput>(call.request.input);
  const std::optional<engine::Extern> found = call.instance.FindExport(input.export_name);
  if (!found.has_value() || found->kind != engine::wasm::ExternalKind::kFunction) {
    return MakeFailure(Reason::BAD_REQUEST,
                       absl::StrCat("no exported function \"", input.export_name, "\""));
  }
  const FunctionType& type = *found->function_type;
  if (auto failure = CheckArguments(input, type)) return *std::move(failure);
  engine::Values arguments;
  for (const TypedValue& argument : input.arguments) arguments.push_back(argument.value);
  engine::Values results(type.results.size());
  const engine::TrapCode trap =
      engine::CallFunction(call.instance.store(), *found->function, type, arguments,
                           absl::MakeSpan(results), call.activation);
  if (trap != engine::TrapCode::kNone) return trap;
  std::vector<TypedValue> typed;
  for (size_t i = 0; i < results.size(); ++i) typed.push_back({type.results[i].kind(), results[i]});
  return typed;
}

}  // namespace tidepool::daemon
