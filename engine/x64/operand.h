// Mem: a memory operand, base + index × scale + displacement, or gs:displacement.
//
// Threads  Immutable values.
// Source   Intel SDM volume 2, 2.1.5 (ModR/M and SIB).
#pragma once

#include <cstdint>

#include "engine/x64/registers.h"

namespace tidepool::engine::x64 {

struct Mem {
  static constexpr uint8_t kNone = 0xFF;

  uint8_t base = kNone;   // A Gpr's number; kNone: gs:disp.
  uint8_t index = kNone;  // A Gpr's number, never rsp.
  uint8_t scale_log2 = 0;
  int32_t disp = 0;

  static constexpr Mem At(Gpr base, int32_t disp = 0) { return {Number(base), kNone, 0, disp}; }
  static constexpr Mem Indexed(Gpr base, Gpr index, uint8_t scale_log2 = 0, int32_t disp = 0) {
    return {Number(base), Number(index), scale_log2, disp};
  }
  // The running thread's ThreadControl.
  static constexpr Mem Gs(int32_t disp) { return {kNone, kNone, 0, disp}; }
};

}  // namespace tidepool::engine::x64
