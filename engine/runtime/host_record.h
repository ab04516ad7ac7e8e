// HostRecord: one imported host function of one instance, in the instance's state area.
//
// Each importing instance has its own, so that a host function knows who called it without the
// guest passing a VmContext (engine.md, "ABI").
#pragma once

#include "engine/abi/vm_context.h"

namespace tidepool::engine {

struct HostFunction;
class Instance;

struct HostRecord {
  abi::FunctionRecord record;  // code: TidepoolHostThunk; context: this.
  const HostFunction* function;
  Instance* instance;
};
static_assert(sizeof(HostRecord) == 48);

}  // namespace tidepool::engine
