// clock_*: no finer than the context allows.
#include <algorithm>

#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {

Errno ClockResGet(Call& call, uint32_t clock, Pointer result) {
  const auto id = static_cast<ClockId>(clock);
  if (!call.context.host().NowNs(id).has_value()) return Errno::kInval;
  const uint64_t resolution_ns =
      std::max(call.context.host().ResolutionNs(id), call.context.options().clock_resolution_ns);
  return call.memory.Write(result, resolution_ns) ? Errno::kSuccess : Errno::kFault;
}

Errno ClockTimeGet(Call& call, uint32_t clock, uint64_t /*precision_ns*/, Pointer result) {
  const auto now = call.context.host().NowNs(static_cast<ClockId>(clock));
  if (!now.has_value()) return Errno::kInval;
  const uint64_t coarse = *now - *now % call.context.options().clock_resolution_ns;
  return call.memory.Write(result, coarse) ? Errno::kSuccess : Errno::kFault;
}

}  // namespace tidepool::engine::wasi
