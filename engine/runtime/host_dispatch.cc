// Guest → host: what TidepoolHostThunk calls.
#include <alloca.h>

#include <utility>

#include "engine/runtime/argument_passing.h"
#include "engine/runtime/entry.h"
#include "engine/runtime/guest_thread.h"
#include "engine/runtime/host_function.h"
#include "engine/runtime/host_record.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/transitions.h"

namespace tidepool::engine {

// A trap is returned, not raised: call.error and all else of C++ has ended when the thunk raises.
extern "C" uint32_t TidepoolHostDispatch(HostRecord* host, RegisterBlock* registers) {
  GuestThread& thread = GuestThread::Current();
  Activation& activation = *thread.current();
  // A guest may come here with up to kUncheckedFrameBytes less than its limit; a host function is
  // promised the whole reserve, so it does not begin below.
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < activation.stack_limit()) {
    return static_cast<uint32_t>(TrapCode::kStackOverflow);
  }
  const HostFunction& function = *host->function;
  const size_t parameter_count = function.type.params.size();
  const size_t result_count = function.type.results.size();
  // Copied out of the argument area, which calls made by the host function would overwrite.
  auto* values = static_cast<Value*>(alloca((parameter_count + result_count) * sizeof(Value)));
  const absl::Span<Value> arguments(values, parameter_count);
  const absl::Span<Value> results(values + parameter_count, result_count);
  LoadParameters(function.type.params, *registers, activation.argument_area(), arguments);
  for (Value& result : results) result = Value{};

  HostCall call{.store = host->instance->store(),
                .caller = *host->instance,
                .environment = function.environment,
                .arguments = arguments,
                .results = results,
                .error = absl::OkStatus()};
  const TrapCode trap = function.callback(call);
  // The host function may have switched fibers, or called on another activation.
  if (thread.current() != &activation) thread.Switch(&activation);
  if (trap != TrapCode::kNone) {
    ActivationAccess(activation).SetHostError(std::move(call.error));
    return static_cast<uint32_t>(trap);
  }
  StoreResults(function.type.results, results, *registers, activation.argument_area());
  return 0;
}

}  // namespace tidepool::engine
