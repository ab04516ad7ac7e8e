#include "engine/x64/assembler.h"

#include <cstring>

namespace tidepool::engine::x64 {

void Assembler::MovImm(Gpr to, uint64_t value) {
  const uint8_t number = N(to);
  uint8_t* at = buffer_.Room();
  if (value == static_cast<uint32_t>(value)) {
    if (number >= 8) *at++ = 0x41;
    *at++ = static_cast<uint8_t>(0xB8 | (number & 7));
    std::memcpy(at, &value, 4);
    buffer_.SetEnd(at + 4);
    return;
  }
  const bool sign_extended = static_cast<int64_t>(value) == static_cast<int32_t>(value);
  *at++ = static_cast<uint8_t>(0x48 | number >> 3);
  if (sign_extended) {
    *at++ = 0xC7;
    *at++ = static_cast<uint8_t>(0xC0 | (number & 7));
    std::memcpy(at, &value, 4);
    buffer_.SetEnd(at + 4);
    return;
  }
  *at++ = static_cast<uint8_t>(0xB8 | (number & 7));
  std::memcpy(at, &value, 8);
  buffer_.SetEnd(at + 8);
}

void Assembler::Arithmetic(ArithmeticOp op, Width w, Gpr to, int32_t value) {
  const uint8_t digit = static_cast<uint8_t>(op);
  if (value == static_cast<int8_t>(value)) {
    RegRegImm({0x83}, W(w), digit, N(to), static_cast<int8_t>(value));
  } else {
    RegRegImm({0x81}, W(w), digit, N(to), value);
  }
}

void Assembler::Arithmetic(ArithmeticOp op, Width w, Mem to, int32_t value) {
  const uint8_t digit = static_cast<uint8_t>(op);
  if (value == static_cast<int8_t>(value)) {
    RegMemImm({0x83}, W(w), digit, to, static_cast<int8_t>(value));
  } else {
    RegMemImm({0x81}, W(w), digit, to, value);
  }
}

void Assembler::Imul(Width w, Gpr to, Gpr from, int32_t value) {
  if (value == static_cast<int8_t>(value)) {
    RegRegImm({0x6B}, W(w), N(to), N(from), static_cast<int8_t>(value));
  } else {
    RegRegImm({0x69}, W(w), N(to), N(from), value);
  }
}

void Assembler::LeaLabel(Gpr to, Label& label) {
  uint8_t* at = buffer_.Room();
  at[0] = static_cast<uint8_t>(0x48 | (N(to) >> 3) << 2);
  at[1] = 0x8D;
  at[2] = static_cast<uint8_t>(0x05 | (N(to) & 7) << 3);
  buffer_.SetEnd(at + 3);
  LinkOrPatch(label);
}

// Appends the rel32 field of a jump to `label`.
void Assembler::LinkOrPatch(Label& label) {
  const int32_t field = static_cast<int32_t>(offset());
  if (label.bound()) {
    Append(label.offset_ - (field + 4));
  } else {
    Append(label.last_jump_);
    label.last_jump_ = field;
  }
}

void Assembler::Jmp(Label& label) {
  if (label.bound()) {
    const int32_t distance = label.offset_ - static_cast<int32_t>(offset() + 2);
    if (distance == static_cast<int8_t>(distance)) {
      TwoBytes(0xEB, static_cast<uint8_t>(distance));
      return;
    }
  }
  Byte(0xE9);
  LinkOrPatch(label);
}

void Assembler::Jcc(Condition c, Label& label) {
  if (label.bound()) {
    const int32_t distance = label.offset_ - static_cast<int32_t>(offset() + 2);
    if (distance == static_cast<int8_t>(distance)) {
      TwoBytes(Cc(0x70, c), static_cast<uint8_t>(distance));
      return;
    }
  }
  TwoBytes(0x0F, Cc(0x80, c));
  LinkOrPatch(label);
}

void Assembler::PatchRel32(uint32_t field, int32_t target) {
  const int32_t distance = target - static_cast<int32_t>(field + 4);
  std::memcpy(buffer_.data() + field, &distance, 4);
}

void Assembler::Bind(ShortJump jump) {
  const uint32_t distance = offset() - jump.end;
  TP_CHECK(distance <= 127);
  buffer_.data()[jump.end - 1] = static_cast<uint8_t>(distance);
}

void Assembler::Bind(Label& label) {
  TP_DCHECK(!label.bound());
  label.offset_ = static_cast<int32_t>(offset());
  uint8_t* const code = buffer_.data();
  for (int32_t field = label.last_jump_; field >= 0;) {
    int32_t previous;
    std::memcpy(&previous, code + field, 4);
    const int32_t distance = label.offset_ - (field + 4);
    std::memcpy(code + field, &distance, 4);
    field = previous;
  }
}

void Assembler::Align(uint32_t alignment) {
  const uint32_t padding = (alignment - offset() % alignment) % alignment;
  std::memset(buffer_.Extend(padding), 0xCC, padding);
}

}  // namespace tidepool::engine::x64
