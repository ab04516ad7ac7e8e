// Guest → host and back: values, the caller's identity, errors, nesting, stack.
#include "engine/runtime/host_function.h"

#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using engine::HostCall;

const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();
const ValueType kF64 = ValueType::F64();

class HostFunctionTest : public RuntimeFixture {
 protected:
  // A module whose export "f" jumps to its import "host.f" with the arguments it got: the types are
  // the same.
  std::shared_ptr<const Module> Forwarder(const WasmBuilder::Types& params,
                                          const WasmBuilder::Types& results) {
    WasmBuilder wasm;
    wasm.ImportFunction("host", "f", params, results);
    const FunctionIndex f = wasm.Function(params, results, AnyBody());
    wasm.ExportFunction("f", f);
    wasm.NameFunction(f, "forwarder");
    AssembledBackend backend;
    backend.Add([](FunctionText& text) {
      text.Enter();
      text.CallImport(0);
      text.Leave();
    });
    return Load(wasm, backend);
  }
  void Define(const WasmBuilder::Types& params,
              const WasmBuilder::Types& results,
              engine::HostCallback callback,
              void* environment = nullptr) {
    ASSERT_THAT(linker_.DefineFunction("host", "f", {params, results}, callback, environment),
                IsOk());
  }
};

TEST_F(HostFunctionTest, GetsArgumentsAndGivesResults) {
  const WasmBuilder::Types params = {kI32, kF64, kI64, kI64, kI64, kI64, kI64};
  Define(params, {kI64, kF64, kI32}, [](HostCall& call) {
    uint64_t sum = call.arguments[0].i32();
    for (int i = 2; i < 7; ++i) sum += call.arguments[i].i64();
    call.results[0] = Value::I64(sum);
    call.results[1] = Value::F64(call.arguments[1].f64() * 2);
    call.results[2] = Value::I32(77);
    return TrapCode::kNone;
  });
  Instance& instance = Instantiate(Forwarder(params, {kI64, kF64, kI32}));
  const Values results = MustReturn(
      instance, "f",
      {Value::I32(1), Value::F64(2.5), Value::I64(10), Value::I64(20), Value::I64(30),
       Value::I64(40), Value::I64(1000)});
  EXPECT_THAT(results, ElementsAre(Value::I64(1101), Value::F64(5), Value::I32(77)));
}

TEST_F(HostFunctionTest, ResultsAreZeroUnlessWritten) {
  Define({}, {kI64, kF64}, [](HostCall&) { return TrapCode::kNone; });
  Instance& instance = Instantiate(Forwarder({}, {kI64, kF64}));
  EXPECT_THAT(MustReturn(instance, "f"), ElementsAre(Value{}, Value{}));
}

TEST_F(HostFunctionTest, KnowsItsCallerStoreAndEnvironment) {
  struct Seen {
    std::vector<Instance*> callers;
    Store* store = nullptr;
    void* host_data = nullptr;
  } seen;
  Define({}, {}, [](HostCall& call) {
    auto& seen = *static_cast<Seen*>(call.environment);
    seen.callers.push_back(&call.caller);
    seen.store = &call.store;
    seen.host_data = call.store.host_data();
    return TrapCode::kNone;
  }, &seen);
  const auto module = Forwarder({}, {});
  Instance& first = Instantiate(module);
  Instance& second = Instantiate(module);
  int data = 0;
  store_.set_host_data(&data);
  MustReturn(second, "f");
  MustReturn(first, "f");
  EXPECT_THAT(seen.callers, ElementsAre(&second, &first));
  EXPECT_THAT(seen.store, Eq(&store_));
  EXPECT_THAT(seen.host_data, Eq(&data));
}

TEST_F(HostFunctionTest, EndsTheCallWithATrapAndItsText) {
  Define({}, {}, [](HostCall& call) {
    call.error = absl::InternalError("the disk is on fire, and this text is too long for any inline buffer");
    return TrapCode::kHostError;
  });
  Instance& instance = Instantiate(Forwarder({}, {}));
  const Trap trap = MustTrap(instance, "f");
  EXPECT_THAT(trap.code, Eq(TrapCode::kHostError));
  EXPECT_THAT(trap.message, HasSubstr("host function failed: the disk is on fire"));
  ASSERT_THAT(trap.backtrace, SizeIs(1));
  EXPECT_THAT(trap.backtrace[0].function_name, Eq("forwarder"));
}

TEST_F(HostFunctionTest, DoesNotRememberTheTextOfAnEarlierTrap) {
  static bool fail;
  fail = true;
  Define({}, {}, [](HostCall& call) {
    if (fail) call.error = absl::InternalError("tenant A's secret");
    return TrapCode::kHostError;
  });
  Instance& instance = Instantiate(Forwarder({}, {}));
  EXPECT_THAT(MustTrap(instance, "f").message, HasSubstr("secret"));
  fail = false;
  EXPECT_THAT(MustTrap(instance, "f").message, Eq("host function failed"));
}

