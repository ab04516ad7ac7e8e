// RegisterFile: what the registers of one kind hold at this point of the code.
//
//   allocatable   may hold values of the operand stack (not pinned, not of fixed use)
//   owned         hold an entry of the operand stack; owner[] says which
//   locked        hold an operand of the operator being compiled; BeginOperator lets them go
//   caching       hold a copy of a local that lives in its home; may be given away
//
// Threads  One thread at a time.
#pragma once

#include <cstdint>

#include "engine/baseline/local_table.h"
#include "engine/x64/registers.h"

namespace tidepool::engine::baseline {

template <typename Register>
struct RegisterFile {
  using Set = x64::RegisterSet<Register>;

  Set allocatable;
  Set owned;
  Set locked;
  Set caching;
  uint32_t owner[16] = {};  // Index in the operand stack.
  LocalState* cached_local[16] = {};

  void BeginFunction(Set allocatable_registers) {
    allocatable = allocatable_registers;
    owned = locked = caching = {};
  }

  void Cache(Register reg, LocalState& local) {
    local.cached = Number(reg);
    cached_local[Number(reg)] = &local;
    caching.Add(reg);
  }
  void Forget(Register reg) {
    cached_local[Number(reg)]->cached = kNoRegister;
    caching.Remove(reg);
  }
  void ForgetAll() {
    for (Set left = caching; !left.empty();) Forget(left.TakeFirst());
  }
};

}  // namespace tidepool::engine::baseline
