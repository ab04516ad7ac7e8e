// What guests ask of the runtime, through the entries that guest code calls.
#include "engine/runtime/builtins.h"

#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::SizeIs;

using abi::BuiltinId;

const ValueType kI64 = ValueType::I64();

constexpr uint64_t kRefused = UINT64_MAX;

class BuiltinsTest : public RuntimeFixture {
 protected:
  static constexpr uint32_t kPages = 1;
  static constexpr uint32_t kPagesMax = 9;

  // Memory 0 (1 … 9 pages), tables 0 (4 … 8 elements) and 1 (8), a passive data segment "0123456789"
  // and a passive element segment [f, null, f]; an export per builtin, named by its number, that
  // passes its arguments (i64 each) on.
  BuiltinsTest() {
    WasmBuilder wasm;
    wasm.ExportMemory("m", wasm.Memory(kPages, kPagesMax));
    wasm.Export("t", ExternalKind::kTable, ToInt(wasm.Table(4, 8)));
    wasm.Export("u", ExternalKind::kTable, ToInt(wasm.Table(8)));
    AssembledBackend backend;
    const FunctionIndex first = wasm.NextFunction();
    for (uint32_t i = 0; i < static_cast<uint32_t>(BuiltinId::kCount); ++i) {
      const FunctionIndex f =
          wasm.Function({kI64, kI64, kI64, kI64, kI64}, {kI64}, AnyBody());
      wasm.ExportFunction(absl::StrCat(i), f);
      backend.Add([i](FunctionText& text) {
        text.Enter();
        text.Builtin(static_cast<BuiltinId>(i));
        text.Leave();
      });
    }
    const Code null = Code().RefNull(wasm::HeapType::kFunc);
    const Code f = Code().RefFunc(first);
    wasm.PassiveElements(ValueType::FuncRef(), {{f, null, f}});
    wasm.PassiveData("0123456789");
    instance_ = &Instantiate(Load(wasm, backend));
    table_ = instance_->FindExport("t")->table;
    other_table_ = instance_->FindExport("u")->table;
    record_ = reinterpret_cast<uintptr_t>(instance_->FindFunction("0"));
  }
  uint64_t Ask(BuiltinId id, std::vector<uint64_t> arguments) {
    return MustReturn(*instance_, NameOf(id), Padded(std::move(arguments)))[0].i64();
  }
  TrapCode AskForTrap(BuiltinId id, std::vector<uint64_t> arguments) {
    const Trap trap = MustTrap(*instance_, NameOf(id), Padded(std::move(arguments)));
    EXPECT_THAT(trap.backtrace, SizeIs(1)) << "of the guest function that called the builtin";
    return trap.code;
  }
  static std::string NameOf(BuiltinId id) { return absl::StrCat(static_cast<uint32_t>(id)); }
  static Values Padded(std::vector<uint64_t> arguments) {
    Values values;
    arguments.resize(5);
    for (const uint64_t argument : arguments) values.push_back(Value::I64(argument));
    return values;
  }
  absl::Span<uint64_t> Entries() { return {table_->entries, table_->count}; }

  Instance* instance_;
  abi::TableRecord* table_;
  abi::TableRecord* other_table_;
  uint64_t record_;
};

TEST_F(BuiltinsTest, GrowsMemoryToItsMaximum) {
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 0}), Eq(1u));
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 2}), Eq(1u));
  EXPECT_THAT(instance_->Memory(), SizeIs(3 * 65536));
  EXPECT_THAT(instance_->Memory().subspan(65536), Each(Eq(0)));
  instance_->Memory()[3 * 65536 - 1] = 1;
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 7}), Eq(kRefused)) << "one beyond";
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, UINT32_MAX}), Eq(kRefused));
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, UINT64_MAX}), Eq(kRefused)) << "no overflow";
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 6}), Eq(3u));
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 1}), Eq(kRefused));
  EXPECT_THAT(store_.memory_bytes(), Eq(9 * 65536u));
  EXPECT_THAT(store_.refusals().memory_bytes, Eq(0u)) << "the module's own maximum is no limit of ours";
}

TEST_F(BuiltinsTest, RefusesToGrowMemoryBeyondTheStoresLimitAndNotesIt) {
  store_.set_limits({.memory_bytes_max = 3 * 65536});
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 3}), Eq(kRefused));
  EXPECT_THAT(store_.refusals().memory_bytes, Eq(4 * 65536u));
  EXPECT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 2}), Eq(1u));
}

