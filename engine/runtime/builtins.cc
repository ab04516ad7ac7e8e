// The entries of the builtins: C functions for machine code, around those that do the work.
#include "engine/runtime/builtins.h"

#include <type_traits>

#include "engine/runtime/state_view.h"
#include "engine/runtime/transitions.h"

namespace tidepool::engine {
namespace {

template <auto kWork>
struct Entry;

template <typename Result, typename... Parameters, Outcome<Result> (*kWork)(Parameters...)>
struct Entry<kWork> {
  // Called by guest code, so its caller's frame is the guest function's.  A trap leaves this frame
  // without returning; whatever `kWork` owned has ended by then.
  TP_UNINSTRUMENTED static Result Call(Parameters... parameters) {
    const Outcome<Result> outcome = kWork(parameters...);
    if (__builtin_expect(outcome.trap != TrapCode::kNone, 0)) {
      const auto* frame = static_cast<const uintptr_t*>(__builtin_frame_address(0));
      TidepoolTrap(static_cast<uint32_t>(outcome.trap), 0, frame[1], frame[0]);
    }
    if constexpr (!std::is_void_v<Result>) return outcome.value;
  }
};

}  // namespace

namespace builtins {

Outcome<uint64_t> RefFunc(VmContext* context, uint32_t function) {
  return {.value = reinterpret_cast<uintptr_t>(StateView(*context->instance).Function(function))};
}

}  // namespace builtins

void FillBuiltins(abi::ThreadControl& control) {
#define TP_BUILTIN(name, result, parameters)                         \
  control.builtins[static_cast<size_t>(abi::BuiltinId::k##name)] = \
      reinterpret_cast<const void*>(&Entry<&builtins::name>::Call);
#include "engine/abi/builtins.def"
#undef TP_BUILTIN
}

}  // namespace tidepool::engine