TEST_F(HostFunctionTest, CanBeCalledThroughAnExportWithoutGuestCode) {
  Define({kI32}, {kI32}, [](HostCall& call) {
    call.results[0] = Value::I32(call.arguments[0].i32() + 1);
    return call.arguments[0].i32() == 9 ? TrapCode::kExit : TrapCode::kNone;
  });
  WasmBuilder wasm;
  const FunctionIndex f = wasm.ImportFunction("host", "f", {kI32}, {kI32});
  wasm.ExportFunction("f", f);
  AssembledBackend backend;
  Instance& instance = Instantiate(Load(wasm, backend));
  EXPECT_THAT(MustReturn(instance, "f", {Value::I32(41)}), ElementsAre(Value::I32(42)));
  const Trap trap = MustTrap(instance, "f", {Value::I32(9)});
  EXPECT_THAT(trap.code, Eq(TrapCode::kExit));
  EXPECT_THAT(trap.backtrace, IsEmpty());
}

// guest → host → guest → host …: the inner trap comes back to the inner call, the outer guest goes on.
TEST_F(HostFunctionTest, NestsCallsAndTraps) {
  struct Nest {
    Activation& activation;
    std::vector<TrapCode> inner;
  } nest{activation_, {}};
  Define({kI32}, {kI32}, [](HostCall& call) {
    auto& nest = *static_cast<Nest*>(call.environment);
    const uint32_t depth = call.arguments[0].i32();
    if (depth == 0) return TrapCode::kUnreachable;
    const Value argument = Value::I32(depth - 1);
    Value result;
    const engine::Extern f = *call.caller.FindExport("f");
    const TrapCode trap =
        CallFunction(call.store, *f.function, *f.function_type, {&argument, 1}, {&result, 1},
                     nest.activation);
    nest.inner.push_back(trap);
    call.results[0] = Value::I32(result.i32() + 1);
    return TrapCode::kNone;
  }, &nest);
  Instance& instance = Instantiate(Forwarder({kI32}, {kI32}));
  EXPECT_THAT(MustReturn(instance, "f", {Value::I32(5)}), ElementsAre(Value::I32(5)));
  EXPECT_THAT(nest.inner, ElementsAre(TrapCode::kUnreachable, TrapCode::kNone, TrapCode::kNone,
                                      TrapCode::kNone, TrapCode::kNone));
  EXPECT_THAT(activation_.store(), Eq(nullptr)) << "no call is left over";
  EXPECT_THAT(MustTrap(instance, "f", {Value::I32(0)}).code, Eq(TrapCode::kUnreachable));
}

// A host function may also call on an activation of its own; the guest that called it goes on.
TEST_F(HostFunctionTest, MayCallOnAnotherActivation) {
  Define({kI32}, {kI32}, [](HostCall& call) {
    if (call.arguments[0].i32() == 0) {
      call.results[0] = Value::I32(100);
      return TrapCode::kNone;
    }
    Activation other(Activation::LimitOnCurrentStack(16 * 1024), nullptr);
    const auto result = engine::CallExport(call.caller, "f", {{Value::I32(0)}}, other);
    call.results[0] = Value::I32(std::get<Values>(*result)[0].i32() + 1);
    return TrapCode::kNone;
  });
  Instance& instance = Instantiate(Forwarder({kI32}, {kI32}));
  EXPECT_THAT(MustReturn(instance, "f", {Value::I32(1)}), ElementsAre(Value::I32(101)));
}

// Recursion through host functions ends as a trap in the guest's stack, with the reserve whole (B12).
TEST_F(HostFunctionTest, OverflowsTheStackCleanlyThroughHostFunctions) {
  static uintptr_t lowest;
  static uintptr_t limit;
  lowest = UINTPTR_MAX;
  limit = activation_.stack_limit();
  Define({}, {}, [](HostCall& call) {
    lowest = std::min(lowest, reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
    const engine::Extern f = *call.caller.FindExport("f");
    return CallFunction(call.store, *f.function, *f.function_type, {}, {},
                        *engine::GuestThread::Current().current());
  });
  Instance& instance = Instantiate(Forwarder({}, {}));
  EXPECT_THAT(MustTrap(instance, "f").code, Eq(TrapCode::kStackOverflow));
  EXPECT_GE(lowest, limit - 8 * 1024) << "host functions began with most of the reserve left";
  EXPECT_THAT(MustTrap(instance, "f").code, Eq(TrapCode::kStackOverflow)) << "and again";
}

}  // namespace
}  // namespace tidepool::test
