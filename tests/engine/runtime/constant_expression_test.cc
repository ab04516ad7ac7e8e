// Constant expressions in every form, as globals of an instance.
#include "engine/runtime/constant_expression.h"

#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::Eq;

const ValueType kI32 = ValueType::I32();

class ConstantExpressionTest : public RuntimeFixture {
 protected:
  ConstantExpressionTest() {
    cell_.low = 40;
    engine::Extern global{.kind = ExternalKind::kGlobal, .global = &cell_};
    global.global_type = {.value = kI32, .is_mutable = false};
    linker_.Define("h", "g", global);
    WasmBuilder wasm;
    wasm.ImportGlobal("h", "g", kI32, false);
    const FunctionIndex f = wasm.Function({}, {}, AnyBody());
    wasm.ExportFunction("f", f);
    AssembledBackend backend;
    backend.Add([](FunctionText& text) { text.Leave(); });
    instance_ = &Instantiate(Load(wasm, backend));
  }
  // As the artifact carries what is in none of the simple forms.
  Value Evaluate(const Code& code) {
    std::vector<uint8_t> bytes(code.bytes().begin(), code.bytes().end());
    bytes.push_back(0x0B);
    return EvaluateConstant({.form = wasm::ConstantExpression::Form::kOther, .code = bytes},
                            engine::StateView(*instance_));
  }
  abi::GlobalCell cell_{};
  Instance* instance_;
};

TEST_F(ConstantExpressionTest, Constants) {
  EXPECT_THAT(Evaluate(Code().I32Const(-1)), Eq(Value::I32(UINT32_MAX)));
  EXPECT_THAT(Evaluate(Code().I64Const(-2)), Eq(Value::I64(UINT64_MAX - 1)));
  EXPECT_THAT(Evaluate(Code().F32Const(1.5f)), Eq(Value::F32(1.5f)));
  EXPECT_THAT(Evaluate(Code().F64Const(-0.0)), Eq(Value::F64(-0.0)));
  EXPECT_THAT(Evaluate(Code().RefNull(wasm::HeapType::kFunc)), Eq(Value{}));
  EXPECT_THAT(Evaluate(Code().RefFunc(FunctionIndex{0})),
              Eq(Value::Func(instance_->FindFunction("f"))));
  EXPECT_THAT(Evaluate(Code().Byte(0xFD).Byte(0x0C).Bytes(
                  {{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}})),
              Eq(Value{1, 2}));
}

TEST_F(ConstantExpressionTest, ExtendedArithmetic) {
  const GlobalIndex g{0};
  EXPECT_THAT(Evaluate(Code().GlobalGet(g).I32Const(2).Op(Opcode::kI32Add)), Eq(Value::I32(42)));
  EXPECT_THAT(Evaluate(Code().I32Const(2).GlobalGet(g).Op(Opcode::kI32Sub)),
              Eq(Value::I32(static_cast<uint32_t>(-38))));
  EXPECT_THAT(Evaluate(Code().I32Const(-1).I32Const(2).Op(Opcode::kI32Mul)),
              Eq(Value::I32(static_cast<uint32_t>(-2))));
  EXPECT_THAT(Evaluate(Code().I64Const(7).I64Const(3).Op(Opcode::kI64Sub).I64Const(5).Op(
                  Opcode::kI64Mul).I64Const(1).Op(Opcode::kI64Add)),
              Eq(Value::I64(21)));
}

// A damaged artifact gives zeros and no read outside (AddressSanitizer watches).
TEST_F(ConstantExpressionTest, NonsenseIsZero) {
  const Value zero{};
  EXPECT_THAT(Evaluate(Code().Byte(0x00)), Eq(zero));
  EXPECT_THAT(Evaluate(Code().Op(Opcode::kI32Add)), Eq(zero));
  EXPECT_THAT(Evaluate(Code().GlobalGet(GlobalIndex{1})), Eq(zero));
  EXPECT_THAT(Evaluate(Code().RefFunc(FunctionIndex{1})), Eq(zero));
  EXPECT_THAT(Evaluate(Code().Byte(0x44).Byte(1)), Eq(zero)) << "cut off";
  EXPECT_THAT(Evaluate(Code().Byte(0xFD).Byte(0x0D)), Eq(zero));
  EXPECT_THAT(EvaluateConstant({.form = wasm::ConstantExpression::Form::kOther},
                               engine::StateView(*instance_)),
              Eq(zero));
}

}  // namespace
}  // namespace tidepool::test
