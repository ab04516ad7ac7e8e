// Frame: where a baseline function keeps things on the machine stack.
//
//   rbp + 8     return address
//   rbp         the caller's rbp
//   rbp - 8     VmContext*
//   rbp - 16 …  the caller's values of the callee-saved registers that the function uses (5 places)
//   below       homes: one or two 8-byte slots per local, then per entry of the operand stack
//   rsp         16-byte aligned
//
// Slots are numbered downward from the first home.  A value of 16 bytes takes two slots, its
// address is that of the second.  How deep a frame gets is known only at the body's end, so the
// prologue is generated last and placed in front.
#pragma once

#include <cstdint>

#include "engine/wasm/types.h"
#include "engine/x64/operand.h"
#include "engine/x64/registers.h"

namespace tidepool::engine::baseline {

inline constexpr uint32_t kSlotBytes = 8;
inline constexpr int32_t kVmContextHome = -8;
inline constexpr int32_t kSavedRegisters = -16;
inline constexpr uint32_t kFixedFrameBytes = 48;

// Slots that a value of this kind takes.
constexpr uint32_t SlotsOf(wasm::ValueKind kind) {
  return kind == wasm::ValueKind::kV128 ? 2 : 1;
}

// rbp-relative address of a value whose last slot is `slot` (from 0).
constexpr int32_t HomeOfSlot(uint32_t slot) {
  return -static_cast<int32_t>(kFixedFrameBytes + kSlotBytes * (slot + 1));
}

constexpr x64::Mem FrameMem(int32_t home) {
  return x64::Mem::At(x64::Gpr::kRbp, home);
}

// Register roles that do not depend on the function (README.md, "Register plan").
inline constexpr x64::Gpr kMemoryBase = x64::Gpr::kR15;
inline constexpr x64::Gpr kScratch = x64::Gpr::kR11;
inline constexpr x64::Xmm kScratchXmm = x64::Xmm::k15;

// With guard pages, an access of at most 16 bytes at an offset up to this needs no check: it ends
// within the guard behind the largest 32-bit memory (kGuardReachBytes).
inline constexpr uint64_t kUncheckedOffsetMax = (uint64_t{32} << 20) - 16;

constexpr bool IsVector(wasm::ValueKind kind) {
  return kind == wasm::ValueKind::kF32 || kind == wasm::ValueKind::kF64 ||
         kind == wasm::ValueKind::kV128;
}
constexpr x64::Width WidthOf(wasm::ValueKind kind) {
  return kind == wasm::ValueKind::kI32 ? x64::Width::k32 : x64::Width::k64;
}

}  // namespace tidepool::engine::baseline
