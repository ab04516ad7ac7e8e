#include "engine/runtime/owned_storage.h"

#include "engine/abi/guard_reach.h"
#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Ne;

using engine::Bounds;
using engine::OwnedStorage;

class OwnedStorageTest : public RuntimeFixture {
 protected:
  std::shared_ptr<const Module> WithMemory(uint64_t pages,
                                           std::optional<uint64_t> pages_max,
                                           Bounds bounds = Bounds::kGuard) {
    WasmBuilder wasm;
    wasm.Memory(pages, pages_max);
    if (pages > 0) wasm.ActiveData(Code().I32Const(4000), "image");
    AssembledBackend backend;
    return LoadModule(engine_, wasm, backend, {.bounds = bounds});
  }
};
using OwnedStorageDeathTest = OwnedStorageTest;

TEST_F(OwnedStorageTest, ReservesWhatGuardedCodeCanReach) {
  TP_ASSERT_OK_AND_ASSIGN(auto provided, storage_.Provide(*WithMemory(1, 2)));
  const auto& memory = provided.memories[0];
  EXPECT_THAT(memory.accessible_bytes, Eq(65536u));
  EXPECT_THAT(memory.reservation_bytes, Eq(engine::kGuardReachBytes));
  EXPECT_THAT(absl::MakeSpan(memory.base + 3999, 7),
              ElementsAre(0, 'i', 'm', 'a', 'g', 'e', 0));
}

TEST_F(OwnedStorageTest, ReservesOnlyTheMaximumForCodeThatChecks) {
  TP_ASSERT_OK_AND_ASSIGN(auto provided,
                          storage_.Provide(*WithMemory(1, 2, Bounds::kExplicit)));
  EXPECT_THAT(provided.memories[0].reservation_bytes, Eq(2 * 65536u));
}

TEST_F(OwnedStorageTest, GivesAnEmptyMemoryAPlaceTooWhereEverythingFaults) {
  TP_ASSERT_OK_AND_ASSIGN(auto provided, storage_.Provide(*WithMemory(0, 0)));
  EXPECT_THAT(provided.memories[0].base, Ne(nullptr));
  EXPECT_THAT(provided.memories[0].accessible_bytes, Eq(0u));
}

TEST_F(OwnedStorageTest, GrowsWithZeros) {
  TP_ASSERT_OK_AND_ASSIGN(auto provided, storage_.Provide(*WithMemory(1, 3)));
  const auto& memory = provided.memories[0];
  ASSERT_THAT(memory.grower->Grow(memory.ordinal, 65536, 3 * 65536), IsOk());
  EXPECT_THAT(absl::MakeSpan(memory.base + 65536, 2 * 65536), Each(Eq(0)));
  memory.base[3 * 65536 - 1] = 1;
}

TEST_F(OwnedStorageDeathTest, NothingBeyondTheInitialSizeIsAccessible) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  TP_ASSERT_OK_AND_ASSIGN(auto provided, storage_.Provide(*WithMemory(1, 3)));
  uint8_t* base = provided.memories[0].base;
  EXPECT_DEATH(*static_cast<volatile uint8_t*>(base + 65536) = 1, "");
  EXPECT_DEATH(*static_cast<volatile uint8_t*>(base + engine::kGuardReachBytes - 1) = 1, "");
}

TEST_F(OwnedStorageTest, KeepsMemoriesOfSeveralInstancesApart) {
  const auto module = WithMemory(1, 2);
  TP_ASSERT_OK_AND_ASSIGN(auto first, storage_.Provide(*module));
  TP_ASSERT_OK_AND_ASSIGN(auto second, storage_.Provide(*module));
  ASSERT_THAT(first.memories[0].grower->Grow(first.memories[0].ordinal, 65536, 2 * 65536), IsOk());
  first.memories[0].base[65536] = 1;
  second.memories[0].base[0] = 2;
  EXPECT_THAT(first.memories[0].base[0], Eq(0));
  EXPECT_THAT(storage_.provided().size(), Eq(2u));
}

TEST_F(OwnedStorageTest, RefusesWhatTheHostCannotGive) {
  OwnedStorage small({.reservation_bytes_max = 2 * 65536});
  EXPECT_THAT(small.Provide(*WithMemory(3, 4, Bounds::kExplicit)),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("reservation_bytes_max=131072")));
  EXPECT_THAT(small.provided(), IsEmpty());
  EXPECT_THAT(small.Provide(*WithMemory(1, 4, Bounds::kExplicit)), IsOk());
}

// A store may ask for more than its reservation holds; growing then fails like any other.
TEST_F(OwnedStorageTest, MemoryStopsGrowingAtItsReservation) {
  OwnedStorage small({.reservation_bytes_max = 2 * 65536});
  Store store(small);
  WasmBuilder wasm;
  wasm.Memory(1, 4);
  wasm.ExportFunction("grow", wasm.Function({ValueType::I32()}, {ValueType::I32()}, AnyBody()));
  AssembledBackend backend;
  backend.Add([](FunctionText& text) {
    text.Enter();
    text.a.Mov(Width::k64, Gpr::kRdx, Gpr::kRsi);
    text.a.MovImm(Gpr::kRsi, 0);
    text.Builtin(abi::BuiltinId::kMemoryGrow);
    text.Leave();
  });
  const auto module = LoadModule(engine_, wasm, backend, {.bounds = Bounds::kExplicit});
  const auto result = store.Instantiate(module, {}, activation_);
  ASSERT_THAT(result, IsOk());
  Instance& instance = *std::get<Instance*>(*result);
  EXPECT_THAT(MustReturn(instance, "grow", {Value::I32(2)})[0].i32(), Eq(UINT32_MAX));
  EXPECT_THAT(MustReturn(instance, "grow", {Value::I32(1)})[0].i32(), Eq(1u));
  EXPECT_THAT(MustReturn(instance, "grow", {Value::I32(1)})[0].i32(), Eq(UINT32_MAX));
}

}  // namespace
}  // namespace tidepool::test
