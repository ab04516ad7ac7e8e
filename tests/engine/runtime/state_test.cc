// State areas: put back after use, and proved; one change in each region is named.
#include "engine/runtime/state.h"

#include <cstring>

#include "engine/runtime/module_internal.h"
#include "engine/runtime/state_view.h"
#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using engine::ImportBindings;
using engine::StateView;

const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();

TrapCode Nothing(engine::HostCall&) { return TrapCode::kNone; }

// A module with something in every region of its state.
class StateTest : public RuntimeFixture {
 protected:
  StateTest() {
    EXPECT_THAT(linker_.DefineFunction("h", "f", {}, &Nothing), IsOk());
    cell_.low = 11;
    engine::Extern global{.kind = ExternalKind::kGlobal, .global = &cell_};
    global.global_type = {.value = kI32, .is_mutable = false};
    linker_.Define("h", "g", global);

    WasmBuilder wasm;
    wasm.ImportFunction("h", "f", {}, {});
    const GlobalIndex imported = wasm.ImportGlobal("h", "g", kI32, false);
    const FunctionIndex f = wasm.Function({}, {}, AnyBody());
    const FunctionIndex start = wasm.Function({}, {}, AnyBody());
    wasm.Start(start);
    wasm.ExportFunction("f", f);
    wasm.ExportMemory("m", wasm.Memory(1, 4));
    wasm.Export("t", ExternalKind::kTable, ToInt(wasm.Table(3, 50)));
    wasm.Global(kI64, false, Code().I64Const(5));
    wasm.Export("mutable", ExternalKind::kGlobal,
                ToInt(wasm.Global(kI32, true, Code().GlobalGet(imported))));
    wasm.ActiveElements({}, Code().I32Const(1), {f});
    // Not in the image: its place depends on an import.
    wasm.ActiveElements({}, Code().GlobalGet(imported), {});
    wasm.PassiveElements({f});
    wasm.PassiveData("passive");
    AssembledBackend backend;
    backend.Add([](FunctionText& text) { text.Leave(); });
    backend.Add([](FunctionText& text) {  // Counts starts at address 0.
      text.Enter();
      text.LoadMemoryBase(Gpr::kRcx);
      text.a.Arithmetic(x64::ArithmeticOp::kAdd, Width::k32, Mem::At(Gpr::kRcx), 1);
      text.Leave();
    });
    module_ = Load(wasm, backend);
    imports_ = *linker_.Resolve(*module_);
    const auto result = store_.Instantiate(module_, imports_, activation_);
    EXPECT_THAT(result, IsOk());
    // Its segment of no entries at 11 lies beyond the table: the trap leaves the instance as it is.
    EXPECT_TRUE(std::holds_alternative<Trap>(*result));
    instance_ = store_.instances()[0].get();
    state_.emplace(*instance_);
    engine::RestoreState(*module_, storage());
  }
  const engine::InstanceStorage& storage() const { return storage_.provided()[0]; }
  absl::Status Verify() { return VerifyState(*instance_, imports_, storage()); }

  // Changes one byte and expects Verify to name its region; then puts the byte back.
  void ExpectNamed(const void* at, absl::string_view name) {
    auto* byte = static_cast<uint8_t*>(const_cast<void*>(at));
    ASSERT_THAT(Verify(), IsOk());
    *byte ^= 0x40;
    EXPECT_THAT(Verify(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(std::string(name))));
    *byte ^= 0x40;
    EXPECT_THAT(Verify(), IsOk());
  }
  template <typename T>
  T& At(uint64_t offset) {
    return state_->At<T>(offset);
  }
  const abi::VmContextLayout& layout() const { return state_->layout(); }

  abi::GlobalCell cell_{};
  std::shared_ptr<const Module> module_;
  ImportBindings imports_;
  Instance* instance_;
  std::optional<StateView> state_;
};

TEST_F(StateTest, NamesAChangeInEachRegion) {
  ExpectNamed(&At<abi::VmContext>(0).store, "VmContext");
  ExpectNamed(&At<abi::VmContext>(0).instance, "VmContext");
  ExpectNamed(&At<abi::VmContext>(0).type_ids, "VmContext");
  ExpectNamed(&At<abi::VmContext>(0).reserved[2], "VmContext");
  ExpectNamed(&At<uint8_t>(layout().MemoryReference(0)), "memory 0 reference");
  ExpectNamed(&At<uint8_t>(layout().TableReference(0)), "table 0 reference");
  ExpectNamed(&At<uint8_t>(layout().ImportedGlobal(0)), "global 0 reference");
  ExpectNamed(&At<uint8_t>(layout().FunctionImport(0)), "import 0");
  ExpectNamed(&state_->Memory(0).bytes, "memory 0 size");
  ExpectNamed(&state_->Memory(0).grower, "memory 0 record");
  ExpectNamed(&state_->Table(0).count, "table 0 record");
  ExpectNamed(&state_->Table(0).dirty, "table 0 record");
  ExpectNamed(&state_->Global(1).low, "global 1");
  ExpectNamed(&state_->Global(2).high, "global 2");
  ExpectNamed(&At<uint8_t>(layout().FunctionRecord(0)), "function record 0");
  ExpectNamed(&state_->ElementDropped(0), "element segment 0 flag");
  ExpectNamed(&state_->ElementDropped(2), "element segment 2 flag");
  ExpectNamed(&state_->DataDropped(0), "data segment 0 flag");
  const engine::StateLayout& whole = engine::ImplOf(*module_).layout;
  ExpectNamed(&At<uint8_t>(whole.HostRecord(0) + 40), "import 0 host record");
  ExpectNamed(&At<uint8_t>(whole.HostRecord(1)), "padding");
  ExpectNamed(&At<uint8_t>(whole.bytes - 1), "padding");
}

