// Names → imports: what fits, what does not, stubs.
#include "engine/runtime/linker.h"

#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

using engine::Extern;
using engine::Linker;
using engine::UnknownImports;

const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();

TrapCode Nothing(engine::HostCall&) { return TrapCode::kNone; }

class LinkerTest : public RuntimeFixture {
 protected:
  std::shared_ptr<const Module> Importer(
      std::initializer_list<std::pair<absl::string_view, absl::string_view>> names) {
    WasmBuilder wasm;
    for (const auto& [module, name] : names) wasm.ImportFunction(module, name, {}, {kI32});
    for (uint32_t i = 0; i < names.size(); ++i) {
      wasm.ExportFunction(absl::StrCat("f", i), FunctionIndex{i});
    }
    AssembledBackend backend;
    return Load(wasm, backend);
  }
  Instance& InstantiateWith(std::shared_ptr<const Module> module,
                            const Linker::ResolveOptions& options) {
    const auto imports = linker_.Resolve(*module, options);
    EXPECT_THAT(imports, IsOk());
    return *std::get<Instance*>(*store_.Instantiate(std::move(module), *imports, activation_));
  }
};

TEST_F(LinkerTest, RefusesASecondFunctionOfTheSameName) {
  ASSERT_THAT(linker_.DefineFunction("a", "b", {}, &Nothing), IsOk());
  EXPECT_THAT(linker_.DefineFunction("a", "b", {}, &Nothing),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("a.b")));
  EXPECT_THAT(linker_.DefineFunction("a.", "b", {}, &Nothing), IsOk());
  EXPECT_THAT(linker_.DefineFunction("a", ".b", {}, &Nothing), IsOk()) << "another pair of names";
}

TEST_F(LinkerTest, NamesEveryImportThatIsMissingOrDoesNotFit) {
  ASSERT_THAT(linker_.DefineFunction("x", "wrong", {{kI64}, {}}, &Nothing), IsOk());
  ASSERT_THAT(linker_.DefineFunction("x", "right", {{}, {kI32}}, &Nothing), IsOk());
  const auto module = Importer({{"x", "wrong"}, {"x", "right"}, {"y", "missing"}});
  EXPECT_THAT(
      linker_.Resolve(*module),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("x.wrong: incompatible import type: function of type [] -> [i32] "
                               "wanted, got [i64] -> []"),
                     HasSubstr("y.missing: unknown import"), Not(HasSubstr("right")))));
}

TEST_F(LinkerTest, StubsWhatIsUnknownAsAsked) {
  const auto module = Importer({{"env", "f"}});
  Instance& zero = InstantiateWith(module, {.unknown = UnknownImports::kZero});
  EXPECT_THAT(MustReturn(zero, "f0"), ElementsAre(Value::I32(0)));
  Instance& trap = InstantiateWith(module, {.unknown = UnknownImports::kTrap});
  const Trap trapped = MustTrap(trap, "f0");
  EXPECT_THAT(trapped.code, Eq(TrapCode::kHostError));
  EXPECT_THAT(trapped.message, HasSubstr("env.f"));
}

TEST_F(LinkerTest, MatchesWildcardsTheFirstThatFits) {
  const auto module = Importer({{"bench", "start"}, {"bench", "end"}, {"env", "x"}});
  EXPECT_THAT(linker_.Resolve(*module, {.wildcards = {{"bench.*", UnknownImports::kZero}}}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("env.x"), Not(HasSubstr("bench")))));
  Instance& instance = InstantiateWith(module, {.unknown = UnknownImports::kZero,
                                                .wildcards = {{"*.e*d", UnknownImports::kTrap},
                                                              {"bench.*", UnknownImports::kZero}}});
  EXPECT_THAT(MustReturn(instance, "f0"), ElementsAre(Value::I32(0)));
  EXPECT_THAT(MustTrap(instance, "f1").code, Eq(TrapCode::kHostError));
  EXPECT_THAT(MustReturn(instance, "f2"), ElementsAre(Value::I32(0)));
  EXPECT_THAT(linker_.Resolve(*module, {.unknown = UnknownImports::kZero,
                                        .wildcards = {{"env.*", UnknownImports::kRefuse}}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("env.x")));
}

TEST_F(LinkerTest, PrefersADefinitionToAStub) {
  ASSERT_THAT(linker_.DefineFunction("bench", "f", {{}, {kI32}}, [](engine::HostCall& call) {
    call.results[0] = Value::I32(3);
    return TrapCode::kNone;
  }), IsOk());
  Instance& instance = InstantiateWith(Importer({{"bench", "f"}}),
                                       {.wildcards = {{"bench.*", UnknownImports::kTrap}}});
  EXPECT_THAT(MustReturn(instance, "f0"), ElementsAre(Value::I32(3)));
}

