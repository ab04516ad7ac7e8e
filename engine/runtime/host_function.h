// HostFunction: a function that we give to guests.
//
// Life     A HostFunction outlives every store that imports it (the Linker owns it).
// Threads  Immutable; the callback runs on the thread and fiber of the calling guest.
// Errors   A callback returns kNone, or the trap that ends the guest call.  kHostError takes its text
//          from HostCall::error.  It must not throw and must not leave in any other way.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "engine/abi/trap_code.h"
#include "engine/abi/vm_context.h"
#include "engine/runtime/value.h"
#include "engine/wasm/types.h"

namespace tidepool::engine {

class Store;
class Instance;

struct HostCall {
  Store& store;
  Instance& caller;   // The instance whose import this is.
  void* environment;  // HostFunction::environment.
  absl::Span<const Value> arguments;
  absl::Span<Value> results;  // To be written before returning kNone.
  absl::Status error;         // Text of a kHostError trap.
};

using HostCallback = TrapCode (*)(HostCall& call);

struct HostFunction {
  std::string name;  // "module.name", for messages.
  wasm::FunctionType type;
  HostCallback callback = nullptr;
  void* environment = nullptr;
};

}  // namespace tidepool::engine
