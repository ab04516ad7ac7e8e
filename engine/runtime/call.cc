#include "engine/runtime/call.h"

#include "absl/strings/str_cat.h"
#include "engine/runtime/activation_scope.h"
#include "engine/runtime/argument_passing.h"
#include "engine/runtime/backtrace.h"
#include "engine/runtime/entry.h"
#include "engine/runtime/module.h"
#include "engine/runtime/transitions.h"
#include "engine/support/check.h"

namespace tidepool::engine {

TrapCode CallFunction(Store& store,
                      const abi::FunctionRecord& function,
                      const wasm::FunctionType& type,
                      absl::Span<const Value> arguments,
                      absl::Span<Value> results,
                      Activation& activation) {
  TP_DCHECK(arguments.size() == type.params.size() && results.size() == type.results.size());
  ActivationAccess access(activation);
  access.ClearTrap();
  // Nested deep in host functions, a call may begin where no guest may run any more.
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < activation.stack_limit()) {
    return TrapCode::kStackOverflow;
  }
  const ActivationScope scope(activation, store);
  RegisterBlock registers;
  StoreParameters(type.params, arguments, registers, activation.argument_area());

  Activation::Entry entry;
  access.Push(entry);
  const auto trap = static_cast<TrapCode>(
      TidepoolEnterGuest(function.code, function.context, &registers, &entry));
  access.Pop(entry);

  if (trap != TrapCode::kNone) return trap;
  LoadResults(type.results, registers, activation.argument_area(), results);
  return TrapCode::kNone;
}

absl::StatusOr<CallResult> CallExport(Instance& instance,
                                      absl::string_view name,
                                      absl::Span<const Value> arguments,
                                      Activation& activation) {
  const std::optional<Extern> found = instance.FindExport(name);
  if (!found.has_value() || found->kind != wasm::ExternalKind::kFunction) {
    return absl::NotFoundError(
        absl::StrCat(instance.module().name(), " exports no function \"", name, "\""));
  }
  const wasm::FunctionType& type = *found->function_type;
  if (arguments.size() != type.params.size()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" takes ", type.params.size(),
                                                   " arguments, got ", arguments.size()));
  }
  Values results(type.results.size());
  const TrapCode trap = CallFunction(instance.store(), *found->function, type, arguments,
                                     absl::MakeSpan(results), activation);
  if (trap != TrapCode::kNone) return CallResult(TrapOf(activation, trap));
  return CallResult(std::move(results));
}

}  // namespace tidepool::engine
