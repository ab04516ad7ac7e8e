// Worker threads, each with a pool of its own; one book, one budget, and a reader of both.  Run under
// TSan too.

#include <atomic>
#include <thread>

#include "tests/pool/instance/pool_fixture.h"

namespace tidepool::pool {
namespace {

// Shared by all workers, as the daemon's is.
class SharedBudget final : public MemoryBudget {
 public:
  explicit SharedBudget(uint64_t bytes) : free_bytes_(static_cast<int64_t>(bytes)) {}
  bool TryCharge(TenantId, uint64_t bytes) override {
    const auto wanted = static_cast<int64_t>(bytes);
    if (free_bytes_.fetch_sub(wanted) >= wanted) return true;
    free_bytes_.fetch_add(wanted);
    return false;
  }
  void Release(TenantId, uint64_t bytes) override {
    free_bytes_.fetch_add(static_cast<int64_t>(bytes));
  }
  int64_t free_bytes() const { return free_bytes_.load(); }

 private:
  std::atomic<int64_t> free_bytes_;
};

constexpr Mode kDense{.bounds = engine::Bounds::kExplicit};

TEST(Hammer, WorkersShareOnlyTheBookAndTheBudget) {
  constexpr uint64_t kBudgetBytes = 4 * kMiB;
  constexpr int kWorkers = 4;
  constexpr int kRounds = 300;
  SharedBudget budget(kBudgetBytes);
  LedgerBook book;
  PoolWorld compiler({.mode = kDense});
  const Guest guest{.initial_wasm_pages = 2, .data = {{0, 7, 100}}};
  const Module module = compiler.Compile(guest);
  const Imports imports = compiler.ImportsOf(module);
  std::atomic<int> running{kWorkers};
  std::atomic<uint64_t> leases{0};

  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&, w, ledger = &book.Add()] {
      FailingMemoryOps ops;
      PoolOptions options;
      options.slot_count = 2;
      options.slot_bytes = 2 * kMiB;
      options.state_bytes_max = kMiB;
      options.verify_rate = 0.5;
      options.growth = w % 2 == 0 ? GrowthKind::kFtruncate : GrowthKind::kMprotect;
      options.features = ProbeKernelFeatures();
      options.ops = &ops;
      options.budget = &budget;
      options.ledger = ledger;
      auto pool = InstancePool::Create(options);
      ASSERT_TRUE(pool.ok()) << pool.status();
      engine::Activation activation(engine::Activation::LimitOnCurrentStack(128 * kKiB), nullptr);
      std::vector<Lease> held;
      for (int round = 0; round < kRounds; ++round) {
        if (round % 17 == 0) ops.FailAfter(static_cast<uint64_t>(round) % 5);
        const TenantId tenant{1 + static_cast<uint64_t>((round / 3 + w) % 3)};
        auto lease = (*pool)->Take(tenant, module, imports, {.activation = &activation});
        if (lease.ok()) {
          leases.fetch_add(1, std::memory_order_relaxed);
          absl::Span<uint8_t> memory = lease->instance().Memory();
          ASSERT_EQ(memory[99], 7);
          ASSERT_EQ(memory[100], 0);
          std::fill(memory.begin(), memory.end(), static_cast<uint8_t>(0x80 + w));
          held.push_back(*std::move(lease));
        }
        if (held.size() == 2 || round % 2 == 0) held.clear();
        ASSERT_EQ((*pool)->Audit(), 0u);
      }
      held.clear();
      ops.Heal();
      EXPECT_EQ((*pool)->stats().verifications_failed, 0u);
      running.fetch_sub(1);
    });
  }
  while (running.load() > 0) {
    ASSERT_EQ(book.Sum().Drift(), 0);
    std::this_thread::yield();
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(budget.free_bytes(), static_cast<int64_t>(kBudgetBytes));
  EXPECT_GT(leases.load(), static_cast<uint64_t>(kWorkers * kRounds / 2));
}

}  // namespace
}  // namespace tidepool::pool
