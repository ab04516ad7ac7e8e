// Encoder: how an x86-64 instruction becomes bytes; the assembler gives the shapes names.
//
//   [segment] [66 | F2 | F3] [REX] [0F | 0F 38 | 0F 3A] opcode ModR/M [SIB] [disp] [immediate]
//
// Everything is inline and `code` is constant at each use, so an instruction is one capacity check
// and a few stores.
//
// Threads  One thread at a time.
// Source   Intel SDM volume 2, chapter 2.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/support/check.h"
#include "engine/x64/code_buffer.h"
#include "engine/x64/operand.h"
#include "engine/x64/registers.h"

namespace tidepool::engine::x64 {

// An opcode with what must precede it.
struct Code {
  enum Map : uint8_t { kOneByte, k0F, k0F38, k0F3A };
  uint8_t byte;
  Map map = kOneByte;
  uint8_t prefix = 0;  // 0x66, 0xF2, 0xF3 or none.
};

class Encoder {
 public:
  uint32_t offset() const { return buffer_.bytes(); }
  CodeBuffer& buffer() { return buffer_; }
  const CodeBuffer& buffer() const { return buffer_; }

 protected:
  // `reg` and `rm` are hardware numbers.  kByteRm: rm is an 8-bit register, for which numbers 4 to
  // 7 mean ah…bh unless a REX prefix says otherwise.
  template <bool kByteRm = false, bool kByteReg = false>
  [[gnu::always_inline]] void RegReg(Code code, bool wide, uint8_t reg, uint8_t rm) {
    uint8_t* at = buffer_.Room();
    const uint8_t rex = 0x40 | wide << 3 | (reg >> 3) << 2 | rm >> 3;
    const bool byte_rex = (kByteRm && rm >= 4) || (kByteReg && reg >= 4);
    at = Head(at, code, rex, byte_rex);
    *at++ = static_cast<uint8_t>(0xC0 | (reg & 7) << 3 | (rm & 7));
    buffer_.SetEnd(at);
  }

  template <bool kByteReg = false>
  [[gnu::always_inline]] void RegMem(Code code, bool wide, uint8_t reg, Mem mem) {
    buffer_.SetEnd(RegMemAt<kByteReg>(buffer_.Room(), code, wide, reg, mem));
  }

  // With an immediate of sizeof(Immediate) bytes behind.
  template <typename Immediate>
  [[gnu::always_inline]] void RegRegImm(
      Code code, bool wide, uint8_t reg, uint8_t rm, Immediate value) {
    RegReg(code, wide, reg, rm);
    Append(value);
  }
  template <typename Immediate>
  [[gnu::always_inline]] void RegMemImm(
      Code code, bool wide, uint8_t reg, Mem mem, Immediate value) {
    RegMem(code, wide, reg, mem);
    Append(value);
  }

  // Behind an instruction's other bytes: the room that was asked for reaches this far.
  template <typename T>
  [[gnu::always_inline]] void Append(T value) {
    uint8_t* at = buffer_.data() + buffer_.bytes();
    std::memcpy(at, &value, sizeof(value));
    buffer_.SetEnd(at + sizeof(value));
  }

  [[gnu::always_inline]] void Byte(uint8_t value) {
    uint8_t* at = buffer_.Room();
    *at = value;
    buffer_.SetEnd(at + 1);
  }
  [[gnu::always_inline]] void TwoBytes(uint8_t first, uint8_t second) {
    uint8_t* at = buffer_.Room();
    at[0] = first;
    at[1] = second;
    buffer_.SetEnd(at + 2);
  }

  CodeBuffer buffer_;

 private:
  [[gnu::always_inline]] static uint8_t* Head(uint8_t* at, Code code, uint8_t rex, bool byte_rex) {
    if (code.prefix != 0) *at++ = code.prefix;
    *at = rex;
    at += (rex != 0x40 || byte_rex) ? 1 : 0;
    if (code.map != Code::kOneByte) *at++ = 0x0F;
    if (code.map == Code::k0F38) *at++ = 0x38;
    if (code.map == Code::k0F3A) *at++ = 0x3A;
    *at++ = code.byte;
    return at;
  }

  template <bool kByteReg>
  [[gnu::always_inline]] static uint8_t* RegMemAt(
      uint8_t* at, Code code, bool wide, uint8_t reg, Mem mem) {
    const bool byte_rex = kByteReg && reg >= 4;
    uint8_t rex = static_cast<uint8_t>(0x40 | wide << 3 | (reg >> 3) << 2);
    const uint8_t reg_field = static_cast<uint8_t>((reg & 7) << 3);
    if (mem.base == Mem::kNone) {  // gs:disp32 without base and index takes a SIB byte.
      *at++ = 0x65;
      at = Head(at, code, rex, byte_rex);
      *at++ = 0x04 | reg_field;
      *at++ = 0x25;
      std::memcpy(at, &mem.disp, 4);
      return at + 4;
    }
    TP_DCHECK(mem.index != Number(Gpr::kRsp));
    const bool indexed = mem.index != Mem::kNone;
    rex |= static_cast<uint8_t>(mem.base >> 3 | (indexed ? (mem.index >> 3) << 1 : 0));
    at = Head(at, code, rex, byte_rex);
    // rbp and r13 as base without displacement would mean something else.
    const bool no_disp = mem.disp == 0 && (mem.base & 7) != 5;
    const bool short_disp = mem.disp == static_cast<int8_t>(mem.disp);
    const uint8_t mod = no_disp ? 0x00 : short_disp ? 0x40 : 0x80;
    // rsp and r12 as base are only reached through a SIB byte.
    if (indexed || (mem.base & 7) == 4) {
      *at++ = mod | reg_field | 4;
      const uint8_t index = indexed ? mem.index & 7 : 4;
      *at++ = static_cast<uint8_t>(mem.scale_log2 << 6 | index << 3 | (mem.base & 7));
    } else {
      *at++ = mod | reg_field | (mem.base & 7);
    }
    if (no_disp) return at;
    std::memcpy(at, &mem.disp, 4);
    return at + (short_disp ? 1 : 4);
  }
};

}  // namespace tidepool::engine::x64
