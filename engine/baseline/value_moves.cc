// ValueStack, the part that moves values: registers given out, locals, homes.
#include <algorithm>

#include "engine/baseline/value_stack.h"

namespace tidepool::engine::baseline {

using wasm::ValueKind;
using x64::Gpr;
using x64::GprSet;
using x64::Precision;
using x64::Width;
using x64::Xmm;
using x64::XmmSet;
using Where = Value::Where;

namespace {

// Given out first: registers that no instruction and no calling convention wants.
constexpr GprSet Preferred(GprSet) {
  return GprSet::Of(Gpr::kRax, Gpr::kRsi, Gpr::kRdi);
}
constexpr XmmSet Preferred(XmmSet) {
  return {};
}

}  // namespace

// ---- Registers
// ------------------------------------------------------------------------------------

template <typename Register>
Register ValueStack::NewRegister(RegisterFile<Register>& file) {
  const auto usable = file.allocatable.Without(file.owned | file.locked);
  const auto unused = usable.Without(file.caching);
  const auto preferred = unused & Preferred(unused);
  Register reg;
  if (!preferred.empty()) {
    reg = preferred.First();
  } else if (!unused.empty()) {
    reg = unused.First();
  } else if (!usable.empty()) {
    reg = usable.First();
    file.Forget(reg);
  } else {
    // The entry deepest in the stack is needed last.
    auto left = file.owned;
    TP_CHECK(!left.empty());
    reg = left.TakeFirst();
    while (!left.empty()) {
      const Register other = left.TakeFirst();
      if (file.owner[Number(other)] < file.owner[Number(reg)]) reg = other;
    }
    Store(file.owner[Number(reg)]);
  }
  file.locked.Add(reg);
  return reg;
}

template Gpr ValueStack::NewRegister(RegisterFile<Gpr>&);
template Xmm ValueStack::NewRegister(RegisterFile<Xmm>&);

template <typename Register>
void ValueStack::TakeRegister(RegisterFile<Register>& file, Register reg) {
  TP_DCHECK(!file.locked.Has(reg) && file.allocatable.Has(reg));
  if (file.caching.Has(reg)) file.Forget(reg);
  if (file.owned.Has(reg)) {
    const uint32_t owner = file.owner[Number(reg)];
    const auto unused = file.allocatable.Without(file.owned | file.locked | file.caching);
    if (unused.empty()) {
      Store(owner);
    } else {
      const Register other = unused.First();
      Move(other, reg);
      values_[owner].reg = Number(other);
      file.owned.Add(other);
      file.owner[Number(other)] = owner;
      file.owned.Remove(reg);
    }
  }
  file.locked.Add(reg);
}

template void ValueStack::TakeRegister(RegisterFile<Gpr>&, Gpr);
template void ValueStack::TakeRegister(RegisterFile<Xmm>&, Xmm);

uint8_t ValueStack::RegisterOf(const Value& value) {
  if (value.where == Where::kRegister) return value.reg;
  if (value.where != Where::kLocal) return kNoRegister;
  const LocalState& local = locals_.Touch(value.local);
  return local.pinned != kNoRegister ? local.pinned : local.cached;
}

// ---- Single moves
// ---------------------------------------------------------------------------------

void ValueStack::LoadHome(ValueKind kind, Xmm to, int32_t home) {
  switch (kind) {
    case ValueKind::kF32:
      assembler_.Movs(Precision::kSingle, to, FrameMem(home));
      break;
    case ValueKind::kV128:
      assembler_.Movup(to, FrameMem(home));
      break;
    default:
      assembler_.Movs(Precision::kDouble, to, FrameMem(home));
      break;
  }
}

void ValueStack::StoreHome(ValueKind kind, int32_t home, Xmm from) {
  switch (kind) {
    case ValueKind::kF32:
      assembler_.Movs(Precision::kSingle, FrameMem(home), from);
      break;
    case ValueKind::kV128:
      assembler_.Movup(FrameMem(home), from);
      break;
    default:
      assembler_.Movs(Precision::kDouble, FrameMem(home), from);
      break;
  }
}

void ValueStack::MoveConstant(Xmm to, uint64_t bits) {
  if (bits == 0) {
    assembler_.Zero(to);
    return;
  }
  assembler_.MovImm(kScratch, bits);
  assembler_.Mov(Width::k64, to, kScratch);
}

// All 8 bytes: what a home holds of an i32 is zero-extended.
void ValueStack::StoreConstant(ValueKind kind, int32_t home, uint64_t bits) {
  if (static_cast<int64_t>(bits) == static_cast<int32_t>(bits)) {
    assembler_.MovImm(Width::k64, FrameMem(home), static_cast<int32_t>(bits));
    return;
  }
  assembler_.MovImm(Width::k32, FrameMem(home), static_cast<int32_t>(bits));
  assembler_.MovImm(Width::k32, FrameMem(home + 4), static_cast<int32_t>(bits >> 32));
}

void ValueStack::LoadEntry(uint32_t index, Gpr to) {
  const Value& value = values_[index];
  const uint8_t from = RegisterOf(value);
  if (from == Number(to)) return;
  if (from != kNoRegister) {
    assembler_.Mov(WidthOf(value.kind), to, static_cast<Gpr>(from));
  } else if (value.where == Where::kConstant) {
    assembler_.MovImm(to, value.constant);
  } else if (value.where == Where::kLocal) {
    LoadHome(value.kind, to, locals_.Touch(value.local).home);
  } else {
    TP_DCHECK(value.where == Where::kHome);
    LoadHome(value.kind, to, HomeOf(index));
  }
}

void ValueStack::LoadEntry(uint32_t index, Xmm to) {
  const Value& value = values_[index];
  const uint8_t from = RegisterOf(value);
  if (from == Number(to)) return;
  if (from != kNoRegister) {
    assembler_.Movap(to, static_cast<Xmm>(from));
  } else if (value.where == Where::kConstant) {
    MoveConstant(to, value.constant);
  } else if (value.where == Where::kLocal) {
    LoadHome(value.kind, to, locals_.Touch(value.local).home);
  } else {
    LoadHome(value.kind, to, HomeOf(index));
  }
}

// One entry to its home.
void ValueStack::Store(uint32_t index) {
  Value& value = values_[index];
  const int32_t home = HomeOf(index);
  const uint8_t from = RegisterOf(value);
  if (value.where == Where::kRegister) {
    if (IsVector(value.kind)) {
      xmms_.owned.Remove(static_cast<Xmm>(value.reg));
    } else {
      gprs_.owned.Remove(static_cast<Gpr>(value.reg));
    }
  }
  if (value.where == Where::kConstant) {
    StoreConstant(value.kind, home, value.constant);
  } else if (IsVector(value.kind)) {
    const Xmm reg = from != kNoRegister ? static_cast<Xmm>(from) : kScratchXmm;
    if (from == kNoRegister) LoadEntry(index, reg);
    StoreHome(value.kind, home, reg);
  } else {
    const Gpr reg = from != kNoRegister ? static_cast<Gpr>(from) : kScratch;
    if (from == kNoRegister) LoadEntry(index, reg);
    assembler_.Mov(Width::k64, FrameMem(home), reg);
  }
  value.where = Where::kHome;
}

// ---- Whole stack
// ----------------------------------------------------------------------------------

void ValueStack::Flush() {
  FlushTop(height());
}

void ValueStack::FlushTop(uint32_t count) {
  const uint32_t from = height() - count;
  // From the top down: an entry for a local is then always the topmost one for it.
  for (uint32_t index = height(); index > std::max(from, flushed_);) {
    Value& value = values_[--index];
    if (value.where == Where::kHome) continue;
    TP_DCHECK(value.where != Where::kFlags);
    if (value.where == Where::kLocal) {
      const Value reference = value;
      Store(index);
      Unlink(reference);
    } else {
      Store(index);
    }
  }
  if (from <= flushed_) flushed_ = height();
}

void ValueStack::SpillBelow(uint32_t limit) {
  for (GprSet left = gprs_.owned; !left.empty();) {
    const uint32_t owner = gprs_.owner[Number(left.TakeFirst())];
    if (owner < limit) Store(owner);
  }
  for (XmmSet left = xmms_.owned; !left.empty();) {
    const uint32_t owner = xmms_.owner[Number(left.TakeFirst())];
    if (owner < limit) Store(owner);
  }
}

// ---- Locals
// ---------------------------------------------------------------------------------------

Gpr ValueStack::VmContextGpr() {
  return ReadLocal(locals_.vm_context());
}

// Gives the entry a register of its own if one is idle.
template <typename Register>
bool ValueStack::CopyToUnused(RegisterFile<Register>& file, uint32_t index) {
  const auto unused = file.allocatable.Without(file.owned | file.locked | file.caching);
  if (unused.empty()) return false;
  const Register reg = unused.First();
  LoadEntry(index, reg);
  Value& value = values_[index];
  value.where = Where::kRegister;
  value.reg = Number(reg);
  file.owned.Add(reg);
  file.owner[Number(reg)] = index;
  return true;
}

void ValueStack::Detach(LocalState& local) {
  while (local.last_reference >= 0) {
    const uint32_t index = static_cast<uint32_t>(local.last_reference);
    Value& value = values_[index];
    const int32_t next = value.previous_reference;
    if (!(IsVector(value.kind) ? CopyToUnused(xmms_, index) : CopyToUnused(gprs_, index))) {
      Store(index);
    }
    local.last_reference = next;
  }
}

void ValueStack::SetLocal(uint32_t local, bool keep) {
  LocalState& state = locals_.Touch(local);
  // The top may itself stand for the local; that one need not be saved.
  const bool same = values_.back().where == Where::kLocal && values_.back().local == local;
  if (same) {
    if (!keep) Remove();
    return;
  }
  const Value value = values_.back();
  const bool constant = value.where == Where::kConstant;
  if (state.last_reference >= 0) Detach(state);
  if (state.pinned != kNoRegister) {
    SetPinned(state, value);
  } else {
    SetAtHome(state, value);
  }
  if (!keep) return;
  if (constant) {
    PushConstant(value.kind, value.constant);
  } else {
    PushLocal(local);
  }
}

// Pops the top, which is `value`, into the local's register.
void ValueStack::SetPinned(LocalState& state, const Value& value) {
  if (IsVector(state.kind)) {
    PopXmmTo(static_cast<Xmm>(state.pinned));
    return;
  }
  const Gpr to = static_cast<Gpr>(state.pinned);
  if (value.where == Where::kConstant && value.constant == 0) {
    Remove();
    assembler_.Zero(to);  // No comparison is pending at a local.set.
    return;
  }
  PopGprTo(to);
}

// Pops the top, which is `value`, to the local's home; the register it was in remembers that.
void ValueStack::SetAtHome(LocalState& state, const Value& value) {
  const bool vector = IsVector(state.kind);
  if (state.cached != kNoRegister) {
    if (vector) {
      xmms_.Forget(static_cast<Xmm>(state.cached));
    } else {
      gprs_.Forget(static_cast<Gpr>(state.cached));
    }
  }
  if (value.where == Where::kConstant) {
    Remove();
    StoreConstant(state.kind, state.home, value.constant);
    return;
  }
  if (vector) {
    const Xmm reg = PopXmm();
    StoreHome(state.kind, state.home, reg);
    if (xmms_.allocatable.Has(reg) && !xmms_.caching.Has(reg)) xmms_.Cache(reg, state);
    return;
  }
  const Gpr reg = PopGpr();
  assembler_.Mov(WidthOf(state.kind), FrameMem(state.home), reg);
  if (gprs_.allocatable.Has(reg) && !gprs_.caching.Has(reg)) gprs_.Cache(reg, state);
}

}  // namespace tidepool::engine::baseline
