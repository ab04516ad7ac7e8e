// Host → guest: where arguments and results lie, how traps come back, nesting.
#include "engine/runtime/call.h"

#include <thread>

#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();
const ValueType kF64 = ValueType::F64();

class CallTest : public RuntimeFixture {
 protected:
  // A module of one exported function "f".
  Instance& OneFunction(const WasmBuilder::Types& params,
                        const WasmBuilder::Types& results,
                        std::function<void(FunctionText&)> emit) {
    WasmBuilder wasm;
    wasm.Memory(1, 4);
    const FunctionIndex f = wasm.Function(params, results, AnyBody());
    wasm.ExportFunction("f", f);
    wasm.NameFunction(f, "the function");
    AssembledBackend backend;
    backend.Add(std::move(emit));
    return Instantiate(Load(wasm, backend));
  }
};
using CallDeathTest = CallTest;

TEST_F(CallTest, PassesArgumentsAndResultsInRegisters) {
  Instance& instance = OneFunction({kI32, kI64, kF64}, {kI64, kF64}, [](FunctionText& f) {
    f.Enter();
    f.a.Lea(Width::k64, Gpr::kRax, Mem::Indexed(Gpr::kRsi, Gpr::kRdx));
    f.a.Float(x64::FloatOp::kAdd, x64::Precision::kDouble, Xmm::k0, Xmm::k0);
    f.Leave();
  });
  const Values results =
      MustReturn(instance, "f", {Value::I32(5), Value::I64(uint64_t{1} << 40), Value::F64(1.5)});
  EXPECT_THAT(results[0].i64(), Eq((uint64_t{1} << 40) + 5));
  EXPECT_THAT(results[1].f64(), Eq(3.0));
}

TEST_F(CallTest, PassesWhatFindsNoRegisterInTheArgumentArea) {
  // Seven integers: the last two lie in the area.  Three results: the last two come from there.
  Instance& instance = OneFunction(
      {kI64, kI64, kI64, kI64, kI64, kI64, kI64}, {kI64, kI64, kI64}, [](FunctionText& f) {
        f.Enter();
        f.a.Mov(Width::k64, Gpr::kR10, Mem::Gs(abi::thread_control::kArgumentArea));
        f.a.Mov(Width::k64, Gpr::kRcx, Mem::At(Gpr::kR10, 0));
        f.a.Mov(Width::k64, Gpr::kRdx, Mem::At(Gpr::kR10, 16));
        f.a.Mov(Width::k64, Mem::At(Gpr::kR10, 0), Gpr::kRdx);
        f.a.Mov(Width::k64, Mem::At(Gpr::kR10, 16), Gpr::kRcx);
        f.a.Mov(Width::k64, Gpr::kRax, Gpr::kR9);
        f.Leave();
      });
  Values arguments;
  for (uint64_t i = 1; i <= 7; ++i) arguments.push_back(Value::I64(i));
  EXPECT_THAT(MustReturn(instance, "f", arguments),
              ElementsAre(Value::I64(5), Value::I64(7), Value::I64(6)));
}

TEST_F(CallTest, ExtendsI32WithZerosWhateverTheHostPutThere) {
  Instance& instance = OneFunction({kI32}, {kI64}, [](FunctionText& f) {
    f.Enter();
    f.a.Mov(Width::k64, Gpr::kRax, Gpr::kRsi);
    f.Leave();
  });
  EXPECT_THAT(MustReturn(instance, "f", {Value{~uint64_t{0}, 0}})[0].i64(), Eq(0xFFFFFFFFu));
}

TEST_F(CallTest, KeepsCalleeSavedRegistersOverATrap) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.Enter();
    for (const Gpr reg : {Gpr::kRbx, Gpr::kR12, Gpr::kR13, Gpr::kR14, Gpr::kR15}) {
      f.a.MovImm(reg, 0xDEAD);
    }
    f.Raise(TrapCode::kUnreachable);
  });
  // The compiler keeps some of these in callee-saved registers over the call.
  volatile int seed = 1;
  const int a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4, e = seed + 5;
  EXPECT_THAT(MustTrap(instance, "f").code, Eq(TrapCode::kUnreachable));
  EXPECT_THAT(a + 10 * b + 100 * c + 1000 * d + 10000 * e, Eq(65432));
}

TEST_F(CallTest, RefusesWrongNamesAndCounts) {
  Instance& instance = OneFunction({kI32}, {}, [](FunctionText& f) {
    f.Enter();
    f.Leave();
  });
  EXPECT_THAT(engine::CallExport(instance, "g", {}, activation_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"g\"")));
  EXPECT_THAT(engine::CallExport(instance, "f", {}, activation_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("takes 1 arguments, got 0")));
}

TEST_F(CallTest, TellsWhereAnExplicitTrapHappened) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.At(0x20);
    f.Enter();
    f.At(0x23);
    f.Raise(TrapCode::kIntegerOverflow);
    f.At(0x24);  // What the return address belongs to; it is not to be named.
  });
  const Trap trap = MustTrap(instance, "f");
  EXPECT_THAT(trap.message, Eq("integer overflow"));
  ASSERT_THAT(trap.backtrace, SizeIs(1));
  EXPECT_THAT(trap.backtrace[0].function_index, Eq(0u));
  EXPECT_THAT(trap.backtrace[0].function_name, Eq("the function"));
  EXPECT_THAT(trap.backtrace[0].wasm_offset, Eq(0x23u));
  EXPECT_THAT(ToString(trap), HasSubstr("0: the function (func 0) @ 0x23"));
}