TEST_F(BuiltinsTest, FillsMemoryWithinItsBounds) {
  Ask(BuiltinId::kMemoryFill, {0, 10, 0x1FF, 3});
  EXPECT_THAT(instance_->Memory().subspan(9, 5), ElementsAre(0, 0xFF, 0xFF, 0xFF, 0));
  Ask(BuiltinId::kMemoryFill, {0, 65536, 1, 0});
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryFill, {0, 65537, 1, 0}),
              Eq(TrapCode::kMemoryOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryFill, {0, 65530, 1, 7}),
              Eq(TrapCode::kMemoryOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryFill, {0, UINT64_MAX, 1, 2}),
              Eq(TrapCode::kMemoryOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryFill, {0, 1, 1, UINT64_MAX}),
              Eq(TrapCode::kMemoryOutOfBounds));
  EXPECT_THAT(instance_->Memory().subspan(65530), Each(Eq(0))) << "nothing before the bounds";
}

// Overlap in both directions, over piece borders.
TEST_F(BuiltinsTest, CopiesMemoryAsIfThroughABuffer) {
  ASSERT_THAT(Ask(BuiltinId::kMemoryGrow, {0, 8}), Eq(1u));
  constexpr uint64_t kBytes = 400'000;  // Two pieces.
  const auto memory = instance_->Memory();
  const auto fill = [&] {
    for (uint64_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<uint8_t>(i * 7 + i / 251);
  };
  for (const auto& [to, from] : {std::pair<uint64_t, uint64_t>{1000, 0}, {0, 1000}, {5, 5},
                                 {100'000, 0}, {0, 100'000}}) {
    fill();
    std::vector<uint8_t> expected(memory.begin(), memory.end());
    std::copy_n(std::vector<uint8_t>(memory.begin() + from, memory.begin() + from + kBytes).begin(),
                kBytes, expected.begin() + to);
    Ask(BuiltinId::kMemoryCopy, {0, to, from, kBytes});
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), memory.begin())) << to << " " << from;
  }
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryCopy, {0, 1, 0, memory.size()}),
              Eq(TrapCode::kMemoryOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryCopy, {0, 0, 1, memory.size()}),
              Eq(TrapCode::kMemoryOutOfBounds));
}

TEST_F(BuiltinsTest, InitialisesMemoryFromASegmentUntilItIsDropped) {
  Ask(BuiltinId::kMemoryInit, {0, 0, 5, 2, 3});
  EXPECT_THAT(instance_->Memory().subspan(4, 5), ElementsAre(0, '2', '3', '4', 0));
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryInit, {0, 0, 0, 8, 3}), Eq(TrapCode::kMemoryOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryInit, {0, 0, 65535, 0, 2}),
              Eq(TrapCode::kMemoryOutOfBounds));
  Ask(BuiltinId::kDataDrop, {0});
  Ask(BuiltinId::kDataDrop, {0});
  Ask(BuiltinId::kMemoryInit, {0, 0, 65536, 0, 0});
  EXPECT_THAT(AskForTrap(BuiltinId::kMemoryInit, {0, 0, 0, 0, 1}), Eq(TrapCode::kMemoryOutOfBounds));
}

TEST_F(BuiltinsTest, ReadsAndWritesTables) {
  Ask(BuiltinId::kTableSet, {0, 3, record_});
  EXPECT_THAT(Ask(BuiltinId::kTableGet, {0, 3}), Eq(record_));
  EXPECT_THAT(Ask(BuiltinId::kTableGet, {0, 0}), Eq(0u));
  EXPECT_THAT(table_->dirty, Eq(1u));
  EXPECT_THAT(AskForTrap(BuiltinId::kTableGet, {0, 4}), Eq(TrapCode::kTableOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kTableSet, {0, 4, 0}), Eq(TrapCode::kTableOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kTableGet, {0, UINT64_MAX}), Eq(TrapCode::kTableOutOfBounds));
}

