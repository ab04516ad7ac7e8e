// Every numeric operator, with its operands wherever the compiler can have them, against the
// reference (security.md, J1).
#include <bit>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "engine/wasm/opcodes.h"
#include "tests/engine/baseline/reference_operators.h"
#include "tests/engine/baseline/test_instance.h"

namespace tidepool::test {
namespace {

using engine::wasm::OpcodeInfo;
using engine::wasm::Operand;

// Where an operand is when the operator comes.
enum class Place {
  kLocal,     // A parameter, at home and in the register it came in.
  kPinned,    // A parameter used often.
  kRegister,  // Read from a global.
  kSpilled,   // The same, before a call.
  kConstant,
};
constexpr Place kVariablePlaces[] = {
    Place::kLocal, Place::kPinned, Place::kRegister, Place::kSpilled};

// What happens to the result.
enum class Use {
  kReturned,
  kIntoPinned,   // Into a local in a register: the left operand, if that is a local.
  kIntoPinnedB,  // The same with the right one.
  kBranched,     // Comparisons: if.
  kSelected,     // Comparisons: select.
  kNegated,      // Comparisons: i32.eqz, br_if.
};

ValueType TypeOf(Operand operand) {
  switch (operand) {
    case Operand::kI32:
      return ValueType::I32();
    case Operand::kI64:
      return ValueType::I64();
    case Operand::kF32:
      return ValueType::F32();
    default:
      return ValueType::F64();
  }
}

std::vector<Bits> Samples(Operand operand) {
  constexpr float kF = 1.0f;
  switch (operand) {
    case Operand::kI32:
      return {0,
              1,
              2,
              7,
              31,
              32,
              33,
              0x7F,
              0x80,
              0xFF,
              0x8000,
              0x12345678,
              0x7FFFFFFF,
              0x80000000,
              0xFFFFFFF9,
              0xFFFFFFFF};
    case Operand::kI64:
      return {0,
              1,
              3,
              63,
              64,
              0x80,
              0x8000,
              0x7FFFFFFF,
              0x80000000,
              0xFFFFFFFF,
              0x123456789ABCDEF0,
              0x7FFFFFFFFFFFFFFF,
              0x8000000000000000,
              0xFFFFFFFF80000000,
              0xFFFFFFFFFFFFFFFF,
              0x8000000000000401};
    case Operand::kF32:
      return {F32(0),
              F32(-0.0f),
              F32(kF),
              F32(-1.5f),
              F32(2.5f),
              F32(0.5f),
              F32(-0.9f),
              F32(2147483648.0f),
              F32(-2147483648.0f),
              F32(-2147483904.0f),
              F32(4294967040.0f),
              F32(4294967296.0f),
              F32(9223371487098961920.0f),
              F32(9223372036854775808.0f),
              F32(-9223372036854775808.0f),
              F32(18446744073709551616.0f),
              F32(1e30f),
              F32(-1e30f),
              F32(1e-40f),
              0x7F800000,
              0xFF800000,
              0x7FC00000,
              0x7FA00001,
              0xFFC12345};
    default:
      return {F64(0),
              F64(-0.0),
              F64(1),
              F64(-1.5),
              F64(2.5),
              F64(0.5),
              F64(-0.9999),
              F64(2147483647.0),
              F64(2147483647.9),
              F64(2147483648.0),
              F64(-2147483648.9),
              F64(-2147483649.0),
              F64(4294967295.9),
              F64(4294967296.0),
              F64(9223372036854774784.0),
              F64(9223372036854775808.0),
              F64(-9223372036854775808.0),
              F64(-9223372036854777856.0),
              F64(18446744073709549568.0),
              F64(18446744073709551616.0),
              F64(1e300),
              F64(1e-310),
              0x7FF0000000000000,
              0xFFF0000000000000,
              0x7FF8000000000000,
              0x7FF4000000000001,
              0xFFF8000000012345};
  }
}

void PushConstant(Code& code, Operand operand, Bits bits) {
  switch (operand) {
    case Operand::kI32:
      code.I32Const(static_cast<int32_t>(bits));
      break;
    case Operand::kI64:
      code.I64Const(static_cast<int64_t>(bits));
      break;
    case Operand::kF32:
      code.F32Bits(static_cast<uint32_t>(bits));
      break;
    default:
      code.F64Bits(bits);
      break;
  }
}

struct Variant {
  Place a = Place::kLocal;
  Place b = Place::kLocal;
  Use use = Use::kReturned;
  Bits constant_a = 0;
  Bits constant_b = 0;
  bool same = false;  // Both operands are the left one's local.
  FunctionIndex function{};
};

class OperatorModule {
 public:
  OperatorModule(const OpcodeInfo& info, CpuFeatureSet features) : info_(info) {
    const auto& signature = info.signature;
    binary_ = signature.param_count == 2;
    comparison_ =
        signature.results[0] == Operand::kI32 && static_cast<uint32_t>(info.opcode) <= 0x66;
    for (int i = 0; i < signature.param_count; ++i) {
      params_.push_back(TypeOf(signature.params[i]));
      builder_.Global(params_.back(), true, Zero(signature.params[i]));
    }
    nothing_ = builder_.Function({}, {}, Code());
    MakeVariants();
    options_.cpu_features = features;
  }

