#include "engine/runtime/constant_expression.h"

#include "absl/container/inlined_vector.h"
#include "engine/support/byte_reader.h"

namespace tidepool::engine {
namespace {

Value GlobalValue(uint32_t global, const StateView& state) {
  if (global >= state.info().globals.size()) return Value{};
  const abi::GlobalCell& cell = state.Global(global);
  return Value{cell.low, cell.high};
}

Value FunctionValue(uint32_t function, const StateView& state) {
  if (function >= state.info().function_types.size()) return Value{};
  return Value::Func(state.Function(function));
}

// A stack machine of the few operators that are constant.
class Evaluator {
 public:
  Evaluator(absl::Span<const uint8_t> code, const StateView& state) : reader_(code), state_(state) {}

  Value Run() {
    while (!reader_.at_end() && !reader_.failed()) {
      const uint8_t opcode = reader_.U8();
      if (opcode == kEnd) break;
      if (!Step(opcode)) return Value{};
    }
    return reader_.failed() ? Value{} : Pop();
  }

 private:
  static constexpr uint8_t kEnd = 0x0B;

  bool Step(uint8_t opcode) {
    switch (opcode) {
      case 0x23: Push(GlobalValue(reader_.VarU32(), state_)); return true;
      case 0x41: Push(Value::I32(static_cast<uint32_t>(reader_.VarS32()))); return true;
      case 0x42: Push(Value::I64(static_cast<uint64_t>(reader_.VarS64()))); return true;
      case 0x43: Push(Value::I32(reader_.Fixed<uint32_t>())); return true;
      case 0x44: Push(Value::I64(reader_.Fixed<uint64_t>())); return true;
      case 0x6A: Binary32([](uint32_t a, uint32_t b) { return a + b; }); return true;
      case 0x6B: Binary32([](uint32_t a, uint32_t b) { return a - b; }); return true;
      case 0x6C: Binary32([](uint32_t a, uint32_t b) { return a * b; }); return true;
      case 0x7C: Binary64([](uint64_t a, uint64_t b) { return a + b; }); return true;
      case 0x7D: Binary64([](uint64_t a, uint64_t b) { return a - b; }); return true;
      case 0x7E: Binary64([](uint64_t a, uint64_t b) { return a * b; }); return true;
      case 0xD0: reader_.VarS33(); Push(Value{}); return true;
      case 0xD2: Push(FunctionValue(reader_.VarU32(), state_)); return true;
      case 0xFD: return Vector();
      default: return false;
    }
  }
  bool Vector() {
    if (reader_.VarU32() != 0x0C) return false;  // v128.const is the only one.
    const uint64_t low = reader_.Fixed<uint64_t>();
    Push(Value{low, reader_.Fixed<uint64_t>()});
    return true;
  }
  template <typename Operation>
  void Binary32(Operation operation) {
    const uint32_t b = Pop().i32();
    const uint32_t a = Pop().i32();
    Push(Value::I32(operation(a, b)));
  }
  template <typename Operation>
  void Binary64(Operation operation) {
    const uint64_t b = Pop().i64();
    const uint64_t a = Pop().i64();
    Push(Value::I64(operation(a, b)));
  }
  void Push(Value value) { stack_.push_back(value); }
  Value Pop() {
    if (stack_.empty()) return Value{};
    const Value top = stack_.back();
    stack_.pop_back();
    return top;
  }

  ByteReader reader_;
  const StateView& state_;
  absl::InlinedVector<Value, 4> stack_;
};

}  // namespace

Value EvaluateConstant(const InitExpression& expression, const StateView& state) {
  using Form = wasm::ConstantExpression::Form;
  switch (expression.form) {
    case Form::kI32:
    case Form::kI64:
    case Form::kF32:
    case Form::kF64: return Value{expression.value, expression.high};
    case Form::kRefNull: return Value{};
    case Form::kRefFunc: return FunctionValue(expression.index, state);
    case Form::kGlobalGet: return GlobalValue(expression.index, state);
    case Form::kOther: return Evaluator(expression.code, state).Run();
  }
  return Value{};
}

}  // namespace tidepool::engine
