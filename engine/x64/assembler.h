// Assembler: one method per instruction shape that the baseline tier emits.
//
// Shape    Operands in Intel's order, destination first.  Width::k32 zeroes the upper half of the
//          destination, as the hardware does.  Jumps go to Labels (32-bit forward, the shortest
//          form backward) or, over a few instructions, through ShortJump.
// Life     Clear begins the next function; memory is kept.
// Threads  One thread at a time.
// Source   Intel SDM volume 2; tests/engine/x64 holds every shape against Zydis.
#pragma once

#include <cstdint>

#include "engine/x64/encoder.h"
#include "engine/x64/label.h"
#include "engine/x64/operand.h"
#include "engine/x64/registers.h"

namespace tidepool::engine::x64 {

// The number is the opcode's row, and the /digit of the forms with an immediate.
enum class ArithmeticOp : uint8_t { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp };
enum class ShiftOp : uint8_t { kRol = 0, kRor = 1, kShl = 4, kShr = 5, kSar = 7 };
enum class UnaryOp : uint8_t { kNot = 2, kNeg = 3, kMul = 4, kImul = 5, kDiv = 6, kIdiv = 7 };
// popcnt; bsf and bsr (undefined for 0); tzcnt and lzcnt (BMI1, LZCNT).
enum class BitOp : uint8_t { kPopcnt, kBsf, kBsr, kTzcnt, kLzcnt };
// The opcode byte behind F3/F2 0F.
enum class FloatOp : uint8_t {
  kSqrt = 0x51,
  kAdd = 0x58,
  kMul = 0x59,
  kSub = 0x5C,
  kMin = 0x5D,
  kDiv = 0x5E,
  kMax = 0x5F,
};
enum class FloatBitOp : uint8_t { kAnd = 0x54, kAndNot = 0x55, kOr = 0x56, kXor = 0x57 };
enum class Rounding : uint8_t { kNearest = 0, kDown = 1, kUp = 2, kTowardZero = 3 };

// clang-format off
class Assembler : public Encoder {
 public:
  void Clear() { buffer_.Clear(); }

  // ---- Moves.  The flags stay as they are. ----
  void Mov(Width w, Gpr to, Gpr from) { RegReg({0x8B}, W(w), N(to), N(from)); }
  void Mov(Width w, Gpr to, Mem from) { RegMem({0x8B}, W(w), N(to), from); }
  void Mov(Width w, Mem to, Gpr from) { RegMem({0x89}, W(w), N(from), to); }
  void Mov8(Mem to, Gpr from) { RegMem<true>({0x88}, false, N(from), to); }
  void Mov16(Mem to, Gpr from) { Operand16(to, N(from)); }
  // The shortest form; never an xor.
  void MovImm(Gpr to, uint64_t value);
  // Sign-extended to the width.
  void MovImm(Width w, Mem to, int32_t value) { RegMemImm({0xC7}, W(w), 0, to, value); }
  void Mov8Imm(Mem to, int8_t value) { RegMemImm({0xC6}, false, 0, to, value); }
  void Movzx8(Gpr to, Gpr from) { RegReg<true>({0xB6, Code::k0F}, false, N(to), N(from)); }
  void Movzx8(Gpr to, Mem from) { RegMem({0xB6, Code::k0F}, false, N(to), from); }
  void Movzx16(Gpr to, Gpr from) { RegReg({0xB7, Code::k0F}, false, N(to), N(from)); }
  void Movzx16(Gpr to, Mem from) { RegMem({0xB7, Code::k0F}, false, N(to), from); }
  void Movsx8(Width w, Gpr to, Gpr from) { RegReg<true>({0xBE, Code::k0F}, W(w), N(to), N(from)); }
  void Movsx8(Width w, Gpr to, Mem from) { RegMem({0xBE, Code::k0F}, W(w), N(to), from); }
  void Movsx16(Width w, Gpr to, Gpr from) { RegReg({0xBF, Code::k0F}, W(w), N(to), N(from)); }
  void Movsx16(Width w, Gpr to, Mem from) { RegMem({0xBF, Code::k0F}, W(w), N(to), from); }
  void Movsxd(Gpr to, Gpr from) { RegReg({0x63}, true, N(to), N(from)); }
  void Movsxd(Gpr to, Mem from) { RegMem({0x63}, true, N(to), from); }
  void Lea(Width w, Gpr to, Mem from) { RegMem({0x8D}, W(w), N(to), from); }
  void LeaLabel(Gpr to, Label& label);
  void Xchg(Gpr a, Gpr b) { RegReg({0x87}, true, N(a), N(b)); }
  void Cmov(Condition c, Width w, Gpr to, Gpr from) { RegReg({Cc(0x40, c), Code::k0F}, W(w), N(to), N(from)); }
  void Cmov(Condition c, Width w, Gpr to, Mem from) { RegMem({Cc(0x40, c), Code::k0F}, W(w), N(to), from); }
  // The low byte only.
  void Set(Condition c, Gpr to) { RegReg<true>({Cc(0x90, c), Code::k0F}, false, 0, N(to)); }
  void Push(Gpr reg) { if (N(reg) >= 8) TwoBytes(0x41, 0x50 | (N(reg) & 7)); else Byte(0x50 | N(reg)); }
  void Pop(Gpr reg) { if (N(reg) >= 8) TwoBytes(0x41, 0x58 | (N(reg) & 7)); else Byte(0x58 | N(reg)); }