  void Run() {
    std::unique_ptr<TestInstance> instance = TestInstance::Create(builder_, options_);
    ASSERT_NE(instance, nullptr);
    for (const Variant& variant : variants_) RunVariant(*instance, variant);
  }

 private:
  static Code Zero(Operand operand) {
    Code code;
    PushConstant(code, operand, 0);
    return code;
  }

  std::vector<Use> Uses() const {
    std::vector<Use> uses = {Use::kReturned, Use::kIntoPinned};
    if (binary_) uses.push_back(Use::kIntoPinnedB);
    if (comparison_) uses.insert(uses.end(), {Use::kBranched, Use::kSelected, Use::kNegated});
    return uses;
  }

  void MakeVariants() {
    for (const Use use : Uses()) {
      for (const Place a : kVariablePlaces) {
        if (!binary_) {
          Add({.a = a, .use = use});
          continue;
        }
        for (const Place b : kVariablePlaces) Add({.a = a, .b = b, .use = use});
        for (const Bits b : Samples(info_.signature.params[1])) {
          Add({.a = a, .b = Place::kConstant, .use = use, .constant_b = b});
        }
        if (a == Place::kLocal || a == Place::kPinned)
          Add({.a = a, .b = a, .use = use, .same = true});
      }
      for (const Bits a : Samples(info_.signature.params[0])) {
        if (!binary_) {
          Add({.a = Place::kConstant, .use = use, .constant_a = a});
          continue;
        }
        for (const Place b : kVariablePlaces) {
          Add({.a = Place::kConstant, .b = b, .use = use, .constant_a = a});
        }
        if (use != Use::kReturned) continue;
        for (const Bits b : Samples(info_.signature.params[1])) {
          Add({.a = Place::kConstant,
               .b = Place::kConstant,
               .use = use,
               .constant_a = a,
               .constant_b = b});
        }
      }
    }
  }

  void PushOperand(Code& code, uint32_t operand, Place place, Bits constant) {
    switch (place) {
      case Place::kLocal:
      case Place::kPinned:
        code.LocalGet(operand);
        break;
      case Place::kRegister:
        code.GlobalGet(GlobalIndex{operand});
        break;
      case Place::kSpilled:
        code.GlobalGet(GlobalIndex{operand}).Call(nothing_);
        break;
      case Place::kConstant:
        PushConstant(code, info_.signature.params[operand], constant);
        break;
    }
  }

  void Add(Variant variant) {
    Code code;
    // Often used: in a register of its own.
    const auto use_often = [&code](uint32_t local) {
      for (int i = 0; i < 4; ++i) code.LocalGet(local).Op(Opcode::kDrop);
    };
    if (variant.a == Place::kPinned) use_often(0);
    if (binary_ && variant.b == Place::kPinned) use_often(1);
    const ValueType result = TypeOf(info_.signature.results[0]);
    // A local of the result's type: the operand's own if that has it.
    const uint32_t fresh = static_cast<uint32_t>(params_.size());
    uint32_t target = fresh;
    if (variant.use == Use::kIntoPinned && params_[0] == result) target = 0;
    if (variant.use == Use::kIntoPinnedB && params_[1] == result) target = 1;

    PushOperand(code, 0, variant.a, variant.constant_a);
    if (binary_) PushOperand(code, variant.same ? 0 : 1, variant.b, variant.constant_b);
    code.Op(info_.opcode);
    switch (variant.use) {
      case Use::kReturned:
        break;
      case Use::kIntoPinned:
      case Use::kIntoPinnedB:
        code.LocalSet(target);
        use_often(target);
        code.LocalGet(target);
        break;
      case Use::kBranched:
        code.Open(Opcode::kIf, ValueType::I32()).I32Const(1).Else().I32Const(0).End();
        break;
      case Use::kSelected: {
        // The condition must be on top: select between the constants below.
        Code with_values;
        with_values.I32Const(1).I32Const(0).Bytes(code.bytes()).Op(Opcode::kSelect);
        code = with_values;
        break;
      }
      case Use::kNegated: {
        Code block;
        block.Open(Opcode::kBlock).Bytes(code.bytes()).Op(Opcode::kI32Eqz).BrIf(0);
        block.I32Const(1).Op(Opcode::kReturn).End().I32Const(0);
        code = block;
        break;
      }
    }
    variant.function = builder_.Function(params_, {result}, code, {{1, result}});
    variants_.push_back(variant);
  }

