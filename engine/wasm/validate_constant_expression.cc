// The validator's part for constant expressions (wasm core 3.4.13).

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "engine/support/status_macros.h"
#include "engine/wasm/body_cursor.h"
#include "engine/wasm/opcodes.h"
#include "engine/wasm/validator_internal.h"

namespace tidepool::engine::wasm {
namespace {

using Form = ConstantExpression::Form;

absl::Status ErrorAt(uint32_t offset, absl::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrFormat("at offset 0x%x, constant expression: %s", offset, message));
}

}  // namespace

absl::Status Validator::CheckConstant(const ConstantExpression& expression,
                                      ValueType expected,
                                      uint32_t global_count) {
  TP_ASSIGN_OR_RETURN(const ValueType actual, TypeOfConstant(expression, global_count));
  if (relations_.IsSubtype(actual, expected)) return absl::OkStatus();
  return ErrorAt(
      expression.offset,
      absl::StrCat("type mismatch: expected ", ToString(expected), ", found ", ToString(actual)));
}

absl::StatusOr<ValueType> Validator::TypeOfConstant(const ConstantExpression& expression,
                                                    uint32_t global_count) {
  switch (expression.form) {
    case Form::kI32:
      return ValueType::I32();
    case Form::kI64:
      return ValueType::I64();
    case Form::kF32:
      return ValueType::F32();
    case Form::kF64:
      return ValueType::F64();
    case Form::kRefNull:
      TP_RETURN_IF_ERROR(CheckValueType(expression.type, "ref.null"));
      return expression.type;
    case Form::kRefFunc:
      return TypeOfFunctionReference(expression.index, expression.offset);
    case Form::kGlobalGet:
      return TypeOfGlobal(expression.index, global_count, expression.offset);
    case Form::kOther:
      break;
  }
  return TypeOfOther(expression, global_count);
}

absl::StatusOr<ValueType> Validator::TypeOfGlobal(uint32_t index,
                                                  uint32_t global_count,
                                                  uint32_t offset) const {
  if (index >= global_count) return ErrorAt(offset, absl::StrCat("unknown global ", index));
  const GlobalType& type = module_.globals[index].type;
  if (type.is_mutable) return ErrorAt(offset, absl::StrCat("global ", index, " is mutable"));
  return type.value;
}

absl::StatusOr<ValueType> Validator::TypeOfFunctionReference(uint32_t index, uint32_t offset) {
  if (index >= module_.functions.size()) {
    return ErrorAt(offset, absl::StrCat("unknown function ", index));
  }
  escapes_[index] = true;
  if (!features_.function_references) return ValueType::FuncRef();
  return ValueType::Ref(ConcreteHeapType(module_.functions[index].type), /*nullable=*/false);
}

// Any number of operators.  Decode has seen to it that they are constant and well encoded.
absl::StatusOr<ValueType> Validator::TypeOfOther(const ConstantExpression& expression,
                                                 uint32_t global_count) {
  absl::InlinedVector<ValueType, 8> stack;
  BodyCursor<false> cursor(expression.code, features_);
  for (;;) {
    const uint32_t offset = expression.offset + cursor.offset();
    const uint32_t byte = cursor.U8();
    const auto opcode = static_cast<Opcode>(byte < 0xFB ? byte : byte << 16 | cursor.VarU32());
    if (opcode == Opcode::kEnd) break;
    ValueType operand = ValueType::Bottom();  // Of the binary operators.
    ValueType result;
    switch (opcode) {
      case Opcode::kI32Const:
        cursor.VarS32();
        result = ValueType::I32();
        break;
      case Opcode::kI64Const:
        cursor.VarS64();
        result = ValueType::I64();
        break;
      case Opcode::kF32Const:
        cursor.Skip(4);
        result = ValueType::F32();
        break;
      case Opcode::kF64Const:
        cursor.Skip(8);
        result = ValueType::F64();
        break;
      case Opcode::kV128Const:
        cursor.Skip(16);
        result = ValueType::V128();
        break;
      case Opcode::kRefNull:
        result = ValueType::Ref(cursor.HeapType(), /*nullable=*/true);
        TP_RETURN_IF_ERROR(CheckValueType(result, "ref.null"));
        break;
      case Opcode::kRefFunc: {
        TP_ASSIGN_OR_RETURN(result, TypeOfFunctionReference(cursor.VarU32(), offset));
        break;
      }
      case Opcode::kGlobalGet: {
        TP_ASSIGN_OR_RETURN(result, TypeOfGlobal(cursor.VarU32(), global_count, offset));
        break;
      }
      case Opcode::kI32Add:
      case Opcode::kI32Sub:
      case Opcode::kI32Mul:
        operand = result = ValueType::I32();
        break;
      case Opcode::kI64Add:
      case Opcode::kI64Sub:
      case Opcode::kI64Mul:
        operand = result = ValueType::I64();
        break;
      default:
        return ErrorAt(offset, absl::StrCat(ToString(opcode), " is not constant"));
    }
    if (operand != ValueType::Bottom()) {
      const size_t height = stack.size();
      if (height < 2 || stack[height - 1] != operand || stack[height - 2] != operand) {
        return ErrorAt(offset, absl::StrCat("type mismatch in ", ToString(opcode)));
      }
      stack.resize(height - 2);
    }
    stack.push_back(result);
  }
  if (stack.size() != 1) {
    return ErrorAt(expression.offset,
                   absl::StrCat("type mismatch: leaves ", stack.size(), " values, expected 1"));
  }
  return stack[0];
}

}  // namespace tidepool::engine::wasm
