#include "pool/instance/stack_pool.h"

#include <cstring>
#include <vector>

#include "tests/pool/instance/pool_fixture.h"
#include "tests/pool/support/faults.h"
#include "tests/support/exhaustive.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::test::Exhaustive;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr uint64_t kStackBytes = 256 * kKiB;

class StackPoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<StackPool> Make(uint64_t count, MemoryBudget* budget = nullptr) {
    auto pool = StackPool::Create(
        {.stack_count = count, .stack_bytes = kStackBytes, .ops = &ops_, .budget = budget});
    EXPECT_THAT(pool, IsOk());
    return *std::move(pool);
  }
  static bool IsZero(const StackLease& stack) {
    return std::all_of(stack.bottom(), stack.top(), [](uint8_t byte) { return byte == 0; });
  }
  static void Fill(const StackLease& stack) { std::memset(stack.bottom(), 0x5E, stack.bytes()); }
  FailingMemoryOps ops_;
};

TEST_F(StackPoolTest, AStackIsWritableToItsBottomAndGuardedBelow) {
  const auto pool = Make(2);
  TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kAlice, kStackBytes));
  EXPECT_EQ(stack.bytes(), kStackBytes);
  EXPECT_TRUE(IsWritable(stack.bottom()));
  EXPECT_TRUE(IsWritable(stack.top() - 1));
  EXPECT_FALSE(IsWritable(stack.bottom() - 1));
  EXPECT_FALSE(IsWritable(stack.bottom() - 64 * 1024));
}

// P13
TEST_F(StackPoolTest, NothingOfOneTenantReachesAnother) {
  const auto pool = Make(1);
  {
    TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kAlice, kStackBytes));
    Fill(stack);
  }
  {
    TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kAlice, kStackBytes));
    EXPECT_FALSE(IsZero(stack)) << "the same tenant's stack stays resident";
    EXPECT_EQ(pool->stats().decommits, 0u);
  }
  TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kBob, kStackBytes));
  EXPECT_TRUE(IsZero(stack));
  EXPECT_EQ(pool->stats().decommits, 1u);
}

TEST_F(StackPoolTest, AStackWhoseDecommitFailedIsLentOnlyAfterItWasMappedAnew) {
  const auto pool = Make(1);
  {
    TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kAlice, kStackBytes));
    Fill(stack);
  }
  ops_.FailNext(MemoryCall::kDiscard);
  EXPECT_THAT(pool->Take(kBob, 4096), StatusIs(kUnavailable, HasSubstr("1 of them in quarantine")));
  EXPECT_EQ(pool->stats().quarantined, 1u);
  EXPECT_THAT(pool->Take(kAlice, 4096), StatusIs(kUnavailable));
  ops_.FailNext(MemoryCall::kMapAnonymous);
  EXPECT_EQ(pool->RepairQuarantined(), 0u);
  EXPECT_EQ(pool->RepairQuarantined(), 1u);
  TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kBob, kStackBytes));
  EXPECT_TRUE(IsZero(stack));
}

TEST_F(StackPoolTest, RefusesMoreThanAStackHoldsAndMoreStacksThanThereAre) {
  const auto pool = Make(1);
  EXPECT_THAT(pool->Take(kAlice, kStackBytes + 1),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("stack_bytes=262144")));
  TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kAlice, 1));
  EXPECT_THAT(pool->Take(kAlice, 1), StatusIs(kUnavailable, HasSubstr("stack_count=1")));
  EXPECT_THAT(StackPool::Create({.stack_count = 0}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(StackPool::Create({.stack_bytes = 100}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

class CountingBudget final : public MemoryBudget {
 public:
  bool TryCharge(TenantId, uint64_t bytes) override {
    if (bytes > free_bytes) return false;
    free_bytes -= bytes;
    return true;
  }
  void Release(TenantId, uint64_t bytes) override { free_bytes += bytes; }
  uint64_t free_bytes = 2 * kStackBytes;
};

TEST_F(StackPoolTest, ChargesThePromiseUntilTheStackIsDecommitted) {
  CountingBudget budget;
  {
    const auto pool = Make(4, &budget);
    { TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kAlice, kStackBytes)); }
    EXPECT_EQ(budget.free_bytes, kStackBytes) << "idle, but its pages are still there";
    TP_ASSERT_OK_AND_ASSIGN(const StackLease a, pool->Take(kBob, kStackBytes));
    EXPECT_EQ(budget.free_bytes, 0u);
    TP_ASSERT_OK_AND_ASSIGN(const StackLease b, pool->Take(kBob, kStackBytes));
    EXPECT_EQ(pool->stats().decommits, 1u) << "Alice's idle one gave way";
    EXPECT_THAT(pool->Take(kBob, 1), StatusIs(kUnavailable, HasSubstr("memory budget")));
  }
  EXPECT_EQ(budget.free_bytes, 2 * kStackBytes);
}

TEST_F(StackPoolTest, ReclaimIdleEmptiesIdleStacks) {
  const auto pool = Make(3);
  {
    std::vector<StackLease> stacks;
    for (int i = 0; i < 3; ++i) {
      auto stack = pool->Take(kAlice, kStackBytes);
      ASSERT_THAT(stack, IsOk());
      stacks.push_back(*std::move(stack));
    }
  }
  EXPECT_EQ(pool->stats().idle, 3u);
  EXPECT_EQ(pool->ReclaimIdle(kStackBytes + 1), 2 * kStackBytes);
  EXPECT_EQ(pool->stats().idle, 1u);
  EXPECT_EQ(pool->stats().empty, 2u);
}

TEST_F(StackPoolTest, AnOverflowedStackIsUsableAgain) {
  const auto pool = Make(1);
  for (int i = 0; i < 3; ++i) {
    TP_ASSERT_OK_AND_ASSIGN(const StackLease stack, pool->Take(kAlice, kStackBytes));
    EXPECT_FALSE(IsWritable(stack.bottom() - 1)) << "a host frame too many faults in the guard";
    Fill(stack);
  }
}

// Two stacks, two tenants, every sequence of eight operations.
TEST_F(StackPoolTest, EverySequenceConservesStacksAndSeparatesTenants) {
  const auto pool = Make(2);
  Exhaustive choose;
  while (choose.Next()) {
    std::vector<std::pair<StackLease, TenantId>> held;
    for (int step = 0; step < 6; ++step) {
      const uint32_t operation = choose.Choose(4);
      if (operation < 2) {
        const TenantId tenant{1 + operation};
        absl::StatusOr<StackLease> stack = pool->Take(tenant, kStackBytes);
        ASSERT_EQ(stack.ok(), held.size() < 2);
        if (!stack.ok()) continue;
        auto* word = reinterpret_cast<uint64_t*>(stack->top() - 8);
        ASSERT_TRUE(*word == 0 || *word == static_cast<uint64_t>(tenant)) << choose.ToString();
        *word = static_cast<uint64_t>(tenant);
        held.emplace_back(*std::move(stack), tenant);
      } else if (operation == 2) {
        if (!held.empty()) held.pop_back();
      } else {
        pool->ReclaimIdle(1);
      }
      const StackStats stats = pool->stats();
      ASSERT_EQ(stats.leased + stats.idle + stats.empty + stats.quarantined, stats.total);
      ASSERT_EQ(stats.leased, held.size());
    }
  }
}

}  // namespace
}  // namespace tidepool::pool
