// Every instruction shape with every register that changes its encoding, disassembled by Zydis:
// what comes out must be what was asked for.
#include "engine/x64/assembler.h"

#include <Zydis/Zydis.h>

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tidepool::engine::x64 {
namespace {

constexpr Width kWidths[] = {Width::k32, Width::k64};
constexpr Precision kPrecisions[] = {Precision::kSingle, Precision::kDouble};

std::vector<Gpr> Gprs() {
  std::vector<Gpr> all;
  for (uint8_t i = 0; i < 16; ++i) all.push_back(static_cast<Gpr>(i));
  return all;
}
std::vector<Xmm> Xmms() {
  std::vector<Xmm> all;
  for (uint8_t i = 0; i < 16; ++i) all.push_back(static_cast<Xmm>(i));
  return all;
}

// Every base, with and without each index class, and displacements of each length.
std::vector<Mem> Mems() {
  std::vector<Mem> all = {Mem::Gs(0), Mem::Gs(0x48)};
  for (const Gpr base : Gprs()) {
    for (const int32_t disp : {0, 1, -128, 127, 128, -129, 0x12345678, INT32_MIN}) {
      all.push_back(Mem::At(base, disp));
      for (const Gpr index : {Gpr::kRax, Gpr::kRbp, Gpr::kR12, Gpr::kR13, Gpr::kR15}) {
        all.push_back(Mem::Indexed(base, index, static_cast<uint8_t>(Number(base) & 3), disp));
      }
    }
  }
  return all;
}

// An operand as Zydis should see it.
struct Want {
  enum class Kind { kRegister, kMemory, kImmediate } kind;
  ZydisRegister reg = ZYDIS_REGISTER_NONE;
  Mem mem{};
  uint32_t bits = 0;  // kMemory.
  int64_t value = 0;  // kImmediate.
};
Want R(uint32_t bits, Gpr reg) {
  const ZydisRegister first = bits == 64   ? ZYDIS_REGISTER_RAX
                              : bits == 32 ? ZYDIS_REGISTER_EAX
                              : bits == 16 ? ZYDIS_REGISTER_AX
                                           : ZYDIS_REGISTER_NONE;
  if (bits != 8) return {Want::Kind::kRegister, static_cast<ZydisRegister>(first + Number(reg))};
  // The new byte registers spl to dil, never ah to bh.
  const ZydisRegister byte = Number(reg) < 4
                                 ? static_cast<ZydisRegister>(ZYDIS_REGISTER_AL + Number(reg))
                                 : static_cast<ZydisRegister>(ZYDIS_REGISTER_SPL + Number(reg) - 4);
  return {Want::Kind::kRegister, byte};
}
Want R(Width w, Gpr reg) {
  return R(w == Width::k64 ? 64u : 32u, reg);
}
Want R(Xmm reg) {
  return {Want::Kind::kRegister, static_cast<ZydisRegister>(ZYDIS_REGISTER_XMM0 + Number(reg))};
}
Want M(uint32_t bits, Mem mem) {
  return {.kind = Want::Kind::kMemory, .mem = mem, .bits = bits};
}
Want M(Width w, Mem mem) {
  return M(w == Width::k64 ? 64u : 32u, mem);
}
Want M(Precision p, Mem mem) {
  return M(p == Precision::kDouble ? 64u : 32u, mem);
}
Want I(int64_t value) {
  return {.kind = Want::Kind::kImmediate, .value = value};
}

ZydisRegister Register64(uint8_t number) {
  return number == Mem::kNone ? ZYDIS_REGISTER_NONE
                              : static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + number);
}

class AssemblerTest : public testing::Test {
 protected:
  AssemblerTest() { ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); }

  // The instruction just assembled, which is alone in the buffer.
  void Expect(ZydisMnemonic mnemonic, const std::vector<Want>& wanted) {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const CodeBuffer& code = assembler_.buffer();
    const ZyanStatus status =
        ZydisDecoderDecodeFull(&decoder_, code.data(), code.bytes(), &instruction, operands);
    ASSERT_TRUE(ZYAN_SUCCESS(status)) << Bytes();
    ASSERT_EQ(instruction.length, code.bytes()) << Bytes();
    ASSERT_EQ(instruction.mnemonic, mnemonic)
        << Bytes() << ZydisMnemonicGetString(instruction.mnemonic) << " for "
        << ZydisMnemonicGetString(mnemonic);
    ASSERT_EQ(instruction.operand_count_visible, wanted.size()) << Bytes();
    for (size_t i = 0; i < wanted.size(); ++i) ExpectOperand(operands[i], wanted[i]);
    assembler_.Clear();
    ++checked_;
  }

  void ExpectOperand(const ZydisDecodedOperand& got, const Want& want) {
    switch (want.kind) {
      case Want::Kind::kRegister:
        ASSERT_EQ(got.type, ZYDIS_OPERAND_TYPE_REGISTER) << Bytes();
        ASSERT_EQ(got.reg.value, want.reg) << Bytes() << ZydisRegisterGetString(got.reg.value)
                                           << " for " << ZydisRegisterGetString(want.reg);
        break;
      case Want::Kind::kImmediate:
        ASSERT_EQ(got.type, ZYDIS_OPERAND_TYPE_IMMEDIATE) << Bytes();
        ASSERT_EQ(got.imm.value.s, want.value) << Bytes();
        break;
      case Want::Kind::kMemory:
        ASSERT_EQ(got.type, ZYDIS_OPERAND_TYPE_MEMORY) << Bytes();
        if (want.bits != 0) ASSERT_EQ(got.size, want.bits) << Bytes();
        ASSERT_EQ(got.mem.base, Register64(want.mem.base)) << Bytes();
        ASSERT_EQ(got.mem.index, Register64(want.mem.index)) << Bytes();
        if (want.mem.index != Mem::kNone)
          ASSERT_EQ(got.mem.scale, 1 << want.mem.scale_log2) << Bytes();
        ASSERT_EQ(got.mem.disp.value, want.mem.disp) << Bytes();
        ASSERT_EQ(got.mem.segment == ZYDIS_REGISTER_GS, want.mem.base == Mem::kNone) << Bytes();
        break;
    }
  }

  std::string Bytes() const {
    std::string text;
    char byte[4];
    for (uint32_t i = 0; i < assembler_.buffer().bytes(); ++i) {
      std::snprintf(byte, sizeof(byte), "%02x ", assembler_.buffer().data()[i]);
      text += byte;
    }
    return text;
  }

  ZydisDecoder decoder_;
  Assembler assembler_;
  uint32_t checked_ = 0;
};