TEST_F(BuiltinsTest, GrowsTablesToTheirMaximum) {
  EXPECT_THAT(Ask(BuiltinId::kTableGrow, {0, record_, 2}), Eq(4u));
  EXPECT_THAT(Entries(), ElementsAre(0, 0, 0, 0, record_, record_));
  EXPECT_THAT(Ask(BuiltinId::kTableGrow, {0, 0, 3}), Eq(kRefused));
  EXPECT_THAT(Ask(BuiltinId::kTableGrow, {0, 0, UINT64_MAX}), Eq(kRefused));
  store_.set_limits({.table_elements_max = 7});
  EXPECT_THAT(Ask(BuiltinId::kTableGrow, {0, 0, 2}), Eq(kRefused));
  EXPECT_THAT(store_.refusals().table_elements, Eq(8u));
  EXPECT_THAT(Ask(BuiltinId::kTableGrow, {0, 0, 1}), Eq(6u));
  EXPECT_THAT(Ask(BuiltinId::kTableGrow, {0, 0, 0}), Eq(7u));
}

TEST_F(BuiltinsTest, FillsCopiesAndInitialisesTables) {
  Ask(BuiltinId::kTableFill, {0, 1, record_, 2});
  EXPECT_THAT(Entries(), ElementsAre(0, record_, record_, 0));
  Ask(BuiltinId::kTableCopy, {0, 0, 2, 1, 2});
  EXPECT_THAT(Entries(), ElementsAre(0, record_, record_, record_)) << "as if through a buffer";
  Ask(BuiltinId::kTableCopy, {1, 0, 5, 0, 3});
  EXPECT_THAT(absl::MakeSpan(other_table_->entries + 5, 3), ElementsAre(0, record_, record_));
  Ask(BuiltinId::kTableInit, {0, 0, 1, 0, 3});
  EXPECT_THAT(Entries(), ElementsAre(0, record_, 0, record_));
  EXPECT_THAT(AskForTrap(BuiltinId::kTableFill, {0, 3, 0, 2}), Eq(TrapCode::kTableOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kTableCopy, {0, 1, 0, 6, 3}), Eq(TrapCode::kTableOutOfBounds));
  EXPECT_THAT(AskForTrap(BuiltinId::kTableInit, {0, 0, 0, 1, 3}), Eq(TrapCode::kTableOutOfBounds));
  EXPECT_THAT(Entries(), ElementsAre(0, record_, 0, record_)) << "nothing before the bounds";
  Ask(BuiltinId::kElemDrop, {0});
  Ask(BuiltinId::kTableInit, {0, 0, 4, 0, 0});
  EXPECT_THAT(AskForTrap(BuiltinId::kTableInit, {0, 0, 0, 0, 1}), Eq(TrapCode::kTableOutOfBounds));
}

TEST_F(BuiltinsTest, GivesReferencesToFunctions) {
  EXPECT_THAT(Ask(BuiltinId::kRefFunc, {0}), Eq(record_));
}

// A table that grows while somebody wants attention either grows whole or not at all (B11).
TEST_F(BuiltinsTest, ATrapInsideTableGrowLeavesTheTableAsItWas) {
  WasmBuilder wasm;
  wasm.Export("t", ExternalKind::kTable, ToInt(wasm.Table(1)));
  wasm.ExportFunction("grow", wasm.Function({kI64, kI64, kI64}, {kI64}, AnyBody()));
  AssembledBackend backend;
  backend.Add([](FunctionText& text) {  // No check at its entry: the builtin is the first to look.
    text.a.Push(Gpr::kRbp);
    text.a.Mov(Width::k64, Gpr::kRbp, Gpr::kRsp);
    text.a.Push(Gpr::kRdi);
    text.a.Push(Gpr::kRdi);
    text.Builtin(BuiltinId::kTableGrow);
    text.Leave();
  });
  Instance& instance = Instantiate(Load(wasm, backend));
  const abi::TableRecord& table = *instance.FindExport("t")->table;
  handler_.answer = TrapCode::kInterrupted;
  engine::GuestThread::Current().RequestAttention();
  const Values arguments = {Value::I64(0), Value::I64(record_), Value::I64(100'000)};
  EXPECT_THAT(MustTrap(instance, "grow", arguments).code, Eq(TrapCode::kInterrupted));
  EXPECT_THAT(table.count, Eq(1u));
  EXPECT_THAT(absl::MakeSpan(table.entries, 100'001), Each(Eq(0u)));
  EXPECT_THAT(MustReturn(instance, "grow", arguments)[0].i64(), Eq(1u));
  EXPECT_THAT(absl::MakeSpan(table.entries + 1, 100'000), Each(Eq(record_)));
}

}  // namespace
}  // namespace tidepool::test
