#include "engine/wasi/define.h"

#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/strings/string_view.h"

#include "engine/runtime/host_function.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/store.h"
#include "engine/support/status_macros.h"
#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {
namespace {

template <typename T>
T FromValue(const Value& value) {
  if constexpr (std::is_same_v<T, uint32_t>) {
    return value.i32();
  } else {
    static_assert(std::is_same_v<T, uint64_t>);
    return value.i64();
  }
}

template <typename T>
wasm::ValueType TypeOf() {
  return std::is_same_v<T, uint32_t> ? wasm::ValueType::I32() : wasm::ValueType::I64();
}

// From the C++ prototype of a function: its wasm type, and how to call it with untyped values.
template <typename Function>
struct Adapter;

template <typename... Parameters>
struct Adapter<Errno (*)(Call&, Parameters...)> {
  static wasm::FunctionType Type(bool has_result) {
    wasm::FunctionType type;
    type.params = {TypeOf<Parameters>()...};
    if (has_result) type.results = {wasm::ValueType::I32()};
    return type;
  }

  template <Errno (*kFunction)(Call&, Parameters...)>
  static TrapCode Invoke(HostCall& host_call) {
    auto* context = static_cast<WasiContext*>(host_call.store.host_data());
    if (context == nullptr) {
      host_call.error = absl::FailedPreconditionError(
          "a WASI function was called in a store that has no WASI context");
      return TrapCode::kHostError;
    }
    Call call{*context, GuestMemory(host_call.caller.Memory(0))};
    const Errno error =
        Apply<kFunction>(call, host_call.arguments, std::index_sequence_for<Parameters...>());
    if (call.trap != TrapCode::kNone) return call.trap;
    if (!host_call.results.empty()) {
      host_call.results[0] = Value::I32(static_cast<uint32_t>(error));
    }
    return TrapCode::kNone;
  }

 private:
  template <Errno (*kFunction)(Call&, Parameters...), size_t... kIndex>
  static Errno Apply(Call& call,
                     [[maybe_unused]] absl::Span<const Value> arguments,
                     std::index_sequence<kIndex...>) {
    return kFunction(call, FromValue<Parameters>(arguments[kIndex])...);
  }
};

template <auto kFunction>
absl::Status DefineOne(Linker& linker, absl::string_view name) {
  using FunctionAdapter = Adapter<decltype(kFunction)>;
  // The one function that never comes back has no result either.
  const bool has_result = name != "proc_exit";
  return linker.DefineFunction(kModuleName,
                               name,
                               FunctionAdapter::Type(has_result),
                               &FunctionAdapter::template Invoke<kFunction>);
}

}  // namespace

absl::Status DefineWasi(Linker& linker) {
#define TP_WASI(name, function, parameters) TP_RETURN_IF_ERROR(DefineOne<&function>(linker, #name));
#include "engine/wasi/functions.def"
#undef TP_WASI
  return absl::OkStatus();
}

}  // namespace tidepool::engine::wasi
