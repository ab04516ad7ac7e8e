#include "engine/runtime/backtrace.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/call.h"
#include "engine/runtime/entry.h"
#include "engine/runtime/module_internal.h"
#include "engine/trap/trap_handler.h"

namespace tidepool::engine {

std::optional<BacktraceFrame> FrameOf(uintptr_t return_address) {
  // The byte before belongs to the call; the return address itself may be another function's.
  const uintptr_t pc = return_address - 1;
  trap::CodeRegion region;
  if (!trap::FindCode(pc, &region)) return std::nullopt;
  const auto& module = *static_cast<const ModuleImpl*>(region.owner);
  const auto text_offset = static_cast<uint32_t>(pc - region.begin);
  const uint32_t defined = module.artifact.functions().Find(text_offset);
  if (defined == FunctionTable::kNone) return std::nullopt;

  BacktraceFrame frame;
  frame.function_index = module.artifact.info().counts.imported_functions + defined;
  const absl::string_view name = module.artifact.names().Find(frame.function_index);
  frame.function_name = std::string(name);
  const uint32_t wasm_offset = module.artifact.address_map().Find(text_offset);
  if (wasm_offset != AddressMap::kUnknown) frame.wasm_offset = wasm_offset;
  return frame;
}

Trap TrapOf(const Activation& activation, TrapCode code) {
  const ActivationAccess access(const_cast<Activation&>(activation));
  Trap trap;
  trap.code = code;
  trap.message = std::string(TrapText(code));
  if (code == TrapCode::kHostError && !access.host_error().ok()) {
    absl::StrAppend(&trap.message, ": ", access.host_error().message());
  }
  if (code == TrapCode::kMemoryOutOfBounds && access.has_fault_offset()) {
    absl::StrAppend(&trap.message, " at address 0x", absl::Hex(access.fault_offset()));
  }
  for (uint32_t i = 0; i < access.backtrace_count(); ++i) {
    std::optional<BacktraceFrame> frame = FrameOf(access.backtrace_pc(i));
    if (frame.has_value()) trap.backtrace.push_back(*std::move(frame));
  }
  trap.backtrace_truncated = access.backtrace_truncated();
  return trap;
}

}  // namespace tidepool::engine
