#include "pool/memory/ledger.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"

namespace tidepool::pool {
namespace {

TEST(Ledger, CountsEverySlotInExactlyOneState) {
  Ledger ledger;
  ledger.Open(3);
  ledger.Move(SlotState::kUnmapped, SlotState::kClean);
  ledger.Move(SlotState::kClean, SlotState::kLeased);
  ledger.Move(SlotState::kUnmapped, SlotState::kQuarantined);
  const LedgerCounts counts = ledger.Read();
  EXPECT_EQ(counts.total, 3u);
  EXPECT_EQ(counts.free, 1u);
  EXPECT_EQ(counts.warm, 0u);
  EXPECT_EQ(counts.leased, 1u);
  EXPECT_EQ(counts.quarantined, 1u);
  EXPECT_EQ(counts.Drift(), 0);
}

TEST(Ledger, DriftSaysHowManyAreMissingOrTooMany) {
  EXPECT_EQ((LedgerCounts{.total = 5, .free = 2, .warm = 1}.Drift()), 2);
  EXPECT_EQ((LedgerCounts{.total = 1, .free = 1, .leased = 1}.Drift()), -1);
}

// Many writers (one per ledger), one reader that must never see a moment in which a slot is nowhere.
TEST(Ledger, AReaderNeverSeesASlotBetweenTwoStates) {
  LedgerBook book;
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    Ledger& ledger = book.Add();
    ledger.Open(1);
    writers.emplace_back([&ledger, &stop] {
      while (!stop.load(std::memory_order_relaxed)) {
        ledger.Move(SlotState::kUnmapped, SlotState::kClean);
        ledger.Move(SlotState::kClean, SlotState::kLeased);
        ledger.Move(SlotState::kLeased, SlotState::kResetting);
        ledger.Move(SlotState::kResetting, SlotState::kUnmapped);
      }
    });
  }
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(book.Sum().Drift(), 0);
  stop = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(book.Sum().total, 4u);
  EXPECT_EQ(book.Sum().free, 4u);
}

}  // namespace
}  // namespace tidepool::pool