  // ---- Integers.  The flags change. ----
  void Zero(Gpr reg) { RegReg({0x33}, false, N(reg), N(reg)); }
  void Arithmetic(ArithmeticOp op, Width w, Gpr to, Gpr from) { RegReg({Row(op, 3)}, W(w), N(to), N(from)); }
  void Arithmetic(ArithmeticOp op, Width w, Gpr to, Mem from) { RegMem({Row(op, 3)}, W(w), N(to), from); }
  void Arithmetic(ArithmeticOp op, Width w, Mem to, Gpr from) { RegMem({Row(op, 1)}, W(w), N(from), to); }
  void Arithmetic(ArithmeticOp op, Width w, Gpr to, int32_t value);
  void Arithmetic(ArithmeticOp op, Width w, Mem to, int32_t value);
  void Test(Width w, Gpr a, Gpr b) { RegReg({0x85}, W(w), N(b), N(a)); }
  void Test(Width w, Gpr a, int32_t value) { RegRegImm({0xF7}, W(w), 0, N(a), value); }
  void Imul(Width w, Gpr to, Gpr from) { RegReg({0xAF, Code::k0F}, W(w), N(to), N(from)); }
  void Imul(Width w, Gpr to, Mem from) { RegMem({0xAF, Code::k0F}, W(w), N(to), from); }
  void Imul(Width w, Gpr to, Gpr from, int32_t value);
  // kMul, kImul, kDiv, kIdiv work on rdx:rax.
  void Unary(UnaryOp op, Width w, Gpr reg) { RegReg({0xF7}, W(w), static_cast<uint8_t>(op), N(reg)); }
  // Sign of eax (rax) into edx (rdx).
  void SignToDx(Width w) { if (w == Width::k64) TwoBytes(0x48, 0x99); else Byte(0x99); }
  void ShiftByCl(ShiftOp op, Width w, Gpr reg) { RegReg({0xD3}, W(w), static_cast<uint8_t>(op), N(reg)); }
  void Shift(ShiftOp op, Width w, Gpr reg, uint8_t count) { RegRegImm({0xC1}, W(w), static_cast<uint8_t>(op), N(reg), count); }
  void Bits(BitOp op, Width w, Gpr to, Gpr from) { RegReg(BitCode(op), W(w), N(to), N(from)); }

  // ---- Scalar floats ----
  void Movap(Xmm to, Xmm from) { RegReg({0x28, Code::k0F}, false, N(to), N(from)); }
  void Movs(Precision p, Xmm to, Mem from) { RegMem({0x10, Code::k0F, F(p)}, false, N(to), from); }
  void Movs(Precision p, Mem to, Xmm from) { RegMem({0x11, Code::k0F, F(p)}, false, N(from), to); }
  void Movup(Xmm to, Mem from) { RegMem({0x10, Code::k0F}, false, N(to), from); }
  void Movup(Mem to, Xmm from) { RegMem({0x11, Code::k0F}, false, N(from), to); }
  // movd, movq between the files.
  void Mov(Width w, Xmm to, Gpr from) { RegReg({0x6E, Code::k0F, 0x66}, W(w), N(to), N(from)); }
  void Mov(Width w, Gpr to, Xmm from) { RegReg({0x7E, Code::k0F, 0x66}, W(w), N(from), N(to)); }
  void Float(FloatOp op, Precision p, Xmm to, Xmm from) { RegReg({static_cast<uint8_t>(op), Code::k0F, F(p)}, false, N(to), N(from)); }
  void Float(FloatOp op, Precision p, Xmm to, Mem from) { RegMem({static_cast<uint8_t>(op), Code::k0F, F(p)}, false, N(to), from); }
  void FloatBits(FloatBitOp op, Precision p, Xmm to, Xmm from) { RegReg({static_cast<uint8_t>(op), Code::k0F, P66(p)}, false, N(to), N(from)); }
  void Zero(Xmm reg) { RegReg({0x57, Code::k0F}, false, N(reg), N(reg)); }
  void Ucomis(Precision p, Xmm a, Xmm b) { RegReg({0x2E, Code::k0F, P66(p)}, false, N(a), N(b)); }
  void Ucomis(Precision p, Xmm a, Mem b) { RegMem({0x2E, Code::k0F, P66(p)}, false, N(a), b); }
  // Without the precision exception, as wasm has no exception flags.
  void Round(Precision p, Xmm to, Xmm from, Rounding mode) { RegRegImm({RoundCode(p), Code::k0F3A, 0x66}, false, N(to), N(from), static_cast<uint8_t>(static_cast<uint8_t>(mode) | 8)); }
  void ConvertFromInt(Precision p, Width w, Xmm to, Gpr from) { RegReg({0x2A, Code::k0F, F(p)}, W(w), N(to), N(from)); }
  // Toward zero; out of range gives the integer with only the top bit set.
  void ConvertToInt(Precision p, Width w, Gpr to, Xmm from) { RegReg({0x2C, Code::k0F, F(p)}, W(w), N(to), N(from)); }
  // To the other precision.
  void ConvertPrecision(Precision from_precision, Xmm to, Xmm from) { RegReg({0x5A, Code::k0F, F(from_precision)}, false, N(to), N(from)); }

