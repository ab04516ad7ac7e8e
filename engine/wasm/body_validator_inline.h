// The body validator's part for the operators that nearly all code consists of: inlined into the
// walk.  Included by the body_validator*.cc files only.
#pragma once

#include "engine/wasm/body_validator.h"

namespace tidepool::engine::wasm {

inline size_t BodyValidator::height() const {
  return static_cast<size_t>(top_ - stack_.data());
}

inline void BodyValidator::SetBase() {
  base_ = stack_.data() + (frames_.empty() ? 0 : frames_.back().height);
}

inline bool BodyValidator::Move(size_t count) {
  moved_value_count_ += count;
  return __builtin_expect(moved_value_count_ <= moved_value_count_max_, 1) || FailMoved();
}

inline void BodyValidator::Push(ValueType type) {
  if (__builtin_expect(top_ == limit_, 0)) Grow(1);
  *top_++ = type;
}

inline bool BodyValidator::Pop(ValueType expected) {
  if (__builtin_expect(top_ > base_ && top_[-1] == expected, 1)) {
    --top_;
    return true;
  }
  return PopSlow(expected);
}

inline bool BodyValidator::CheckMemory(MemoryIndex memory, ValueType* address) {
  if (__builtin_expect(ToInt(memory) == 0 && !module_.memories.empty(), 1)) {
    *address = memory0_address_;
    return true;
  }
  return CheckMemorySlow(memory, address);
}

constexpr ValueType BodyValidator::TypeOf(Operand operand, ValueType address) {
  switch (operand) {
    case Operand::kI32:
      return ValueType::I32();
    case Operand::kI64:
      return ValueType::I64();
    case Operand::kF32:
      return ValueType::F32();
    case Operand::kF64:
      return ValueType::F64();
    case Operand::kV128:
      return ValueType::V128();
    case Operand::kAddress:
      break;
  }
  return address;
}

template <Signature kSignature>
bool BodyValidator::Apply(ValueType address) {
  constexpr int kParams = kSignature.param_count;
  constexpr int kResults = kSignature.result_count;
  bool exact = top_ - base_ >= kParams;
  for (int i = 0; exact && i < kParams; ++i) {
    exact = top_[i - kParams] == TypeOf(kSignature.params[i], address);
  }
  if constexpr (kResults > kParams) exact = exact && limit_ - top_ >= kResults - kParams;
  if (__builtin_expect(!exact, 0)) {
    static constexpr Signature kSlow = kSignature;
    return ApplySlow(kSlow, address);
  }
  top_ -= kParams;
  for (int i = 0; i < kResults; ++i) *top_++ = TypeOf(kSignature.results[i], address);
  return true;
}

template <Immediate kImmediate>
bool BodyValidator::CheckImmediate(MemArg access, ValueType* address) {
  constexpr uint32_t kNaturalLog2 = static_cast<uint32_t>(__builtin_ctz(AccessBytes(kImmediate)));
  constexpr bool kAtomic = kImmediate >= Immediate::kAtomicMemArg1;
  if (!CheckMemory(access.memory, address)) return false;
  const bool aligned =
      kAtomic ? access.align_log2 == kNaturalLog2 : access.align_log2 <= kNaturalLog2;
  const bool reaches = access.offset <= UINT32_MAX || *address == ValueType::I64();
  return __builtin_expect(aligned && reaches, 1) || FailAccess(access, kNaturalLog2);
}

template <Immediate kImmediate>
bool BodyValidator::CheckImmediate(MemArg access, uint8_t lane, ValueType* address) {
  if (!CheckImmediate<kImmediate>(access, address)) return false;
  return lane < 16 / AccessBytes(kImmediate) || Fail("lane number out of range");
}

template <Immediate kImmediate>
bool BodyValidator::CheckImmediate(uint8_t lane, ValueType* address) {
  constexpr uint32_t kLanes = kImmediate == Immediate::kLane2   ? 2
                              : kImmediate == Immediate::kLane4 ? 4
                              : kImmediate == Immediate::kLane8 ? 8
                                                                : 16;
  return lane < kLanes || Fail("lane number out of range");
}

inline bool BodyValidator::VisitDrop() {
  ValueType ignored;
  return PopAny(&ignored);
}

inline bool BodyValidator::VisitLocalGet(uint32_t local) {
  ValueType type;
  if (!FindLocal(local, &type)) return false;
  if (has_uninitialized_locals_ && !CheckInitialized(local, type)) return false;
  Push(type);
  return true;
}

inline bool BodyValidator::VisitLocalSet(uint32_t local) {
  ValueType type;
  if (!FindLocal(local, &type) || !Pop(type)) return false;
  if (has_uninitialized_locals_) MarkInitialized(local);
  return true;
}

inline bool BodyValidator::VisitLocalTee(uint32_t local) {
  ValueType type;
  if (!FindLocal(local, &type) || !Pop(type)) return false;
  if (has_uninitialized_locals_) MarkInitialized(local);
  Push(type);
  return true;
}

inline bool BodyValidator::VisitGlobalGet(GlobalIndex global) {
  if (ToInt(global) >= module_.globals.size()) return Fail("unknown global");
  Push(module_.globals[ToInt(global)].type.value);
  return true;
}

inline bool BodyValidator::VisitGlobalSet(GlobalIndex global) {
  if (ToInt(global) >= module_.globals.size()) return Fail("unknown global");
  const GlobalType& type = module_.globals[ToInt(global)].type;
  return type.is_mutable ? Pop(type.value) : Fail("global is immutable");
}

inline bool BodyValidator::PopAny(ValueType* actual) {
  if (__builtin_expect(top_ == base_, 0)) {
    *actual = ValueType::Bottom();
    return PopSlow(*actual);
  }
  *actual = *--top_;
  return true;
}

}  // namespace tidepool::engine::wasm
