#include "pool/instance/pooled_storage.h"

#include "tests/pool/instance/pool_fixture.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;

class PooledStorageTest : public PoolModeTest {};

INSTANTIATE_TEST_SUITE_P(Modes, PooledStorageTest, ::testing::ValuesIn(AllModes()), NameOfMode);

TEST_P(PooledStorageTest, HoldsSeveralModulesProvesThemAndGivesAllBack) {
  PoolWorld world = Make(3);
  const Guest guest{.initial_wasm_pages = 2, .data = {{0, 7, 5000}}};
  const Module module = world.Compile(guest);
  for (int round = 0; round < 3; ++round) {
    PooledStorage storage(world.pool(), kAlice);
    engine::Store store(storage);
    for (int i = 0; i < 3; ++i) {
      storage.ExpectImports(module, *world.ImportsOf(module));
      const auto made = store.Instantiate(module, *world.ImportsOf(module), world.activation());
      ASSERT_THAT(made, IsOk());
      engine::Instance& instance = *std::get<engine::Instance*>(*made);
      EXPECT_EQ(instance.Memory()[4999], 7);
      EXPECT_EQ(instance.Memory()[5000], 0);
      for (const char* name : {"grow", "global_set", "table_set"}) {
        EXPECT_THAT(engine::CallExport(instance, name, {engine::Value::I32(1)}, world.activation()),
                    IsOk());
      }
      std::fill(instance.Memory().begin(), instance.Memory().end(), 0xEE);
    }
    EXPECT_EQ(world.pool().stats().slots.leased, 3u);
    EXPECT_THAT(storage.Finish(), IsOk());
    EXPECT_EQ(world.pool().stats().slots.free, 3u);
    EXPECT_TRUE(world.Balances());
  }
  EXPECT_EQ(world.pool().stats().verifications, 3u);
}

TEST_P(PooledStorageTest, WithoutFinishEverythingIsReplaced) {
  PoolWorld world = Make(1);
  const Guest guest{.initial_wasm_pages = 2, .data = {{0, 7, 5000}}};
  {
    PooledStorage storage(world.pool(), kAlice);
    engine::Store store(storage);
    const Module module = world.Compile(guest);
    const auto made = store.Instantiate(module, *world.ImportsOf(module), world.activation());
    ASSERT_THAT(made, IsOk());
    auto memory = std::get<engine::Instance*>(*made)->Memory();
    std::fill(memory.begin(), memory.end(), 0xEE);
  }
  EXPECT_EQ(world.pool().stats().slots.free, 1u);
  EXPECT_EQ(world.pool().stats().charged_bytes, 0u);
  const Module module = world.Compile(guest);
  EXPECT_TRUE(world.LooksNew(world.MustTake(kBob, module), guest));
}

TEST_P(PooledStorageTest, FinishNamesAFailedReset) {
  PoolWorld world = Make(1);
  const Module module = world.Compile(Guest{});
  PooledStorage storage(world.pool(), kAlice);
  engine::Store store(storage);
  ASSERT_THAT(store.Instantiate(module, *world.ImportsOf(module), world.activation()), IsOk());
  world.ops().FailAfter(0);
  EXPECT_THAT(storage.Finish(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("ordered by a test")));
  EXPECT_EQ(world.pool().stats().slots.quarantined, 1u);
  EXPECT_EQ(world.pool().RepairQuarantined(), 1u);
  EXPECT_TRUE(world.Balances());
}

}  // namespace
}  // namespace tidepool::pool
