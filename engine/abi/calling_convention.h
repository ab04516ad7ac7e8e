// How guest functions call each other, the host and back.  Registers only: nothing travels on the
// machine stack, so a tail call is a jump for any pair of signatures.
//
//   rdi               VmContext* of the callee (a host function: the context of its record)
//   rsi rdx rcx r8 r9 integer parameters (i32, i64, references), in order
//   xmm0 … xmm7       float and vector parameters, in order
//   rax, xmm0         the first integer result, the first float or vector result
//   gs:argument_area  parameters and results that found no register, 16 bytes each, in order
//
// i32 is zero-extended to 64 bits wherever it crosses a call; f32 has undefined upper bits.
// Callee-saved as in System V: rbx rbp r12 r13 r14 r15.  rsp is 16-aligned before `call`.  Every
// guest function keeps a frame pointer (push rbp; mov rbp, rsp).  Parameters in the argument area
// are read before anything that could call, results right after the call.
//
// This is the System V C convention for one uniform prototype, so that a C compiler (and LLVM's
// musttail) can express it:
//
//   struct Result { uint64_t integer; double vector; };
//   Result f(VmContext*, uint64_t × 5, double × 8);
//
// Source   System V ABI, AMD64 supplement, 3.2.3; engine.md, "ABI".
#pragma once

#include <cstdint>

namespace tidepool::engine::abi {

enum class RegisterClass : uint8_t { kInteger, kVector };

// Hardware numbers of the integer parameter registers: rsi, rdx, rcx, r8, r9.
inline constexpr uint8_t kIntegerParameterRegisters[] = {6, 2, 1, 8, 9};
inline constexpr uint32_t kIntegerParameterCount = 5;
inline constexpr uint32_t kVectorParameterCount = 8;  // xmm0 … xmm7
// As many as a function may have parameters or results (wasm/limits.h).
inline constexpr uint32_t kArgumentAreaSlots = 1000;
inline constexpr uint32_t kArgumentSlotBytes = 16;

struct Location {
  enum class Kind : uint8_t { kIntegerRegister, kVectorRegister, kArgumentArea };
  Kind kind;
  uint32_t number;  // Ordinal among the integer parameters, xmm number, or slot of the area.
};

// Gives out locations of parameters, first to last.
class ParameterAssigner {
 public:
  Location Next(RegisterClass register_class) {
    if (register_class == RegisterClass::kInteger && integers_ < kIntegerParameterCount) {
      return {Location::Kind::kIntegerRegister, integers_++};
    }
    if (register_class == RegisterClass::kVector && vectors_ < kVectorParameterCount) {
      return {Location::Kind::kVectorRegister, vectors_++};
    }
    return {Location::Kind::kArgumentArea, slots_++};
  }
  uint32_t area_slots() const { return slots_; }

 private:
  uint32_t integers_ = 0;
  uint32_t vectors_ = 0;
  uint32_t slots_ = 0;
};

// Gives out locations of results, first to last: rax, xmm0, then the argument area.
class ResultAssigner {
 public:
  Location Next(RegisterClass register_class) {
    if (register_class == RegisterClass::kInteger && !integer_used_) {
      integer_used_ = true;
      return {Location::Kind::kIntegerRegister, 0};
    }
    if (register_class == RegisterClass::kVector && !vector_used_) {
      vector_used_ = true;
      return {Location::Kind::kVectorRegister, 0};
    }
    return {Location::Kind::kArgumentArea, slots_++};
  }
  uint32_t area_slots() const { return slots_; }

 private:
  bool integer_used_ = false;
  bool vector_used_ = false;
  uint32_t slots_ = 0;
};

}  // namespace tidepool::engine::abi