TEST_F(AssemblerTest, MovesBetweenRegisters) {
  for (const Gpr a : Gprs()) {
    for (const Gpr b : Gprs()) {
      for (const Width w : kWidths) {
        assembler_.Mov(w, a, b), Expect(ZYDIS_MNEMONIC_MOV, {R(w, a), R(w, b)});
        assembler_.Movsx8(w, a, b), Expect(ZYDIS_MNEMONIC_MOVSX, {R(w, a), R(8, b)});
        assembler_.Movsx16(w, a, b), Expect(ZYDIS_MNEMONIC_MOVSX, {R(w, a), R(16, b)});
        assembler_.Cmov(Condition::kBelow, w, a, b),
            Expect(ZYDIS_MNEMONIC_CMOVB, {R(w, a), R(w, b)});
      }
      assembler_.Movzx8(a, b), Expect(ZYDIS_MNEMONIC_MOVZX, {R(32, a), R(8, b)});
      assembler_.Movzx16(a, b), Expect(ZYDIS_MNEMONIC_MOVZX, {R(32, a), R(16, b)});
      assembler_.Movsxd(a, b), Expect(ZYDIS_MNEMONIC_MOVSXD, {R(64, a), R(32, b)});
      if (a != b) {
        assembler_.Xchg(a, b), Expect(ZYDIS_MNEMONIC_XCHG, {R(64, b), R(64, a)});
      }
    }
    assembler_.Push(a), Expect(ZYDIS_MNEMONIC_PUSH, {R(64, a)});
    assembler_.Pop(a), Expect(ZYDIS_MNEMONIC_POP, {R(64, a)});
    assembler_.Set(Condition::kParity, a), Expect(ZYDIS_MNEMONIC_SETP, {R(8, a)});
    assembler_.Zero(a), Expect(ZYDIS_MNEMONIC_XOR, {R(32, a), R(32, a)});
    assembler_.Jmp(a), Expect(ZYDIS_MNEMONIC_JMP, {R(64, a)});
    assembler_.Call(a), Expect(ZYDIS_MNEMONIC_CALL, {R(64, a)});
  }
}

