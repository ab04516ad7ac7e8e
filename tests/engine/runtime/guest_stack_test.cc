#include "engine/runtime/guest_stack.h"

#include "engine/abi/thread_control.h"
#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::Eq;
using ::testing::Ge;
using ::testing::Lt;

using engine::GuestStack;

class GuestStackTest : public RuntimeFixture {
 protected:
  // Recursion of 64 bytes a level down to the argument, then back; or until the stack ends.
  Instance& Recursion() {
    WasmBuilder wasm;
    wasm.ExportFunction("f", wasm.Function({ValueType::I32()}, {ValueType::I32()}, AnyBody()));
    AssembledBackend backend;
    backend.Add([](FunctionText& f) {
      x64::Label self;
      x64::Label end;
      f.a.Bind(self);
      f.Enter();
      f.a.Arithmetic(x64::ArithmeticOp::kSub, Width::k64, Gpr::kRsp, 32);
      f.a.Mov(Width::k32, Gpr::kRax, Gpr::kRsi);
      f.a.Test(Width::k32, Gpr::kRsi, Gpr::kRsi);
      f.a.Jcc(x64::Condition::kEqual, end);
      f.a.Arithmetic(x64::ArithmeticOp::kSub, Width::k32, Gpr::kRsi, 1);
      f.LoadContext(Gpr::kRdi);
      f.a.LeaLabel(Gpr::kRax, self);
      f.a.Call(Gpr::kRax);
      f.a.Arithmetic(x64::ArithmeticOp::kAdd, Width::k32, Gpr::kRax, 1);
      f.a.Bind(end);
      f.Leave();
    });
    return Instantiate(Load(wasm, backend));
  }
};

TEST_F(GuestStackTest, RunsOnItsOwnMemoryAndComesBack) {
  TP_ASSERT_OK_AND_ASSIGN(GuestStack stack, GuestStack::Create(1 << 20));
  uintptr_t inside = 0;
  for (int i = 0; i < 3; ++i) {
    stack.Run([&] { inside = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)); });
  }
  EXPECT_THAT(inside, Ge(stack.limit()));
  EXPECT_THAT(inside, Lt(stack.limit() + (1 << 20)));
}

TEST_F(GuestStackTest, GivesGuestsAllTheStackAsked) {
  Instance& instance = Recursion();
  TP_ASSERT_OK_AND_ASSIGN(GuestStack stack, GuestStack::Create(64 << 20));
  Activation activation(stack.limit(), nullptr);
  stack.Run([&] {
    // 80 bytes a level: 60 MB.
    const auto result = engine::CallExport(instance, "f", {{Value::I32(750'000)}}, activation);
    ASSERT_THAT(result, IsOk());
    ASSERT_TRUE(std::holds_alternative<Values>(*result));
    EXPECT_THAT(std::get<Values>(*result)[0].i32(), Eq(750'000u));
  });
}

TEST_F(GuestStackTest, OverflowIsATrapThere) {
  Instance& instance = Recursion();
  TP_ASSERT_OK_AND_ASSIGN(GuestStack stack, GuestStack::Create(1 << 20));
  Activation activation(stack.limit(), nullptr);
  for (int i = 0; i < 2; ++i) {
    stack.Run([&] {
      const auto result = engine::CallExport(instance, "f", {{Value::I32(750'000)}}, activation);
      ASSERT_THAT(result, IsOk());
      EXPECT_THAT(std::get<Trap>(*result).code, Eq(TrapCode::kStackOverflow));
    });
  }
}

TEST_F(GuestStackTest, RefusesOddSizes) {
  EXPECT_THAT(GuestStack::Create(0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(GuestStack::Create(5000), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(GuestStack::Create(uint64_t{1} << 40), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidepool::test
