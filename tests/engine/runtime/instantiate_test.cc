// Instantiation: what happens in which order, and what is left when a step fails (P5, D5).
#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::NotNull;
using ::testing::SizeIs;

const ValueType kI32 = ValueType::I32();

class InstantiateTest : public RuntimeFixture {
 protected:
  // Exports a memory "m" (1 page, max 4), a table "t" (10), a mutable global "g" = 7, a function "f".
  Instance& Provider() {
    WasmBuilder wasm;
    const FunctionIndex f = wasm.Function({}, {kI32}, AnyBody());
    wasm.ExportFunction("f", f);
    wasm.ExportMemory("m", wasm.Memory(1, 4));
    wasm.Export("t", ExternalKind::kTable, ToInt(wasm.Table(10, 20)));
    wasm.Export("g", ExternalKind::kGlobal, ToInt(wasm.Global(kI32, true, Code().I32Const(7))));
    wasm.Export("c", ExternalKind::kGlobal, ToInt(wasm.Global(kI32, false, Code().I32Const(5))));
    AssembledBackend backend;
    backend.Add([](FunctionText& text) {
      text.Enter();
      text.a.MovImm(Gpr::kRax, 99);
      text.Leave();
    });
    Instance& provider = Instantiate(Load(wasm, backend));
    linker_.DefineInstance("p", provider);
    return provider;
  }
  static wasm::TableType TableOf(uint64_t min) {
    wasm::TableType type;
    type.limits.min = min;
    return type;
  }
  static wasm::MemoryType MemoryOf(uint64_t min) {
    wasm::MemoryType type;
    type.limits.min = min;
    return type;
  }
};

TEST_F(InstantiateTest, PutsTheImageInPlace) {
  WasmBuilder wasm;
  wasm.Memory(2);
  const FunctionIndex f = wasm.Function({}, {}, AnyBody());
  wasm.Table(5);
  wasm.ActiveElements({}, Code().I32Const(2), {{f, f}});
  wasm.ActiveData(Code().I32Const(65534), "abcd");
  wasm.Export("t", ExternalKind::kTable, 0);
  wasm.ExportFunction("f", f);
  AssembledBackend backend;
  backend.Add([](FunctionText& text) { text.Leave(); });
  Instance& instance = Instantiate(Load(wasm, backend));
  EXPECT_FALSE(instance.module().needs_initialization()) << "all of it is image";

  const auto memory = instance.Memory();
  ASSERT_THAT(memory, SizeIs(2 * 65536));
  EXPECT_THAT(memory.subspan(65533, 6), ElementsAre(0, 'a', 'b', 'c', 'd', 0));
  const abi::TableRecord& table = *instance.FindExport("t")->table;
  const auto record = reinterpret_cast<uintptr_t>(instance.FindFunction("f"));
  EXPECT_THAT(absl::MakeSpan(table.entries, 5), ElementsAre(0, 0, record, record, 0));
  EXPECT_THAT(table.dirty, Eq(0u));
}

TEST_F(InstantiateTest, GivesGlobalsTheirValuesInOrder) {
  Provider();
  WasmBuilder wasm;
  const GlobalIndex imported = wasm.ImportGlobal("p", "c", kI32, false);
  const GlobalIndex copy = wasm.Global(kI32, false, Code().GlobalGet(imported));
  wasm.Export("copy", ExternalKind::kGlobal, ToInt(copy));
  const GlobalIndex of_copy = wasm.Global(kI32, true, Code().GlobalGet(copy));
  wasm.Export("of copy", ExternalKind::kGlobal, ToInt(of_copy));
  AssembledBackend backend;
  Instance& instance = Instantiate(Load(wasm, backend));
  EXPECT_THAT(instance.FindExport("copy")->global->low, Eq(5u));
  EXPECT_THAT(instance.FindExport("of copy")->global->low, Eq(5u));
}