TEST_F(AssemblerTest, LoadsAndStores) {
  for (const Gpr r : Gprs()) {
    for (const Mem m : Mems()) {
      for (const Width w : kWidths) {
        assembler_.Mov(w, r, m), Expect(ZYDIS_MNEMONIC_MOV, {R(w, r), M(w, m)});
        assembler_.Mov(w, m, r), Expect(ZYDIS_MNEMONIC_MOV, {M(w, m), R(w, r)});
        assembler_.Movsx8(w, r, m), Expect(ZYDIS_MNEMONIC_MOVSX, {R(w, r), M(8, m)});
        assembler_.Movsx16(w, r, m), Expect(ZYDIS_MNEMONIC_MOVSX, {R(w, r), M(16, m)});
        assembler_.Cmov(Condition::kGreater, w, r, m),
            Expect(ZYDIS_MNEMONIC_CMOVNLE, {R(w, r), M(w, m)});
        assembler_.Imul(w, r, m), Expect(ZYDIS_MNEMONIC_IMUL, {R(w, r), M(w, m)});
      }
      assembler_.Mov8(m, r), Expect(ZYDIS_MNEMONIC_MOV, {M(8, m), R(8, r)});
      assembler_.Mov16(m, r), Expect(ZYDIS_MNEMONIC_MOV, {M(16, m), R(16, r)});
      assembler_.Movzx8(r, m), Expect(ZYDIS_MNEMONIC_MOVZX, {R(32, r), M(8, m)});
      assembler_.Movzx16(r, m), Expect(ZYDIS_MNEMONIC_MOVZX, {R(32, r), M(16, m)});
      assembler_.Movsxd(r, m), Expect(ZYDIS_MNEMONIC_MOVSXD, {R(64, r), M(32, m)});
      if (m.base != Mem::kNone) {
        for (const Width w : kWidths)
          assembler_.Lea(w, r, m), Expect(ZYDIS_MNEMONIC_LEA, {R(w, r), M(0, m)});
      }
    }
  }
  for (const Mem m : Mems()) {
    for (const int32_t value : {0, -1, 0x12345678, INT32_MIN}) {
      for (const Width w : kWidths)
        assembler_.MovImm(w, m, value), Expect(ZYDIS_MNEMONIC_MOV, {M(w, m), I(value)});
    }
    assembler_.Mov8Imm(m, -7), Expect(ZYDIS_MNEMONIC_MOV, {M(8, m), I(-7)});
    assembler_.Jmp(m), Expect(ZYDIS_MNEMONIC_JMP, {M(64, m)});
    assembler_.Call(m), Expect(ZYDIS_MNEMONIC_CALL, {M(64, m)});
  }
}

TEST_F(AssemblerTest, ImmediatesTakeTheirShortestForm) {
  struct Case {
    uint64_t value;
    uint32_t bits;
    uint32_t bytes_max;
  };
  for (const Gpr r : Gprs()) {
    for (const Case& c : {Case{0, 32, 6},
                          {1, 32, 6},
                          {0xFFFFFFFF, 32, 6},
                          {UINT64_MAX, 64, 7},
                          {uint64_t(INT64_MIN), 64, 10},
                          {0xFFFFFFFF80000000, 64, 7},
                          {0x123456789ABCDEF0, 64, 10},
                          {0x100000000, 64, 10}}) {
      assembler_.MovImm(r, c.value);
      EXPECT_LE(assembler_.offset(), c.bytes_max);
      const int64_t shown = c.bits == 32 ? static_cast<int64_t>(static_cast<int32_t>(c.value))
                                         : static_cast<int64_t>(c.value);
      ZydisDecodedInstruction instruction;
      ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
      ASSERT_TRUE(ZYAN_SUCCESS(ZydisDecoderDecodeFull(
          &decoder_, assembler_.buffer().data(), assembler_.offset(), &instruction, operands)));
      EXPECT_EQ(operands[0].reg.value, R(c.bits, r).reg);
      const uint64_t mask = c.bits == 32 ? UINT32_MAX : UINT64_MAX;
      EXPECT_EQ(operands[1].imm.value.u & mask, static_cast<uint64_t>(shown) & mask);
      assembler_.Clear();
    }
  }
}