  void RunVariant(TestInstance& instance, const Variant& variant) {
    const std::vector<Bits> as = variant.a == Place::kConstant
                                     ? std::vector<Bits>{variant.constant_a}
                                     : Samples(info_.signature.params[0]);
    std::vector<Bits> bs = {0};
    if (binary_ && !variant.same) {
      bs = variant.b == Place::kConstant ? std::vector<Bits>{variant.constant_b}
                                         : Samples(info_.signature.params[1]);
    }
    for (const Bits a : as) {
      for (const Bits b : bs) RunOnce(instance, variant, a, variant.same ? a : b);
    }
  }

  void RunOnce(TestInstance& instance, const Variant& variant, Bits a, Bits b) {
    std::vector<Bits> arguments = {a};
    instance.global(0).low = a;
    if (binary_) {
      arguments.push_back(b);
      instance.global(1).low = b;
    }
    const Outcome outcome = instance.Call(variant.function, arguments);
    const Expected expected = ReferenceResult(info_.opcode, a, b);
    const std::string what = absl::StrCat(std::string(info_.text),
                                          " a=",
                                          static_cast<int>(variant.a),
                                          " b=",
                                          static_cast<int>(variant.b),
                                          " use=",
                                          static_cast<int>(variant.use),
                                          " same=",
                                          variant.same,
                                          " ",
                                          absl::Hex(a),
                                          " ",
                                          absl::Hex(b),
                                          " function ",
                                          wasm::ToInt(variant.function));
    if (expected.form == Expected::Form::kTrap) {
      ASSERT_TRUE(std::holds_alternative<TrapCode>(outcome)) << what;
      ASSERT_EQ(std::get<TrapCode>(outcome), expected.trap) << what;
      return;
    }
    ASSERT_TRUE(std::holds_alternative<std::vector<Bits>>(outcome))
        << what << " trapped " << static_cast<int>(std::get<TrapCode>(outcome));
    const Bits got = std::get<std::vector<Bits>>(outcome)[0];
    if (expected.form == Expected::Form::kAnyQuietNan) {
      const bool single = info_.signature.results[0] == Operand::kF32;
      const uint64_t quiet = single ? 0x7FC00000 : 0x7FF8000000000000;
      ASSERT_EQ(got & quiet, quiet) << what;
      return;
    }
    ASSERT_EQ(got, expected.bits) << what;
  }

  const OpcodeInfo& info_;
  CompileOptions options_;
  bool binary_ = false;
  bool comparison_ = false;
  WasmBuilder builder_;
  WasmBuilder::Types params_;
  FunctionIndex nothing_{};
  std::vector<Variant> variants_;
};

std::vector<const OpcodeInfo*> NumericOperators() {
  std::vector<const OpcodeInfo*> operators;
  for (uint32_t code = 0x45; code <= 0xC4; ++code) operators.push_back(wasm::FindOpcode(code));
  for (uint32_t code = 0xFC0000; code <= 0xFC0007; ++code)
    operators.push_back(wasm::FindOpcode(code));
  return operators;
}

class OperatorTest : public testing::TestWithParam<const OpcodeInfo*> {};

TEST_P(OperatorTest, GivesTheSpecifiedResultWhereverItsOperandsAre) {
  OperatorModule(*GetParam(), {}).Run();
}

TEST_P(OperatorTest, GivesTheSameWithTheFeaturesOfThisCpu) {
  const absl::StatusOr<CpuFeatureSet> features = DetectCpuFeatures();
  ASSERT_TRUE(features.ok()) << features.status();
  OperatorModule(*GetParam(), *features).Run();
}

std::string OperatorName(const testing::TestParamInfo<const OpcodeInfo*>& info) {
  std::string name(info.param->text);
  for (char& c : name) {
    if (c == '.' || c == '/') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, OperatorTest, testing::ValuesIn(NumericOperators()), OperatorName);

}  // namespace
}  // namespace tidepool::test