TEST_F(InstantiateTest, SharesWhatIsImported) {
  Instance& provider = Provider();
  WasmBuilder wasm;
  wasm.ImportFunction("p", "f", {}, {kI32});
  wasm.ImportMemory("p", "m", MemoryOf(1));
  wasm.ImportTable("p", "t", TableOf(10));
  wasm.ImportGlobal("p", "g", kI32, true);
  const FunctionIndex f = wasm.Function({}, {kI32}, AnyBody());
  wasm.ExportFunction("f", f);
  wasm.ActiveElements({}, Code().I32Const(3), {f});
  wasm.ActiveData(Code().I32Const(8), "shared");
  AssembledBackend backend;
  backend.Add([](FunctionText& text) {
    text.Enter();
    text.CallImport(0);
    text.Leave();
  });
  Instance& instance = Instantiate(Load(wasm, backend));
  EXPECT_THAT(MustReturn(instance, "f"), ElementsAre(Value::I32(99))) << "across instances";
  EXPECT_THAT(provider.Memory()[8], Eq('s'));
  EXPECT_THAT(instance.Memory().data(), Eq(provider.Memory().data()));
  const abi::TableRecord& table = *provider.FindExport("t")->table;
  EXPECT_THAT(table.entries[3], Eq(reinterpret_cast<uintptr_t>(instance.FindFunction("f"))));
  EXPECT_THAT(table.dirty, Eq(1u)) << "a reset must put it back";
  EXPECT_THAT(store_.memory_bytes(), Eq(65536u)) << "an imported memory counts once";
}

TEST_F(InstantiateTest, RunsTheStartFunction) {
  WasmBuilder wasm;
  wasm.Memory(1);
  const FunctionIndex start = wasm.Function({}, {}, AnyBody());
  wasm.Start(start);
  AssembledBackend backend;
  backend.Add([](FunctionText& text) {
    text.Enter();
    text.LoadMemoryBase(Gpr::kRcx);
    text.a.MovImm(Width::k32, Mem::At(Gpr::kRcx, 0), 1234);
    text.Leave();
  });
  Instance& instance = Instantiate(Load(wasm, backend));
  EXPECT_THAT(instance.Memory()[0], Eq(1234 & 0xFF));
}

TEST_F(InstantiateTest, ReportsATrapOfTheStartFunction) {
  WasmBuilder wasm;
  const FunctionIndex start = wasm.Function({}, {}, AnyBody());
  wasm.Start(start);
  wasm.NameFunction(start, "starter");
  AssembledBackend backend;
  backend.Add([](FunctionText& text) {
    text.Enter();
    text.Raise(TrapCode::kUnreachable);
  });
  const auto result = TryInstantiate(Load(wasm, backend));
  ASSERT_THAT(result, IsOk());
  const Trap& trap = std::get<Trap>(*result);
  EXPECT_THAT(trap.code, Eq(TrapCode::kUnreachable));
  ASSERT_THAT(trap.backtrace, SizeIs(1));
  EXPECT_THAT(trap.backtrace[0].function_name, Eq("starter"));
}

TEST_F(InstantiateTest, EndsAtADeadlineInTheStartFunction) {
  WasmBuilder wasm;
  wasm.Start(wasm.Function({}, {}, AnyBody()));
  AssembledBackend backend;
  backend.Add([](FunctionText& text) {
    text.Enter();
    x64::Label again;
    text.a.Bind(again);
    text.LoopCheck();
    text.a.Jmp(again);
  });
  handler_.answer = TrapCode::kInterrupted;
  engine::GuestThread::Current().RequestAttention();
  EXPECT_THAT(TrapOfInstantiation(Load(wasm, backend)), Eq(TrapCode::kInterrupted));
}