TEST_F(AssemblerTest, IntegerArithmetic) {
  struct Row {
    ArithmeticOp op;
    ZydisMnemonic mnemonic;
  };
  constexpr Row kRows[] = {{ArithmeticOp::kAdd, ZYDIS_MNEMONIC_ADD},
                           {ArithmeticOp::kOr, ZYDIS_MNEMONIC_OR},
                           {ArithmeticOp::kAdc, ZYDIS_MNEMONIC_ADC},
                           {ArithmeticOp::kSbb, ZYDIS_MNEMONIC_SBB},
                           {ArithmeticOp::kAnd, ZYDIS_MNEMONIC_AND},
                           {ArithmeticOp::kSub, ZYDIS_MNEMONIC_SUB},
                           {ArithmeticOp::kXor, ZYDIS_MNEMONIC_XOR},
                           {ArithmeticOp::kCmp, ZYDIS_MNEMONIC_CMP}};
  const std::vector<Mem> mems = Mems();
  for (const Row& row : kRows) {
    for (const Width w : kWidths) {
      for (const Gpr a : Gprs()) {
        for (const Gpr b : Gprs()) {
          assembler_.Arithmetic(row.op, w, a, b), Expect(row.mnemonic, {R(w, a), R(w, b)});
        }
        for (const int32_t value : {0, 1, -1, 127, 128, -128, -129, INT32_MIN}) {
          assembler_.Arithmetic(row.op, w, a, value), Expect(row.mnemonic, {R(w, a), I(value)});
        }
      }
      for (const Mem& m : mems) {
        assembler_.Arithmetic(row.op, w, Gpr::kR9, m),
            Expect(row.mnemonic, {R(w, Gpr::kR9), M(w, m)});
        assembler_.Arithmetic(row.op, w, m, Gpr::kRdi),
            Expect(row.mnemonic, {M(w, m), R(w, Gpr::kRdi)});
        for (const int32_t value : {-1, 1000}) {
          assembler_.Arithmetic(row.op, w, m, value), Expect(row.mnemonic, {M(w, m), I(value)});
        }
      }
    }
  }
}

TEST_F(AssemblerTest, MultiplicationDivisionShiftsAndBits) {
  for (const Width w : kWidths) {
    for (const Gpr a : Gprs()) {
      for (const Gpr b : Gprs()) {
        assembler_.Test(w, a, b), Expect(ZYDIS_MNEMONIC_TEST, {R(w, a), R(w, b)});
        assembler_.Imul(w, a, b), Expect(ZYDIS_MNEMONIC_IMUL, {R(w, a), R(w, b)});
        for (const int32_t value : {3, -128, 1000}) {
          assembler_.Imul(w, a, b, value),
              Expect(ZYDIS_MNEMONIC_IMUL, {R(w, a), R(w, b), I(value)});
        }
        assembler_.Bits(BitOp::kPopcnt, w, a, b), Expect(ZYDIS_MNEMONIC_POPCNT, {R(w, a), R(w, b)});
        assembler_.Bits(BitOp::kBsf, w, a, b), Expect(ZYDIS_MNEMONIC_BSF, {R(w, a), R(w, b)});
        assembler_.Bits(BitOp::kBsr, w, a, b), Expect(ZYDIS_MNEMONIC_BSR, {R(w, a), R(w, b)});
        assembler_.Bits(BitOp::kTzcnt, w, a, b), Expect(ZYDIS_MNEMONIC_TZCNT, {R(w, a), R(w, b)});
        assembler_.Bits(BitOp::kLzcnt, w, a, b), Expect(ZYDIS_MNEMONIC_LZCNT, {R(w, a), R(w, b)});
      }
      assembler_.Test(w, a, 0x10), Expect(ZYDIS_MNEMONIC_TEST, {R(w, a), I(0x10)});
      assembler_.Unary(UnaryOp::kNot, w, a), Expect(ZYDIS_MNEMONIC_NOT, {R(w, a)});
      assembler_.Unary(UnaryOp::kNeg, w, a), Expect(ZYDIS_MNEMONIC_NEG, {R(w, a)});
      assembler_.Unary(UnaryOp::kMul, w, a), Expect(ZYDIS_MNEMONIC_MUL, {R(w, a)});
      assembler_.Unary(UnaryOp::kImul, w, a), Expect(ZYDIS_MNEMONIC_IMUL, {R(w, a)});
      assembler_.Unary(UnaryOp::kDiv, w, a), Expect(ZYDIS_MNEMONIC_DIV, {R(w, a)});
      assembler_.Unary(UnaryOp::kIdiv, w, a), Expect(ZYDIS_MNEMONIC_IDIV, {R(w, a)});
      constexpr std::pair<ShiftOp, ZydisMnemonic> kShifts[] = {{ShiftOp::kRol, ZYDIS_MNEMONIC_ROL},
                                                               {ShiftOp::kRor, ZYDIS_MNEMONIC_ROR},
                                                               {ShiftOp::kShl, ZYDIS_MNEMONIC_SHL},
                                                               {ShiftOp::kShr, ZYDIS_MNEMONIC_SHR},
                                                               {ShiftOp::kSar, ZYDIS_MNEMONIC_SAR}};
      for (const auto& [op, mnemonic] : kShifts) {
        assembler_.ShiftByCl(op, w, a), Expect(mnemonic, {R(w, a), R(8, Gpr::kRcx)});
        assembler_.Shift(op, w, a, 13), Expect(mnemonic, {R(w, a), I(13)});
      }
    }
  }
  assembler_.SignToDx(Width::k32), Expect(ZYDIS_MNEMONIC_CDQ, {});
  assembler_.SignToDx(Width::k64), Expect(ZYDIS_MNEMONIC_CQO, {});
}