  // ---- Control ----
  void Jmp(Label& label);
  void Jcc(Condition c, Label& label);
  [[nodiscard]] ShortJump JmpShort() { TwoBytes(0xEB, 0); return {offset()}; }
  [[nodiscard]] ShortJump JccShort(Condition c) { TwoBytes(Cc(0x70, c), 0); return {offset()}; }
  void Bind(ShortJump jump);
  void Bind(Label& label);
  void Jmp(Gpr target) { RegReg({0xFF}, false, 4, N(target)); }
  void Jmp(Mem target) { RegMem({0xFF}, false, 4, target); }
  void Call(Gpr target) { RegReg({0xFF}, false, 2, N(target)); }
  void Call(Mem target) { RegMem({0xFF}, false, 2, target); }
  // rel32 to be patched; returns the field's offset.
  uint32_t CallRel32() { Byte(0xE8); Append(int32_t{0}); return offset() - 4; }
  uint32_t JccRel32(Condition c) { TwoBytes(0x0F, Cc(0x80, c)); Append(int32_t{0}); return offset() - 4; }
  uint32_t JmpRel32() { Byte(0xE9); Append(int32_t{0}); return offset() - 4; }
  // Makes the field reach `target`, which may lie outside this buffer.
  void PatchRel32(uint32_t field, int32_t target);
  Label Here() const { Label label; label.offset_ = static_cast<int32_t>(offset()); return label; }
  void Ret() { Byte(0xC3); }
  void Leave() { Byte(0xC9); }
  // rcx times 8 bytes; the direction flag is clear in the ABI.
  void RepStos() { TwoBytes(0xF3, 0x48); Append(uint8_t{0xAB}); }
  void RepMovs() { TwoBytes(0xF3, 0x48); Append(uint8_t{0xA5}); }

  // A plain 32-bit word, as in jump tables.
  void Word32(int32_t value) { buffer_.Room(); Append(value); }
  // int3 up to a multiple of `alignment`: never executed.
  void Align(uint32_t alignment);

 private:
  static constexpr bool W(Width w) { return w == Width::k64; }
  static constexpr uint8_t N(Gpr reg) { return Number(reg); }
  static constexpr uint8_t N(Xmm reg) { return Number(reg); }
  static constexpr uint8_t F(Precision p) { return p == Precision::kSingle ? 0xF3 : 0xF2; }
  static constexpr uint8_t P66(Precision p) { return p == Precision::kSingle ? 0 : 0x66; }
  static constexpr uint8_t Cc(int base, Condition c) { return static_cast<uint8_t>(base | static_cast<int>(c)); }
  static constexpr uint8_t Row(ArithmeticOp op, int form) { return static_cast<uint8_t>(static_cast<int>(op) << 3 | form); }
  static constexpr uint8_t RoundCode(Precision p) { return p == Precision::kSingle ? 0x0A : 0x0B; }
  static constexpr Code BitCode(BitOp op) {
    constexpr uint8_t kBytes[] = {0xB8, 0xBC, 0xBD, 0xBC, 0xBD};
    const bool prefixed = op == BitOp::kPopcnt || op >= BitOp::kTzcnt;
    return {kBytes[static_cast<int>(op)], Code::k0F, static_cast<uint8_t>(prefixed ? 0xF3 : 0)};
  }
  void Operand16(Mem to, uint8_t from) { RegMem({0x89, Code::kOneByte, 0x66}, false, from, to); }
  void LinkOrPatch(Label& label);
};
// clang-format on

}  // namespace tidepool::engine::x64