TEST_F(StateTest, NamesAChangeOfAnyTableEntry) {
  ExpectNamed(&state_->Table(0).entries[0], "table 0 entry 0");
  ExpectNamed(&state_->Table(0).entries[1], "table 0 entry 1");
  ExpectNamed(&state_->Table(0).entries[2], "table 0 entry 2");
  ExpectNamed(&state_->Table(0).entries[3], "table 0 entry 3");    // Beyond the count.

  ExpectNamed(&state_->Table(0).entries[49], "table 0 entry 49");  // The last there is room for.
}

// Every byte of the whole area that is not an alignment gap of an entry counts: none goes unnoticed.
TEST_F(StateTest, NoticesAChangeOfAnyByte) {
  const uint64_t bytes = module_->shape().state_bytes;
  for (uint64_t i = 0; i < bytes; i += i < 2048 ? 1 : 61) {
    storage().state[i] ^= 1;
    ASSERT_THAT(Verify(), StatusIs(absl::StatusCode::kDataLoss)) << "byte " << i;
    storage().state[i] ^= 1;
  }
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(StateTest, PutsBackWhatAGuestCanChange) {
  abi::TableRecord& table = state_->Table(0);
  table.dirty = 1;
  table.count = 50;
  std::memset(table.entries, 0x77, 50 * 8);
  state_->Memory(0).bytes = 3 * 65536;
  state_->Global(2).low = 1000;
  state_->ElementDropped(2) = 1;
  state_->DataDropped(0) = 1;
  EXPECT_THAT(Verify(), StatusIs(absl::StatusCode::kDataLoss));

  engine::RestoreState(*module_, storage());
  EXPECT_THAT(Verify(), IsOk());
  EXPECT_THAT(state_->Global(2).low, Eq(11u)) << "its initial value comes from an import";
  EXPECT_THAT(absl::MakeSpan(table.entries, 3),
              ElementsAre(0, reinterpret_cast<uintptr_t>(instance_->FindFunction("f")), 0));
  EXPECT_THAT(absl::MakeSpan(table.entries + 3, 47), Each(Eq(0u)));
}

TEST_F(StateTest, DoesNotHideWhatItDoesNotKnowOf) {
  // A table written without being marked dirty is a bug: the proof finds it, the reset does not mend it.
  state_->Table(0).entries[0] = 1;
  engine::RestoreState(*module_, storage());
  EXPECT_THAT(Verify(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("table 0 entry 0")));
}

// ---- Leases: the store's side of warm reuse. ----

TEST_F(StateTest, BeginsALeaseUnderNewLimits) {
  int data = 0;
  store_.set_host_data(&data);
  ASSERT_THAT(store_.BeginLease({.memory_bytes_max = 2 * 65536}), IsOk());
  EXPECT_THAT(store_.host_data(), Eq(nullptr));
  EXPECT_THAT(store_.memory_bytes(), Eq(65536u));
  EXPECT_THAT(store_.limits().memory_bytes_max, Eq(2 * 65536u));
  EXPECT_THAT(store_.BeginLease({.memory_bytes_max = 65535}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("memory_bytes_max=65535")));
  EXPECT_THAT(store_.refusals().memory_bytes, Eq(65536u));
  EXPECT_THAT(store_.BeginLease({.table_elements_max = 2}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("table_elements_max=2")));
  ASSERT_THAT(store_.BeginLease({}), IsOk());
  EXPECT_THAT(store_.refusals().memory_bytes, Eq(0u)) << "forgotten with the lease before";
}

TEST_F(StateTest, ReinitialisesLikeAFirstInstance) {
  cell_.low = 3;  // Now the segment's place is the table's end, which is in bounds.
  for (uint32_t life = 1; life <= 3; ++life) {
    engine::RestoreState(*module_, storage());
    ASSERT_THAT(store_.BeginLease({}), IsOk());
    ASSERT_TRUE(module_->needs_initialization());
    EXPECT_FALSE(store_.Reinitialize(activation_).has_value());
    EXPECT_THAT(instance_->Memory()[0], Eq(life)) << "the start function ran (memory was not reset)";
    EXPECT_THAT(state_->ElementDropped(1), Eq(1));
    EXPECT_THAT(store_.instances(), SizeIs(1));
    EXPECT_THAT(storage_.provided(), SizeIs(1));
  }
  cell_.low = 4;
  engine::RestoreState(*module_, storage());
  ASSERT_THAT(store_.BeginLease({}), IsOk());
  const std::optional<Trap> trap = store_.Reinitialize(activation_);
  ASSERT_TRUE(trap.has_value());
  EXPECT_THAT(trap->code, Eq(TrapCode::kTableOutOfBounds));
}

}  // namespace
}  // namespace tidepool::test