TEST_F(AssemblerTest, Conditions) {
  constexpr ZydisMnemonic kJumps[] = {ZYDIS_MNEMONIC_JO,
                                      ZYDIS_MNEMONIC_JNO,
                                      ZYDIS_MNEMONIC_JB,
                                      ZYDIS_MNEMONIC_JNB,
                                      ZYDIS_MNEMONIC_JZ,
                                      ZYDIS_MNEMONIC_JNZ,
                                      ZYDIS_MNEMONIC_JBE,
                                      ZYDIS_MNEMONIC_JNBE,
                                      ZYDIS_MNEMONIC_JS,
                                      ZYDIS_MNEMONIC_JNS,
                                      ZYDIS_MNEMONIC_JP,
                                      ZYDIS_MNEMONIC_JNP,
                                      ZYDIS_MNEMONIC_JL,
                                      ZYDIS_MNEMONIC_JNL,
                                      ZYDIS_MNEMONIC_JLE,
                                      ZYDIS_MNEMONIC_JNLE};
  for (uint8_t c = 0; c < 16; ++c) {
    const Condition condition = static_cast<Condition>(c);
    Label label;
    assembler_.Jcc(condition, label);
    assembler_.Bind(label);
    Expect(kJumps[c], {I(0)});
    assembler_.JccRel32(condition), Expect(kJumps[c], {I(0)});
    (void)assembler_.JccShort(condition);
    Expect(kJumps[c], {I(0)});
    EXPECT_EQ(Opposite(Opposite(condition)), condition);
    EXPECT_EQ(Swapped(Swapped(condition)), condition);
  }
}

