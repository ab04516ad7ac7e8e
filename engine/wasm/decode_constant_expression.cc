// The decoder's part for constant expressions: finds where they end and folds the simple ones.

#include "absl/strings/str_format.h"

#include "engine/support/status_macros.h"
#include "engine/wasm/decoder_internal.h"
#include "engine/wasm/opcodes.h"

namespace tidepool::engine::wasm {
namespace {

using Form = ConstantExpression::Form;

constexpr uint32_t kVectorPrefix = 0xFD;

}  // namespace

absl::Status Decoder::ReadConstantExpression(ConstantExpression* expression) {
  const uint8_t* const begin = cursor_.position();
  expression->offset = offset();
  int operator_count = 0;
  for (;;) {
    const uint8_t code = cursor_.U8();
    TP_RETURN_IF_ERROR(Check());
    if (static_cast<Opcode>(code) == Opcode::kEnd) break;
    TP_RETURN_IF_ERROR(ReadConstantOperator(code, expression));
    if (operator_count < 2) ++operator_count;
  }
  if (operator_count != 1) expression->form = Form::kOther;
  expression->code = absl::MakeConstSpan(begin, static_cast<size_t>(cursor_.position() - begin));
  return absl::OkStatus();
}

// Leaves in `simple` what the expression means if this operator is all of it.
absl::Status Decoder::ReadConstantOperator(uint8_t code, ConstantExpression* simple) {
  const uint32_t start = offset() - 1;
  bool constant = true;
  simple->form = Form::kOther;
  switch (static_cast<Opcode>(code)) {
    case Opcode::kI32Const:
      simple->form = Form::kI32;
      simple->value = static_cast<uint32_t>(cursor_.VarS32());
      break;
    case Opcode::kI64Const:
      simple->form = Form::kI64;
      simple->value = static_cast<uint64_t>(cursor_.VarS64());
      break;
    case Opcode::kF32Const:
      simple->form = Form::kF32;
      simple->value = cursor_.Fixed<uint32_t>();
      break;
    case Opcode::kF64Const:
      simple->form = Form::kF64;
      simple->value = cursor_.Fixed<uint64_t>();
      break;
    case Opcode::kRefNull:
      simple->form = Form::kRefNull;
      simple->type = ValueType::Ref(cursor_.HeapType(), /*nullable=*/true);
      break;
    case Opcode::kRefFunc:
      simple->form = Form::kRefFunc;
      simple->index = cursor_.VarU32();
      break;
    case Opcode::kGlobalGet:
      simple->form = Form::kGlobalGet;
      simple->index = cursor_.VarU32();
      break;
    case Opcode::kI32Add:
    case Opcode::kI32Sub:
    case Opcode::kI32Mul:
    case Opcode::kI64Add:
    case Opcode::kI64Sub:
    case Opcode::kI64Mul:
      constant = features_.extended_const;
      break;
    default:
      constant =
          code == kVectorPrefix && features_.simd &&
          (kVectorPrefix << 16 | cursor_.VarU32()) == static_cast<uint32_t>(Opcode::kV128Const);
      if (constant) cursor_.Skip(16);
      break;
  }
  TP_RETURN_IF_ERROR(Check());
  if (!constant) {
    return ErrorAt(start,
                   absl::StrFormat("constant expression required, found opcode 0x%02x", code));
  }
  return absl::OkStatus();
}

}  // namespace tidepool::engine::wasm
