// Memory is charged when it is promised, given back when it is not promised any more, and idle warm
// storage goes first when there is no room.

#include "tests/pool/instance/pool_fixture.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

class FixedBudget final : public MemoryBudget {
 public:
  explicit FixedBudget(uint64_t bytes) : free_bytes_(bytes) {}
  bool TryCharge(TenantId tenant, uint64_t bytes) override {
    if (bytes > free_bytes_) return false;
    free_bytes_ -= bytes;
    charged_[tenant] += bytes;
    return true;
  }
  void Release(TenantId tenant, uint64_t bytes) override {
    free_bytes_ += bytes;
    charged_[tenant] -= bytes;
  }
  uint64_t free_bytes() const { return free_bytes_; }
  uint64_t charged(TenantId tenant) { return charged_[tenant]; }

 private:
  uint64_t free_bytes_;
  std::map<TenantId, uint64_t> charged_;
};

constexpr Mode kDense{.bounds = engine::Bounds::kExplicit};

TEST(Budget, IsChargedForMemoryStateAndImageUntilTheStorageGoes) {
  FixedBudget budget(100 * kMiB);
  PoolWorld world({.mode = kDense, .slot_count = 4, .budget = &budget});
  const Module module = world.Compile(Guest{.initial_wasm_pages = 2, .data = {{0, 1, 5000}}});
  const uint64_t state_bytes = module->shape().state_bytes;
  const uint64_t one = 2 * kWasmPageBytes + state_bytes;
  const uint64_t image = 2 * kHostPageBytes;
  {
    const Lease lease = world.MustTake(kAlice, module);
    EXPECT_EQ(budget.charged(kAlice), one + image);
    ASSERT_EQ(world.Call(lease, "grow", {3}), 2);
    EXPECT_EQ(budget.charged(kAlice), one + image + 3 * kWasmPageBytes);
    const Lease other = world.MustTake(kBob, module);
    EXPECT_EQ(budget.charged(kBob), one) << "the image is paid for already";
  }
  EXPECT_EQ(budget.charged(kAlice), one + image) << "warm storage stays promised, growth does not";
  EXPECT_EQ(world.pool().charged_bytes(kAlice), one + image);
  EXPECT_EQ(world.pool().stats().charged_bytes, 2 * one + image);
  world.pool().EvictTenant(kBob);
  EXPECT_EQ(budget.charged(kBob), 0u);
  world.pool().EvictTenant(kAlice);
  EXPECT_EQ(budget.free_bytes(), 100 * kMiB);
}

TEST(Budget, IdleWarmStorageGoesFirstThenLeasesWaitThenMemoryDoesNotGrow) {
  FixedBudget budget(kMiB + 512 * kKiB);
  PoolWorld world({.mode = kDense, .slot_count = 8, .budget = &budget});
  const Module module = world.Compile(Guest{.initial_wasm_pages = 8, .wasm_pages_max = 16});
  world.MustTake(kAlice, module).End();
  world.MustTake(kBob, module).End();
  EXPECT_EQ(world.pool().stats().slots.warm, 2u);
  const Lease lease = world.MustTake(TenantId{3}, module);
  EXPECT_EQ(world.pool().stats().evictions, 1u) << "Alice's was idle longest";
  EXPECT_EQ(budget.charged(kAlice), 0u);
  ASSERT_EQ(world.Call(lease, "grow", {8}), 8);
  EXPECT_EQ(world.pool().stats().evictions, 2u) << "growing takes Bob's";
  EXPECT_THAT(world.Take(kAlice, module), StatusIs(kUnavailable, HasSubstr("memory budget")));
  const Module light = world.Compile(Guest{.initial_wasm_pages = 1});
  const Lease second = world.MustTake(kBob, light);
  int32_t grown = 0;
  while (world.Call(second, "grow", {1}) != -1) ++grown;
  EXPECT_LT(grown, 10);
  EXPECT_EQ(world.pool().stats().grows_refused, 1u);
  EXPECT_EQ(second.instance().Memory().size(), (1 + static_cast<uint64_t>(grown)) * kWasmPageBytes);
  EXPECT_TRUE(world.Balances());
}

TEST(Budget, WhatIsChargedComesBackWhateverFails) {
  const Guest guest{.initial_wasm_pages = 2, .data = {{0, 1, 5000}}};
  for (uint64_t n = 0; n < 30; ++n) {
    FixedBudget budget(100 * kMiB);
    {
      PoolWorld world({.mode = kDense, .slot_count = 1, .budget = &budget});
      const Module module = world.Compile(guest);
      world.ops().FailAfter(n);
      for (const TenantId tenant : {kAlice, kBob, kAlice}) {
        absl::StatusOr<Lease> lease = world.Take(tenant, module);
        if (lease.ok()) world.Scribble(*lease, 3);
      }
      EXPECT_TRUE(world.Balances()) << n;
    }
    EXPECT_EQ(budget.free_bytes(), 100 * kMiB) << n;
  }
}

TEST(Budget, ReclaimIdleGivesBackAsMuchAsIsAskedAndNoMore) {
  PoolWorld world({.mode = kDense, .slot_count = 8});
  const Module module = world.Compile(Guest{.initial_wasm_pages = 2});
  for (uint64_t tenant = 1; tenant <= 4; ++tenant) world.MustTake(TenantId{tenant}, module).End();
  const uint64_t one = 2 * kWasmPageBytes + module->shape().state_bytes;
  EXPECT_EQ(world.pool().ReclaimIdle(0), 0u);
  EXPECT_EQ(world.pool().ReclaimIdle(1), one);
  EXPECT_EQ(world.pool().ReclaimIdle(one + 1), 2 * one);
  EXPECT_EQ(world.pool().stats().slots.warm, 1u);
  EXPECT_TRUE(world.MustTake(TenantId{4}, module).warm()) << "the newest is left";
  EXPECT_EQ(world.pool().ReclaimIdle(UINT64_MAX), one);
}

}  // namespace
}  // namespace tidepool::pool
