// The registers and conditions of x86-64, by their hardware numbers, and sets of registers.
//
// Threads  Immutable values.
#pragma once

#include <bit>
#include <cstdint>

namespace tidepool::engine::x64 {

// clang-format off
enum class Gpr : uint8_t {
  kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi,
  kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15,
};
enum class Xmm : uint8_t {
  k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15,
};
// The low four bits of jcc, setcc and cmovcc; a condition and its opposite differ in bit 0.
enum class Condition : uint8_t {
  kOverflow, kNoOverflow, kBelow, kAboveEqual, kEqual, kNotEqual, kBelowEqual, kAbove,
  kSign, kNoSign, kParity, kNoParity, kLess, kGreaterEqual, kLessEqual, kGreater,
};
// clang-format on

constexpr Condition Opposite(Condition condition) {
  return static_cast<Condition>(static_cast<uint8_t>(condition) ^ 1);
}

// The condition that holds for (b, a) when `condition` holds for (a, b).
constexpr Condition Swapped(Condition condition) {
  switch (condition) {
    case Condition::kBelow:
      return Condition::kAbove;
    case Condition::kAbove:
      return Condition::kBelow;
    case Condition::kBelowEqual:
      return Condition::kAboveEqual;
    case Condition::kAboveEqual:
      return Condition::kBelowEqual;
    case Condition::kLess:
      return Condition::kGreater;
    case Condition::kGreater:
      return Condition::kLess;
    case Condition::kLessEqual:
      return Condition::kGreaterEqual;
    case Condition::kGreaterEqual:
      return Condition::kLessEqual;
    default:
      return condition;
  }
}

// Operand width of an integer instruction.
enum class Width : uint8_t { k32, k64 };
// Element of a scalar SSE instruction.
enum class Precision : uint8_t { kSingle, kDouble };

constexpr uint8_t Number(Gpr reg) {
  return static_cast<uint8_t>(reg);
}
constexpr uint8_t Number(Xmm reg) {
  return static_cast<uint8_t>(reg);
}

// A set of registers of one kind.
template <typename Register>
class RegisterSet {
 public:
  constexpr RegisterSet() = default;
  template <typename... More>
  static constexpr RegisterSet Of(More... registers) {
    RegisterSet set;
    (set.Add(registers), ...);
    return set;
  }

  constexpr bool Has(Register reg) const { return (bits_ >> Number(reg) & 1) != 0; }
  constexpr void Add(Register reg) { bits_ |= static_cast<uint16_t>(1u << Number(reg)); }
  constexpr void Remove(Register reg) { bits_ &= static_cast<uint16_t>(~(1u << Number(reg))); }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr uint32_t count() const { return static_cast<uint32_t>(std::popcount(bits_)); }
  // Not of an empty set.
  constexpr Register First() const { return static_cast<Register>(std::countr_zero(bits_)); }
  constexpr Register TakeFirst() {
    const Register reg = First();
    Remove(reg);
    return reg;
  }
  constexpr RegisterSet operator|(RegisterSet other) const { return FromBits(bits_ | other.bits_); }
  constexpr RegisterSet operator&(RegisterSet other) const { return FromBits(bits_ & other.bits_); }
  constexpr RegisterSet Without(RegisterSet other) const { return FromBits(bits_ & ~other.bits_); }
  friend constexpr bool operator==(RegisterSet, RegisterSet) = default;

 private:
  static constexpr RegisterSet FromBits(int bits) {
    RegisterSet set;
    set.bits_ = static_cast<uint16_t>(bits);
    return set;
  }
  uint16_t bits_ = 0;
};

using GprSet = RegisterSet<Gpr>;
using XmmSet = RegisterSet<Xmm>;

}  // namespace tidepool::engine::x64