TEST_F(AssemblerTest, ScalarFloats) {
  const std::vector<Mem> mems = Mems();
  for (const Precision p : kPrecisions) {
    const bool single = p == Precision::kSingle;
    const auto pick = [single](ZydisMnemonic s, ZydisMnemonic d) { return single ? s : d; };
    const std::pair<FloatOp, ZydisMnemonic> ops[] = {
        {FloatOp::kSqrt, pick(ZYDIS_MNEMONIC_SQRTSS, ZYDIS_MNEMONIC_SQRTSD)},
        {FloatOp::kAdd, pick(ZYDIS_MNEMONIC_ADDSS, ZYDIS_MNEMONIC_ADDSD)},
        {FloatOp::kMul, pick(ZYDIS_MNEMONIC_MULSS, ZYDIS_MNEMONIC_MULSD)},
        {FloatOp::kSub, pick(ZYDIS_MNEMONIC_SUBSS, ZYDIS_MNEMONIC_SUBSD)},
        {FloatOp::kMin, pick(ZYDIS_MNEMONIC_MINSS, ZYDIS_MNEMONIC_MINSD)},
        {FloatOp::kDiv, pick(ZYDIS_MNEMONIC_DIVSS, ZYDIS_MNEMONIC_DIVSD)},
        {FloatOp::kMax, pick(ZYDIS_MNEMONIC_MAXSS, ZYDIS_MNEMONIC_MAXSD)}};
    const std::pair<FloatBitOp, ZydisMnemonic> bit_ops[] = {
        {FloatBitOp::kAnd, pick(ZYDIS_MNEMONIC_ANDPS, ZYDIS_MNEMONIC_ANDPD)},
        {FloatBitOp::kAndNot, pick(ZYDIS_MNEMONIC_ANDNPS, ZYDIS_MNEMONIC_ANDNPD)},
        {FloatBitOp::kOr, pick(ZYDIS_MNEMONIC_ORPS, ZYDIS_MNEMONIC_ORPD)},
        {FloatBitOp::kXor, pick(ZYDIS_MNEMONIC_XORPS, ZYDIS_MNEMONIC_XORPD)}};
    const ZydisMnemonic mov = pick(ZYDIS_MNEMONIC_MOVSS, ZYDIS_MNEMONIC_MOVSD);
    const ZydisMnemonic ucomis = pick(ZYDIS_MNEMONIC_UCOMISS, ZYDIS_MNEMONIC_UCOMISD);
    for (const Xmm a : Xmms()) {
      for (const Xmm b : Xmms()) {
        for (const auto& [op, mnemonic] : ops)
          assembler_.Float(op, p, a, b), Expect(mnemonic, {R(a), R(b)});
        for (const auto& [op, mnemonic] : bit_ops)
          assembler_.FloatBits(op, p, a, b), Expect(mnemonic, {R(a), R(b)});
        assembler_.Ucomis(p, a, b), Expect(ucomis, {R(a), R(b)});
        assembler_.Round(p, a, b, Rounding::kUp),
            Expect(pick(ZYDIS_MNEMONIC_ROUNDSS, ZYDIS_MNEMONIC_ROUNDSD), {R(a), R(b), I(10)});
        assembler_.ConvertPrecision(p, a, b),
            Expect(pick(ZYDIS_MNEMONIC_CVTSS2SD, ZYDIS_MNEMONIC_CVTSD2SS), {R(a), R(b)});
        assembler_.Movap(a, b), Expect(ZYDIS_MNEMONIC_MOVAPS, {R(a), R(b)});
      }
      for (const Gpr g : Gprs()) {
        for (const Width w : kWidths) {
          assembler_.ConvertFromInt(p, w, a, g),
              Expect(pick(ZYDIS_MNEMONIC_CVTSI2SS, ZYDIS_MNEMONIC_CVTSI2SD), {R(a), R(w, g)});
          assembler_.ConvertToInt(p, w, g, a),
              Expect(pick(ZYDIS_MNEMONIC_CVTTSS2SI, ZYDIS_MNEMONIC_CVTTSD2SI), {R(w, g), R(a)});
          const ZydisMnemonic between = w == Width::k32 ? ZYDIS_MNEMONIC_MOVD : ZYDIS_MNEMONIC_MOVQ;
          assembler_.Mov(w, a, g), Expect(between, {R(a), R(w, g)});
          assembler_.Mov(w, g, a), Expect(between, {R(w, g), R(a)});
        }
      }
      for (const Mem& m : mems) {
        assembler_.Movs(p, a, m), Expect(mov, {R(a), M(p, m)});
        assembler_.Movs(p, m, a), Expect(mov, {M(p, m), R(a)});
        assembler_.Ucomis(p, a, m), Expect(ucomis, {R(a), M(p, m)});
        assembler_.Float(FloatOp::kAdd, p, a, m), Expect(ops[1].second, {R(a), M(p, m)});
        assembler_.Movup(a, m), Expect(ZYDIS_MNEMONIC_MOVUPS, {R(a), M(128, m)});
        assembler_.Movup(m, a), Expect(ZYDIS_MNEMONIC_MOVUPS, {M(128, m), R(a)});
      }
      assembler_.Zero(a), Expect(ZYDIS_MNEMONIC_XORPS, {R(a), R(a)});
    }
  }
}

TEST_F(AssemblerTest, ReturnsAndStringInstructions) {
  assembler_.Ret(), Expect(ZYDIS_MNEMONIC_RET, {});
  assembler_.Leave(), Expect(ZYDIS_MNEMONIC_LEAVE, {});
  EXPECT_EQ(assembler_.CallRel32(), 1u);
  Expect(ZYDIS_MNEMONIC_CALL, {I(0)});
  EXPECT_EQ(assembler_.JmpRel32(), 1u);
  Expect(ZYDIS_MNEMONIC_JMP, {I(0)});
}