// What earlier segments wrote stays, what comes after the failing one is not written (wasm core
// 4.5.4; the imported table and memory make it visible).
TEST_F(InstantiateTest, AppliesSegmentsInOrderUpToTheOneThatTraps) {
  Instance& provider = Provider();
  for (const bool element_fails : {true, false}) {
    WasmBuilder wasm;
    wasm.ImportMemory("p", "m", MemoryOf(1));
    wasm.ImportTable("p", "t", TableOf(10));
    const FunctionIndex f = wasm.Function({}, {}, AnyBody());
    wasm.ActiveElements({}, Code().I32Const(element_fails ? 0 : 1), {f});
    if (element_fails) wasm.ActiveElements({}, Code().I32Const(10), {f});
    wasm.ActiveData(Code().I32Const(100), "x");
    wasm.ActiveData(Code().I32Const(65534), "yyy");
    wasm.ActiveData(Code().I32Const(101), "z");
    AssembledBackend backend;
    backend.Add([](FunctionText& text) { text.Leave(); });
    const TrapCode trap = TrapOfInstantiation(Load(wasm, backend));
    const abi::TableRecord& table = *provider.FindExport("t")->table;
    const auto memory = provider.Memory();
    if (element_fails) {
      EXPECT_THAT(trap, Eq(TrapCode::kTableOutOfBounds));
      EXPECT_NE(table.entries[0], 0u) << "before the failing one";
      EXPECT_THAT(memory[100], Eq(0)) << "data comes after elements";
    } else {
      EXPECT_THAT(trap, Eq(TrapCode::kMemoryOutOfBounds));
      EXPECT_NE(table.entries[1], 0u);
      EXPECT_THAT(memory[100], Eq('x'));
      EXPECT_THAT(memory[65534], Eq(0)) << "bounds come before bytes";
      EXPECT_THAT(memory[101], Eq(0));
    }
  }
}

TEST_F(InstantiateTest, TakesANegativeOffsetAsAVeryLargeOne) {
  WasmBuilder wasm;
  wasm.Memory(1);
  wasm.ActiveData(Code().I32Const(-1), "x");
  AssembledBackend backend;
  EXPECT_THAT(TrapOfInstantiation(Load(wasm, backend)), Eq(TrapCode::kMemoryOutOfBounds));
}

// ---- What cannot be linked leaves nothing behind. ----

TEST_F(InstantiateTest, RefusesImportsThatDoNotFitAndChangesNothing) {
  Instance& provider = Provider();
  WasmBuilder wasm;
  wasm.ImportMemory("p", "m", MemoryOf(2));
  wasm.ActiveData(Code().I32Const(0), "written");
  AssembledBackend backend;
  const auto module = Load(wasm, backend);
  engine::ImportBindings imports;
  imports.bindings.push_back({.external = *provider.FindExport("m")});
  EXPECT_THAT(store_.Instantiate(module, imports, activation_),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("p.m: incompatible import type: has 1 memory pages")));
  EXPECT_THAT(store_.Instantiate(module, {}, activation_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("0 bindings were given")));
  EXPECT_THAT(store_.instances(), SizeIs(1));
  EXPECT_THAT(storage_.provided(), SizeIs(1)) << "no storage was asked for";
  EXPECT_THAT(provider.Memory()[0], Eq(0));
}

