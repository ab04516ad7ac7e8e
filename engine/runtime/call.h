// Call: host → guest.
#pragma once

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/abi/trap_code.h"
#include "engine/abi/vm_context.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/trap.h"

namespace tidepool::engine {

// The hot path: no allocation.  `arguments` and `results` are as long as the function's type says;
// results are written when kNone is returned.  After a trap, TrapOf(activation) tells the rest.
TrapCode CallFunction(Store& store, const abi::FunctionRecord& function,
                      const wasm::FunctionType& type, absl::Span<const Value> arguments,
                      absl::Span<Value> results, Activation& activation);

// The trap that the last CallFunction on `activation` returned, with its backtrace.
Trap TrapOf(const Activation& activation, TrapCode code);

// By name.  NotFound: no such exported function.  InvalidArgument: arguments do not fit its type.
absl::StatusOr<CallResult> CallExport(Instance& instance, absl::string_view name,
                                      absl::Span<const Value> arguments, Activation& activation);

}  // namespace tidepool::engine