// Where the jump at `offset` goes.
uint32_t TargetOf(const Assembler& assembler, const ZydisDecoder& decoder, uint32_t offset) {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  const CodeBuffer& code = assembler.buffer();
  EXPECT_TRUE(ZYAN_SUCCESS(ZydisDecoderDecodeFull(
      &decoder, code.data() + offset, code.bytes() - offset, &instruction, operands)));
  return static_cast<uint32_t>(offset + instruction.length + operands[0].imm.value.s);
}

TEST_F(AssemblerTest, ManyJumpsFindOneLabelForwardAndBack) {
  for (const uint32_t gap : {0u, 1u, 100u, 124u, 125u, 126u, 127u, 128u, 5000u}) {
    assembler_.Clear();
    Label label;
    std::vector<uint32_t> jumps;
    const auto jump = [&] {
      jumps.push_back(assembler_.offset());
      if (jumps.size() % 2 == 0)
        assembler_.Jmp(label);
      else
        assembler_.Jcc(Condition::kLess, label);
      for (uint32_t i = 0; i < gap; ++i) assembler_.Ret();
    };
    for (int i = 0; i < 5; ++i) jump();
    EXPECT_TRUE(label.used());
    EXPECT_FALSE(label.bound());
    assembler_.Bind(label);
    for (int i = 0; i < 5; ++i) jump();
    for (const uint32_t offset : jumps)
      EXPECT_EQ(TargetOf(assembler_, decoder_, offset), label.offset()) << gap;
  }
}

TEST_F(AssemblerTest, ShortJumpsSpanUpTo127Bytes) {
  for (const uint32_t gap : {0u, 1u, 127u}) {
    assembler_.Clear();
    const ShortJump jump = assembler_.JmpShort();
    for (uint32_t i = 0; i < gap; ++i) assembler_.Ret();
    assembler_.Bind(jump);
    EXPECT_EQ(TargetOf(assembler_, decoder_, 0), 2 + gap);
  }
  const ShortJump too_far = assembler_.JmpShort();
  for (uint32_t i = 0; i < 128; ++i) assembler_.Ret();
  EXPECT_DEATH(assembler_.Bind(too_far), "check failed");
}

TEST_F(AssemblerTest, LabelsHaveAddresses) {
  Label label;
  assembler_.LeaLabel(Gpr::kR11, label);
  for (int i = 0; i < 300; ++i) assembler_.Ret();
  assembler_.Bind(label);
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  ASSERT_TRUE(ZYAN_SUCCESS(
      ZydisDecoderDecodeFull(&decoder_, assembler_.buffer().data(), 7, &instruction, operands)));
  EXPECT_EQ(operands[0].reg.value, ZYDIS_REGISTER_R11);
  EXPECT_EQ(operands[1].mem.base, ZYDIS_REGISTER_RIP);
  EXPECT_EQ(7 + operands[1].mem.disp.value, label.offset());
}

TEST_F(AssemblerTest, TheBufferGrowsAndKeepsItsBytes) {
  for (uint32_t i = 0; i < 100'000; ++i) assembler_.MovImm(Gpr::kRax, i);
  ASSERT_EQ(assembler_.offset(), 500'000u);
  for (uint32_t i = 0; i < 100'000; ++i) {
    uint32_t value;
    std::memcpy(&value, assembler_.buffer().data() + 5 * i + 1, 4);
    ASSERT_EQ(value, i);
  }
}

TEST(RegisterSet, HoldsRegisters) {
  GprSet set = GprSet::Of(Gpr::kRax, Gpr::kR15);
  EXPECT_TRUE(set.Has(Gpr::kR15));
  EXPECT_FALSE(set.Has(Gpr::kR14));
  EXPECT_EQ(set.count(), 2u);
  EXPECT_EQ(set.TakeFirst(), Gpr::kRax);
  EXPECT_EQ(set, GprSet::Of(Gpr::kR15));
  EXPECT_TRUE(set.Without(GprSet::Of(Gpr::kR15)).empty());
}

}  // namespace
}  // namespace tidepool::engine::x64