TEST_F(InstantiateTest, RefusesThingsOfAnotherStoreOrEngine) {
  Instance& provider = Provider();
  WasmBuilder wasm;
  wasm.ImportMemory("p", "m", MemoryOf(1));
  AssembledBackend backend;
  engine::ImportBindings imports;
  imports.bindings.push_back({.external = *provider.FindExport("m")});
  engine::OwnedStorage other_storage;
  Store other_store(other_storage);
  EXPECT_THAT(other_store.Instantiate(Load(wasm, backend), imports, activation_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another store")));

  engine::Engine other_engine;
  const auto foreign = LoadModule(other_engine, wasm, backend);
  EXPECT_THAT(store_.Instantiate(foreign, imports, activation_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another engine")));
  EXPECT_THAT(linker_.Resolve(*foreign),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another engine")));
}

// ---- Limits. ----

TEST_F(InstantiateTest, RefusesMoreMemoryThanTheStoreMayHave) {
  WasmBuilder wasm;
  wasm.Memory(3);
  AssembledBackend backend;
  const auto module = Load(wasm, backend);
  store_.set_limits({.memory_bytes_max = 5 * 65536});
  Instantiate(module);
  EXPECT_THAT(store_.memory_bytes(), Eq(3 * 65536u));
  EXPECT_THAT(TryInstantiate(module),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("memory_bytes_max=327680")));
  EXPECT_THAT(store_.refusals().memory_bytes, Eq(6 * 65536u));
  EXPECT_THAT(store_.instances(), SizeIs(1));
  EXPECT_THAT(store_.memory_bytes(), Eq(3 * 65536u));
}

TEST_F(InstantiateTest, ALimitOfZeroAllowsOnlyAnEmptyMemory) {
  store_.set_limits({.memory_bytes_max = 0});
  for (const uint64_t pages : {0, 1}) {
    WasmBuilder wasm;
    wasm.Memory(pages);
    AssembledBackend backend;
    const auto result = TryInstantiate(Load(wasm, backend));
    EXPECT_THAT(result.ok(), Eq(pages == 0));
  }
}

TEST_F(InstantiateTest, RefusesLargerTablesThanTheStoreMayHave) {
  WasmBuilder wasm;
  wasm.Table(100);
  AssembledBackend backend;
  store_.set_limits({.table_elements_max = 99});
  EXPECT_THAT(TryInstantiate(Load(wasm, backend)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("table_elements_max=99")));
  EXPECT_THAT(store_.refusals().table_elements, Eq(100u));
}

TEST_F(InstantiateTest, RefusesTablesBeyondTheEnginesLimit) {
  WasmBuilder wasm;
  wasm.Table(1001);
  AssembledBackend backend;
  const auto module = LoadModule(engine_, wasm, backend, {}, {.table_elements_max = 1000});
  EXPECT_THAT(TryInstantiate(module),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("table_elements_max")));
}

class NoStorage final : public engine::StoreStorage {
 public:
  absl::StatusOr<engine::InstanceStorage> Provide(const Module&) override {
    return absl::UnavailableError("no slot is free");
  }
};

TEST_F(InstantiateTest, PassesOnThatThereIsNoStorage) {
  NoStorage none;
  Store store(none);
  WasmBuilder wasm;
  wasm.Memory(1);
  AssembledBackend backend;
  EXPECT_THAT(store.Instantiate(Load(wasm, backend), {}, activation_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no slot")));
  EXPECT_THAT(store.instances(), IsEmpty());
  EXPECT_THAT(store.memory_bytes(), Eq(0u));
}

// A start function that traps may have published itself in an imported table before: the instance
// stays, and so does its code.
TEST_F(InstantiateTest, KeepsAnInstanceWhoseStartTrapped) {
  Instance& provider = Provider();
  {
    WasmBuilder wasm;
    wasm.ImportTable("p", "t", TableOf(10));
    const FunctionIndex start = wasm.Function({}, {}, AnyBody());
    const FunctionIndex f = wasm.Function({}, {kI32}, AnyBody());
    wasm.Start(start);
    wasm.ActiveElements({}, Code().I32Const(0), {f});
    AssembledBackend backend;
    backend.Add([](FunctionText& text) {
      text.Enter();
      text.Raise(TrapCode::kUnreachable);
    });
    backend.Add([](FunctionText& text) {
      text.Enter();
      text.a.MovImm(Gpr::kRax, 55);
      text.Leave();
    });
    EXPECT_THAT(TrapOfInstantiation(Load(wasm, backend)), Eq(TrapCode::kUnreachable));
  }  // The store now holds the last reference to the module.
  const abi::TableRecord& table = *provider.FindExport("t")->table;
  const auto* record = reinterpret_cast<const abi::FunctionRecord*>(table.entries[0]);
  ASSERT_THAT(record, NotNull());
  Value result;
  EXPECT_THAT(CallFunction(store_, *record, {{}, {kI32}}, {}, {&result, 1}, activation_),
              Eq(TrapCode::kNone));
  EXPECT_THAT(result.i32(), Eq(55u));
}

}  // namespace
}  // namespace tidepool::test