TEST_F(CallTest, MakesATrapOfAFaultInTheGuard) {
  Instance& instance = OneFunction({kI32}, {kI32}, [](FunctionText& f) {
    f.Enter();
    f.LoadMemoryBase(Gpr::kRcx);
    f.At(0x30);
    f.MayFault(TrapCode::kMemoryOutOfBounds);
    f.a.Mov(Width::k32, Gpr::kRax, Mem::Indexed(Gpr::kRcx, Gpr::kRsi));
    f.At(0x33);
    f.Leave();
  });
  EXPECT_THAT(MustReturn(instance, "f", {Value::I32(65532)})[0].i32(), Eq(0u));
  const Trap trap = MustTrap(instance, "f", {Value::I32(65533)});
  EXPECT_THAT(trap.code, Eq(TrapCode::kMemoryOutOfBounds));
  EXPECT_THAT(trap.message, Eq("out of bounds memory access at address 0x10000"));
  ASSERT_THAT(trap.backtrace, SizeIs(1));
  EXPECT_THAT(trap.backtrace[0].wasm_offset, Eq(0x30u));
  // The largest index there is.
  EXPECT_THAT(MustTrap(instance, "f", {Value::I32(UINT32_MAX)}).message,
              HasSubstr("at address 0xffffffff"));
  EXPECT_THAT(MustReturn(instance, "f", {Value::I32(0)})[0].i32(), Eq(0u)) << "usable again";
}

TEST_F(CallTest, TrapsOnEveryThread) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.Enter();
    f.LoadMemoryBase(Gpr::kRcx);
    f.MayFault(TrapCode::kMemoryOutOfBounds);
    f.a.Mov(Width::k32, Gpr::kRax, Mem::At(Gpr::kRcx, 65536));
    f.Leave();
  });
  // One after the other: a store belongs to one thread at a time.
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      Activation activation(Activation::LimitOnCurrentStack(kGuestStackBytes), nullptr);
      const auto result = engine::CallExport(instance, "f", {}, activation);
      ASSERT_THAT(result, IsOk());
      EXPECT_THAT(std::get<Trap>(*result).code, Eq(TrapCode::kMemoryOutOfBounds));
    }).join();
  }
}

TEST_F(CallTest, EndsRunawayRecursionAsAStackOverflow) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    x64::Label self;
    f.a.Bind(self);
    f.Enter();
    f.LoadContext(Gpr::kRdi);
    f.a.LeaLabel(Gpr::kRax, self);
    f.a.Call(Gpr::kRax);
    f.Leave();
  });
  for (int i = 0; i < 3; ++i) {
    const Trap trap = MustTrap(instance, "f");
    EXPECT_THAT(trap.code, Eq(TrapCode::kStackOverflow));
    EXPECT_THAT(trap.backtrace, SizeIs(Activation::kBacktraceFramesMax));
    EXPECT_TRUE(trap.backtrace_truncated);
    EXPECT_THAT(ToString(trap), HasSubstr("and more"));
  }
}

TEST_F(CallTest, RefusesToBeginBelowTheStackLimit) {
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.Enter();
    f.Leave();
  });
  Activation nothing_left(Activation::LimitOnCurrentStack(0), nullptr);
  const auto result = engine::CallExport(instance, "f", {}, nothing_left);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(std::get<Trap>(*result).code, Eq(TrapCode::kStackOverflow));
  EXPECT_THAT(std::get<Trap>(*result).backtrace, IsEmpty());
}

// ---- Faults that are not the guest's: the process dies (B8, B9). ----

TEST_F(CallDeathTest, AFaultWhereTheTrapTableNamesNone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Instance& instance = OneFunction({}, {}, [](FunctionText& f) {
    f.Enter();
    f.LoadMemoryBase(Gpr::kRcx);
    f.a.Mov(Width::k32, Gpr::kRax, Mem::At(Gpr::kRcx, 65536));
    f.Leave();
  });
  EXPECT_DEATH(Call(instance, "f"), "crash: SIGSEGV .*, guest code");
}

TEST_F(CallDeathTest, AFaultOutsideTheStoresMemories) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Instance& instance = OneFunction({kI64}, {}, [](FunctionText& f) {
    f.Enter();
    f.MayFault(TrapCode::kMemoryOutOfBounds);
    f.a.Mov(Width::k32, Gpr::kRax, Mem::At(Gpr::kRsi));
    f.Leave();
  });
  // Another store's memory is not this one's: a wrong base must not look like a guest's mistake.
  engine::OwnedStorage other_storage;
  const auto other = other_storage.Provide(instance.module());
  ASSERT_THAT(other, IsOk());
  const auto guard = reinterpret_cast<uintptr_t>(other->memories[0].base) + 65536;
  EXPECT_DEATH(Call(instance, "f", {Value::I64(guard)}), "crash: SIGSEGV .*, guest code");
  EXPECT_DEATH(Call(instance, "f", {Value::I64(0)}), "crash: SIGSEGV at address 0x0, guest code");
}

TEST_F(CallDeathTest, AFaultInAHostFunctionCalledByAGuest) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  ASSERT_THAT(linker_.DefineFunction("host", "fault", {}, [](engine::HostCall& call) {
    // In the guard of the caller's own memory, even.
    *static_cast<volatile uint8_t*>(call.caller.Memory().data() + 65536) = 1;
    return TrapCode::kNone;
  }), IsOk());
  WasmBuilder wasm;
  wasm.ImportFunction("host", "fault", {}, {});
  wasm.Memory(1);
  wasm.ExportFunction("f", wasm.Function({}, {}, AnyBody()));
  AssembledBackend backend;
  backend.Add([](FunctionText& f) {
    f.Enter();
    f.CallImport(0);
    f.Leave();
  });
  Instance& instance = Instantiate(Load(wasm, backend));
  EXPECT_DEATH(Call(instance, "f"), "crash: SIGSEGV .*, host code");
}

}  // namespace
}  // namespace tidepool::test
