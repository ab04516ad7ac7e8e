#include "pool/instance/instance_pool.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "engine/platform/memfd.h"
#include "tests/pool/instance/pool_fixture.h"
#include "tests/support/exhaustive.h"

namespace tidepool::pool {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::tidepool::engine::TrapCode;
using ::tidepool::test::Exhaustive;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

constexpr Mode kDense{.bounds = engine::Bounds::kExplicit};

TEST(InstancePool, TheSameModuleAgainIsWarmAndCostsOneSystemCall) {
  PoolWorld world({.verify_rate = 0});
  const Module module = world.Compile(Guest{.data = {{0, 1, 10}}});
  world.MustTake(kAlice, module).End();
  for (int i = 0; i < 5; ++i) {
    const MemoryCallCounts before = world.ops().Counts();
    Lease lease = world.MustTake(kAlice, module);
    EXPECT_TRUE(lease.warm());
    world.Call(lease, "store", {100, 1});
    EXPECT_TRUE(lease.End().kept_warm);
    EXPECT_EQ(world.ops().Counts().Total() - before.Total(), 1u) << "one madvise";
  }
  EXPECT_EQ(world.pool().stats().leases_warm, 5u);
  EXPECT_EQ(world.pool().stats().leases_cold, 1u);
}

TEST(InstancePool, AModuleWithoutMemoryTakesNoSlotAndNoSystemCall) {
  PoolWorld world({.mode = kDense, .slot_count = 1, .verify_rate = 0});
  const Guest guest{.has_memory = false};
  const Module module = world.Compile(guest);
  const Module other = world.Compile(Guest{});
  const Lease holder = world.MustTake(kBob, other);  // The only slot.
  world.MustTake(kAlice, module).End();
  const MemoryCallCounts before = world.ops().Counts();
  for (int i = 0; i < 3; ++i) {
    const Lease lease = world.MustTake(kAlice, module);
    EXPECT_TRUE(lease.warm());
    EXPECT_TRUE(world.LooksNew(lease, guest));
    world.Call(lease, "global_set", {1});
    world.Call(lease, "table_set", {2});
  }
  EXPECT_EQ(world.ops().Counts().Total(), before.Total());
}

TEST(InstancePool, ReusesLastInFirstOutAndNeverAcrossTenantsModulesOrImports) {
  PoolWorld world({.mode = kDense, .slot_count = 8});
  const Module module = world.Compile(Guest{});
  const Module other = world.Compile(Guest{});
  std::optional<Lease> first(world.MustTake(kAlice, module));
  std::optional<Lease> second(world.MustTake(kAlice, module));
  const uint8_t* first_base = first->instance().Memory().data();
  const uint8_t* second_base = second->instance().Memory().data();
  second.reset();
  first.reset();
  first.emplace(world.MustTake(kAlice, module));
  EXPECT_EQ(first->instance().Memory().data(), first_base) << "the last that came back";
  second.emplace(world.MustTake(kAlice, module));
  EXPECT_EQ(second->instance().Memory().data(), second_base);
  first.reset();
  EXPECT_FALSE(world.MustTake(kBob, module).warm()) << "another tenant";
  EXPECT_FALSE(world.MustTake(kAlice, other).warm()) << "another module";
  const auto copy = std::make_shared<const engine::ImportBindings>(*world.ImportsOf(module));
  TP_ASSERT_OK_AND_ASSIGN(const Lease lease, world.pool().Take(kAlice, module, copy,
                                                    {.activation = &world.activation()}));
  EXPECT_FALSE(lease.warm()) << "other imports";
  EXPECT_TRUE(world.Balances());
}

TEST(InstancePool, IsUnavailableWhenAllSlotsAreLeasedAndGivesUpTheLongestIdle) {
  PoolWorld world({.mode = kDense, .slot_count = 2});
  const Module a = world.Compile(Guest{});
  const Module b = world.Compile(Guest{});
  const Module c = world.Compile(Guest{});
  world.MustTake(kAlice, a).End();
  world.MustTake(kAlice, b).End();
  EXPECT_TRUE(world.MustTake(kAlice, a).warm());  // b is idle longest now.
  std::optional<Lease> lease(world.MustTake(kAlice, c));
  EXPECT_EQ(world.pool().stats().evictions, 1u);
  std::optional<Lease> second(world.MustTake(kAlice, a));
  EXPECT_TRUE(second->warm());
  EXPECT_THAT(world.Take(kBob, b), StatusIs(kUnavailable, HasSubstr("pool.slots=2")));
  EXPECT_EQ(world.pool().stats().leases_refused, 1u);
  second.reset();
  EXPECT_THAT(world.Take(kBob, b), IsOk());
  EXPECT_TRUE(world.Balances());
}

TEST(InstancePool, NamesTheSizesOfWhatCanNeverFit) {
  PoolWorld dense({.mode = kDense, .slot_count = 2});
  EXPECT_THAT(dense.Take(kAlice, dense.Compile(Guest{.initial_wasm_pages = 65,
                                                     .wasm_pages_max = 100})),
              StatusIs(kExhausted, AllOf(HasSubstr("needs a slot of 4259840 bytes"),
                                         HasSubstr("pool.slot_bytes=4194304"))));
  PoolWorld guarded({.slot_bytes = 64 * kMiB});
  EXPECT_THAT(guarded.pool().CheckFits(*guarded.Compile(Guest{})),
              StatusIs(kExhausted, AllOf(HasSubstr("needs a slot of 4328521728 bytes"),
                                         HasSubstr("and its guard"))));
  test::WasmBuilder three;
  for (int i = 0; i < 3; ++i) three.Memory(1);
  test::WasmBuilder tables;
  tables.Table(0, 20'000);
  for (int i = 0; i < 10; ++i) tables.Table(15'000, 15'000);
  EXPECT_EQ(dense.pool().stats().charged_bytes, 0u);
  EXPECT_TRUE(dense.Balances());
}

TEST(InstancePool, RefusesModulesThatRelyOnGuardsWhereGrowthIsOpen) {
  PoolWorld world({.mode = {.growth = GrowthKind::kNone}});
  EXPECT_THAT(world.Take(kAlice, world.Compile(Guest{})),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("bounds=explicit")));
}

TEST(InstancePool, RefusesOptionsThatCannotBe) {
  const auto create = [](auto change) {
    PoolOptions options;
    options.slot_count = 2;
    change(options);
    return InstancePool::Create(options).status();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(create([](PoolOptions& o) { o.slot_count = 0; }), StatusIs(kInvalid));
  EXPECT_THAT(create([](PoolOptions& o) { o.verify_rate = 1.5; }),
              StatusIs(kInvalid, HasSubstr("pool.verify_rate=1.5")));
  EXPECT_THAT(create([](PoolOptions& o) { o.slot_count = 100'000; }),
              StatusIs(kExhausted, HasSubstr("set pool.slots to at most")));
  EXPECT_THAT(create([](PoolOptions& o) { o.reset = ResetKind::kScan; }),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("PAGEMAP_SCAN")));
  EXPECT_THAT(create([](PoolOptions& o) { o.state_bytes_max = 100; }),
              StatusIs(kInvalid, HasSubstr("state_bytes_max=100")));
}

TEST(InstancePool, LimitsAreThoseOfEachLease) {
  PoolWorld world({.mode = kDense});
  const Module module = world.Compile(Guest{.initial_wasm_pages = 2});
  world.MustTake(kAlice, module).End();
  EXPECT_THAT(world.Take(kAlice, module, {.memory_bytes_max = kWasmPageBytes}),
              StatusIs(kExhausted, HasSubstr("memory_bytes_max=65536")))
      << "warm storage is refused like cold";
  {
    TP_ASSERT_OK_AND_ASSIGN(const Lease lease,
                            world.Take(kAlice, module, {.memory_bytes_max = 3 * kWasmPageBytes}));
    EXPECT_TRUE(lease.warm());
    EXPECT_EQ(world.Call(lease, "grow", {1}), 2);
    EXPECT_EQ(world.Call(lease, "grow", {1}), -1);
    EXPECT_EQ(lease.store().refusals().memory_bytes, 4 * kWasmPageBytes);
  }
  const Lease lease = world.MustTake(kAlice, module);
  EXPECT_EQ(lease.store().refusals().memory_bytes, 0u);
  EXPECT_EQ(lease.store().memory_bytes(), 2 * kWasmPageBytes);
  EXPECT_EQ(lease.store().host_data(), nullptr);
}

TEST(InstancePool, AStoreOfSeveralModulesIsOneStorageAndNotKeptWarm) {
  PoolWorld world({.mode = kDense, .slot_count = 3});
  const Guest guest{.data = {{0, 7, 7}}};
  const Module first = world.Compile(guest);
  const Module second = world.Compile(guest);
  {
    Lease lease = world.MustTake(kAlice, first);
    for (int i = 0; i < 2; ++i) {
      const auto more = lease.store().Instantiate(second, *world.ImportsOf(second),
                                                  world.activation());
      ASSERT_THAT(more, IsOk());
    }
    EXPECT_EQ(world.pool().stats().slots.leased, 3u);
    EXPECT_THAT(lease.store().Instantiate(second, *world.ImportsOf(second), world.activation()),
                StatusIs(kUnavailable));
    EXPECT_EQ(lease.store().instances().size(), 3u);
    world.Scribble(lease, 0xEE);
    const LeaseReceipt receipt = lease.End();
    EXPECT_THAT(receipt.status, IsOk());
    EXPECT_FALSE(receipt.kept_warm);
  }
  EXPECT_EQ(world.pool().stats().slots.free, 3u);
  EXPECT_TRUE(world.Balances());
  EXPECT_TRUE(world.LooksNew(world.MustTake(kAlice, second), guest));
}

TEST(InstancePool, SeveralMemoriesOfOneModuleAreResetAsOne) {
  PoolWorld world({.mode = kDense, .slot_count = 2});
  test::WasmBuilder wasm;
  const auto a = wasm.Memory(1, 4);
  const auto b = wasm.Memory(2, 4);
  wasm.ActiveData(test::Code().I32Const(5), "AAAA", a);
  wasm.ActiveData(test::Code().I32Const(9), "BBBB", b);
  engine::BaselineBackend backend;
  engine::CompileOptions options;
  options.wasm_features.multi_memory = true;
  options.bounds = engine::Bounds::kExplicit;
  const auto artifact = engine::Compile(wasm.Build(), options, backend);
  if (absl::IsUnimplemented(artifact.status())) GTEST_SKIP() << artifact.status();
  ASSERT_THAT(artifact, IsOk());
  const FileExtent whole{.offset_bytes = 0, .content = artifact->bytes};
  TP_ASSERT_OK_AND_ASSIGN(const UniqueFd file,
                          CreateSealedMemfd("artifact", artifact->bytes.size(), {&whole, 1}));
  TP_ASSERT_OK_AND_ASSIGN(const Module module,
                          engine::Module::LoadFd(world.engine(), file.get(), "two", {}));
  for (int i = 0; i < 3; ++i) {
    const Lease lease = world.MustTake(kAlice, module);
    EXPECT_EQ(lease.warm(), i > 0);
    EXPECT_EQ(lease.instance().Memory(0)[5], 'A');
    EXPECT_EQ(lease.instance().Memory(1)[9], 'B');
    EXPECT_EQ(lease.instance().Memory(1).size(), 2 * kWasmPageBytes);
    lease.instance().Memory(0)[5] = lease.instance().Memory(1)[9] = 'X';
  }
  EXPECT_THAT(world.pool().VerifyIdle(), IsOk());
}

TEST(InstancePool, ImagesGoWithTheirLastStorage) {
  PoolWorld world({.mode = kDense, .slot_count = 4});
  const Module a = world.Compile(Guest{.data = {{0, 1, 5000}}});
  const Module b = world.Compile(Guest{.data = {{0, 1, 1}}});
  world.MustTake(kAlice, a).End();
  world.MustTake(kBob, a).End();
  world.MustTake(kBob, b).End();
  EXPECT_EQ(world.pool().stats().images, 2u);
  EXPECT_EQ(world.pool().stats().image_bytes, 3 * kHostPageBytes);
  EXPECT_EQ(world.pool().EvictTenant(kAlice), 1u);
  EXPECT_EQ(world.pool().stats().images, 2u);
  EXPECT_EQ(world.pool().EvictModule(a->id()), 1u);
  EXPECT_EQ(world.pool().stats().images, 1u);
  EXPECT_EQ(world.pool().EvictTenant(kBob), 1u);
  EXPECT_EQ(world.pool().stats().images, 0u);
  EXPECT_EQ(world.pool().stats().charged_bytes, 0u);
}

TEST(InstancePool, ReportsEachStorage) {
  PoolWorld world({.mode = kDense, .slot_count = 4});
  const Module module = world.Compile(Guest{.initial_wasm_pages = 2});
  world.MustTake(kAlice, module).End();
  const Lease lease = world.MustTake(kBob, module);
  world.Call(lease, "fill", {0, 1, 131'072});
  std::vector<StorageReport> reports;
  world.pool().ForEachStorage([&](const StorageReport& report) { reports.push_back(report); });
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].tenant, kAlice);
  EXPECT_EQ(reports[0].state, SlotState::kClean);
  EXPECT_EQ(reports[1].state, SlotState::kLeased);
  EXPECT_EQ(reports[1].accessible_bytes, 131'072u);
  EXPECT_GE(reports[1].resident_bytes, 131'072u);
  EXPECT_LT(reports[0].resident_bytes, 65'536u);
}

// Every sequence of six operations by two tenants on two slots, against the simplest model: who
// holds what.  Each lease looks new; the books balance at every step.
TEST(InstancePoolExhaustive, EverySequenceOfLeasesLooksNewAndBalances) {
  const Guest guests[] = {{.initial_wasm_pages = 1, .data = {{0, 0x11, 64}}}, {.has_memory = false}};
  PoolWorld world({.mode = kDense, .slot_count = 2});
  const Module modules[] = {world.Compile(guests[0]), world.Compile(guests[1])};
  Exhaustive choose;
  uint64_t sequences = 0;
  while (choose.Next()) {
    ++sequences;
    std::deque<std::pair<Lease, size_t>> held;
    const auto slots_held = [&] {
      return std::count_if(held.begin(), held.end(), [](const auto& h) { return h.second == 0; });
    };
    for (int step = 0; step < 5; ++step) {
      const uint32_t operation = choose.Choose(7);
      if (operation < 4) {
        const size_t which = operation / 2;
        const bool fits = which == 1 || slots_held() < 2;
        absl::StatusOr<Lease> lease = world.Take(TenantId{1 + operation % 2}, modules[which]);
        ASSERT_EQ(lease.ok(), fits) << choose.ToString();
        if (!fits) continue;
        ASSERT_EQ(world.Call(*lease, "global_get"), 42) << choose.ToString();
        world.Call(*lease, "global_set", {99});
        if (which == 0) {
          ASSERT_EQ(world.Call(*lease, "load", {63}), 0x11) << choose.ToString();
          ASSERT_EQ(world.Call(*lease, "load", {64}), 0) << choose.ToString();
          world.Call(*lease, "fill", {0, 0xEE, 65'536});
        }
        held.emplace_back(*std::move(lease), which);
      } else if (operation == 4) {
        if (!held.empty()) held.pop_front();  // The oldest ends first.
      } else if (operation == 5) {
        if (!held.empty()) {
          world.ops().FailNext(MemoryCall::kDiscard);
          held.pop_back();
          world.ops().Heal();
        }
      } else {
        world.pool().ReclaimIdle(UINT64_MAX);
      }
      ASSERT_TRUE(world.Balances()) << choose.ToString();
    }
    held.clear();
    world.pool().ReclaimIdle(UINT64_MAX);
    world.pool().RepairQuarantined();
    ASSERT_EQ(world.pool().stats().slots.free, 2u) << choose.ToString();
    ASSERT_EQ(world.pool().stats().charged_bytes, 0u) << choose.ToString();
  }
  EXPECT_EQ(world.pool().stats().verifications_failed, 0u);
  EXPECT_GT(sequences, 10'000u);
}

}  // namespace
}  // namespace tidepool::pool
