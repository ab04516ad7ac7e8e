#include "daemon/invoke/host_budget.h"

#include <filesystem>
#include <fstream>

#include "daemon/invoke/worker_budget.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

class DefaultBudgetTest : public testing::Test {
 protected:
  DefaultBudgetTest() : root_(testing::TempDir() + "/budget_root/") {
    std::filesystem::remove_all(root_);
    Write("proc/meminfo", "MemTotal:        1000 kB\nMemFree: 5 kB\n");
  }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  uint64_t Bytes() { return ReadDefaultBudget(root_).bytes; }
  const std::string root_;
};

TEST_F(DefaultBudgetTest, IsSeventyPercentOfMemoryWithoutACgroup) {
  EXPECT_EQ(Bytes(), 1000u * 1024 / 100 * 70);
}

TEST_F(DefaultBudgetTest, TakesTheSmallestLimitOfTheUnifiedHierarchy) {
  Write("proc/self/cgroup", "0::/system.slice/tidepool.service\n");
  Write("sys/fs/cgroup/system.slice/tidepool.service/memory.max", "max\n");
  Write("sys/fs/cgroup/system.slice/memory.max", "500000\n");
  EXPECT_EQ(Bytes(), 350'000u) << "a parent's limit binds too";
  Write("sys/fs/cgroup/system.slice/tidepool.service/memory.max", "100000\n");
  EXPECT_EQ(Bytes(), 70'000u);
}

TEST_F(DefaultBudgetTest, ReadsTheOldHierarchyToo) {
  Write("proc/self/cgroup", "7:memory:/docker/abc\n3:cpu:/x\n");
  Write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "200000\n");
  EXPECT_EQ(Bytes(), 140'000u);
}

TEST_F(DefaultBudgetTest, IgnoresALimitAboveAllMemory) {
  Write("proc/self/cgroup", "7:memory:/\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Bytes(), 1000u * 1024 / 100 * 70);
}

TEST(HostBudget, NeverPromisesMoreThanItHas) {
  HostBudget budget(100);
  EXPECT_TRUE(budget.TryCharge(60));
  EXPECT_FALSE(budget.TryCharge(41));
  EXPECT_TRUE(budget.TryCharge(40));
  EXPECT_FALSE(budget.TryCharge(UINT64_MAX)) << "no overflow";
  budget.Release(60);
  EXPECT_TRUE(budget.TryCharge(60));
}

TEST(WorkerBudget, RemembersARefusalThatStood) {
  HostBudget host(100);
  WorkerBudget budget(host);
  const pool::TenantId tenant{1};
  EXPECT_TRUE(budget.TryCharge(tenant, 80));
  EXPECT_FALSE(budget.TryCharge(tenant, 30));
  budget.Release(tenant, 80);
  EXPECT_TRUE(budget.TryCharge(tenant, 30)) << "after something was given back";
  EXPECT_EQ(budget.TakeRefusedBytes(), 0u);
  EXPECT_FALSE(budget.TryCharge(tenant, 99));
  EXPECT_EQ(budget.TakeRefusedBytes(), 99u);
  EXPECT_EQ(budget.TakeRefusedBytes(), 0u);
}

TEST(WorkerBudget, TellsWhenItHoldsLess) {
  HostBudget host(100);
  WorkerBudget budget(host);
  EXPECT_TRUE(budget.TryCharge(pool::TenantId{1}, 50));
  EXPECT_FALSE(budget.TakeHasShrunk());
  EXPECT_TRUE(budget.TryCharge(pool::TenantId{1}, 10));
  budget.Release(pool::TenantId{1}, 10);
  EXPECT_FALSE(budget.TakeHasShrunk()) << "as much as before";
  budget.Release(pool::TenantId{1}, 50);
  EXPECT_TRUE(budget.TakeHasShrunk());
}

}  // namespace
}  // namespace tidepool::daemon
