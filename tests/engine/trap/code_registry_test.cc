// The list of code regions, alone and under threads that fault meanwhile.
#include <sys/mman.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/trap/faulting_code.h"

namespace tidepool::engine::trap {
namespace {

using ::testing::Eq;

TrapCode NoTrap(const void*, uint32_t) noexcept { return TrapCode::kNone; }

// Regions of 16 bytes, 32 apart, in addresses where no code of this process lies.
CodeRegion RegionNumber(uintptr_t i) {
  const uintptr_t begin = 0x1000 + 32 * i;
  return {.begin = begin, .end = begin + 16, .owner = reinterpret_cast<void*>(i),
          .find_trap = &NoTrap};
}

TEST(CodeRegistry, FindsEachOfAThousandRegionsAndNothingBetween) {
  constexpr uintptr_t kCount = 1000;
  // Neither ascending nor descending: 7 and 1000 have no common divisor.
  for (uintptr_t i = 0; i < kCount; ++i) RegisterCode(RegionNumber(i * 7 % kCount));
  CodeRegion found;
  for (uintptr_t i = 0; i < kCount; ++i) {
    const CodeRegion region = RegionNumber(i);
    ASSERT_TRUE(FindCode(region.begin, &found) && FindCode(region.end - 1, &found));
    ASSERT_THAT(found.owner, Eq(region.owner));
    ASSERT_FALSE(FindCode(region.end, &found));
    ASSERT_FALSE(FindCode(region.begin - 1, &found));
  }
  for (uintptr_t i = 0; i < kCount; ++i) {
    UnregisterCode(RegionNumber(i * 3 % kCount).begin);
    ASSERT_FALSE(FindCode(RegionNumber(i * 3 % kCount).begin, &found));
  }
}

TEST(CodeRegistryDeathTest, RefusesOverlapAndStrangers) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  RegisterCode(RegionNumber(1));
  CodeRegion inside = RegionNumber(1);
  inside.begin += 8;
  EXPECT_DEATH(RegisterCode(inside), "RegisterCode");
  EXPECT_DEATH(UnregisterCode(inside.begin), "UnregisterCode");
  UnregisterCode(RegionNumber(1).begin);
}

// Modules come and go while other threads take traps: every fault finds its own region, and no
// thread reads a list that was freed (AddressSanitizer and ThreadSanitizer watch).
TEST(CodeRegistryStress, FaultsFindTheirCodeWhileOthersComeAndGo) {
  InstallForTest();
  const FaultingCode code;
  RegisterCode(code.region());
  std::atomic<bool> stop{false};
  std::atomic<int> faults{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      const SignalStack stack;
      const MappedRegion guarded = *MappedRegion::Anonymous(4096, PROT_NONE);
      SetGuestMemory(guarded.base(), guarded.bytes());
      while (!stop) {
        ASSERT_THAT(code.Run(kLoadOffset, guarded.base()),
                    Eq(FaultResult(TrapCode::kMemoryOutOfBounds)));
        faults.fetch_add(1);
      }
    });
  }
  for (int round = 0; round < 300 || faults.load() < 2000; ++round) {
    for (uintptr_t i = 0; i < 8; ++i) RegisterCode(RegionNumber(i));
    for (uintptr_t i = 0; i < 8; ++i) UnregisterCode(RegionNumber(i).begin);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  UnregisterCode(code.begin());
}

}  // namespace
}  // namespace tidepool::engine::trap