TEST_F(LinkerTest, LaterDefinitionsReplaceEarlierOnesButNotWhatIsLinked) {
  ASSERT_THAT(linker_.DefineFunction("m", "f", {{}, {kI32}}, [](engine::HostCall& call) {
    call.results[0] = Value::I32(1);
    return TrapCode::kNone;
  }), IsOk());
  const auto module = Importer({{"m", "f"}});
  Instance& old_user = Instantiate(module);
  WasmBuilder wasm;
  wasm.ExportFunction("f", wasm.Function({}, {kI32}, AnyBody()));
  AssembledBackend backend;
  backend.Add([](FunctionText& f) {
    f.Enter();
    f.a.MovImm(Gpr::kRax, 2);
    f.Leave();
  });
  linker_.DefineInstance("m", Instantiate(Load(wasm, backend)));
  Instance& new_user = Instantiate(module);
  EXPECT_THAT(MustReturn(old_user, "f0"), ElementsAre(Value::I32(1)));
  EXPECT_THAT(MustReturn(new_user, "f0"), ElementsAre(Value::I32(2)));
}

// ---- Import matching, kind by kind (wasm core 3.2.7). ----

wasm::Limits64 Between(uint64_t min, uint64_t max) { return {min, max, true}; }
wasm::Limits64 AtLeast(uint64_t min) { return {min, UINT64_MAX, false}; }

TEST_F(LinkerTest, MatchesMemoriesByTheirSizeNowAndTheirMaximum) {
  abi::MemoryRecord record{};
  record.bytes = 2 * 65536;
  record.reservation_bytes = 4096;
  const struct {
    wasm::Limits64 offered, wanted;
    const char* error;  // Null: fits.
  } cases[] = {
      {AtLeast(1), AtLeast(2), nullptr},   {AtLeast(1), AtLeast(3), "at least 3 are wanted"},
      {Between(1, 4), Between(0, 4), nullptr}, {Between(1, 5), Between(0, 4), "maximum of 4"},
      {AtLeast(1), Between(0, 4), "maximum of 4"}, {Between(1, 4), AtLeast(0), nullptr},
  };
  for (const auto& c : cases) {
    WasmBuilder wasm;
    wasm::MemoryType wanted;
    wanted.limits = c.wanted;
    wasm.ImportMemory("h", "m", wanted);
    AssembledBackend backend;
    Extern external{.kind = ExternalKind::kMemory, .memory = &record};
    external.memory_type.limits = c.offered;
    linker_.Define("h", "m", external);
    const auto result = linker_.Resolve(*Load(wasm, backend));
    if (c.error == nullptr) {
      EXPECT_THAT(result, IsOk());
    } else {
      EXPECT_THAT(result, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(c.error)));
    }
  }
}

TEST_F(LinkerTest, MatchesTablesByTheirElementsToo) {
  abi::TableRecord record{};
  record.count = 10;
  const auto resolve = [&](wasm::Limits64 limits, ValueType element) {
    WasmBuilder wasm;
    wasm::TableType wanted;
    wanted.limits = limits;
    wanted.element = element;
    wasm.ImportTable("h", "t", wanted);
    AssembledBackend backend;
    Extern external{.kind = ExternalKind::kTable, .table = &record};
    external.table_type.limits = Between(5, 20);
    linker_.Define("h", "t", external);
    return linker_.Resolve(*Load(wasm, backend)).status();
  };
  EXPECT_THAT(resolve(AtLeast(10), ValueType::FuncRef()), IsOk());
  EXPECT_THAT(resolve(Between(0, 20), ValueType::FuncRef()), IsOk());
  EXPECT_THAT(resolve(AtLeast(11), ValueType::FuncRef()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("at least 11")));
  EXPECT_THAT(resolve(Between(0, 19), ValueType::FuncRef()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("maximum of 19")));
  EXPECT_THAT(resolve(AtLeast(0), ValueType::ExternRef()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("table of externref")));
}

TEST_F(LinkerTest, MatchesGlobalsByTypeAndMutability) {
  abi::GlobalCell cell{};
  const auto resolve = [&](ValueType type, bool is_mutable) {
    WasmBuilder wasm;
    wasm.ImportGlobal("h", "g", type, is_mutable);
    AssembledBackend backend;
    Extern external{.kind = ExternalKind::kGlobal, .global = &cell};
    external.global_type = {.value = kI32, .is_mutable = true};
    linker_.Define("h", "g", external);
    return linker_.Resolve(*Load(wasm, backend)).status();
  };
  EXPECT_THAT(resolve(kI32, true), IsOk());
  EXPECT_THAT(resolve(kI32, false),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("immutable global wanted")));
  EXPECT_THAT(resolve(kI64, true),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("i64 wanted, got i32")));
}

TEST_F(LinkerTest, RefusesAnotherKind) {
  abi::GlobalCell cell{};
  linker_.Define("h", "x", {.kind = ExternalKind::kGlobal, .global = &cell});
  EXPECT_THAT(linker_.Resolve(*Importer({{"h", "x"}})),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("h.x: incompatible import type: function wanted, got a global")));
}

}  // namespace
}  // namespace tidepool::test
