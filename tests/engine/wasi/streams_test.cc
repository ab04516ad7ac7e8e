// Standard streams, arguments, environment, clocks, randomness, waiting, ending.
#include <fcntl.h>
#include <unistd.h>

#include "engine/wasi/limits.h"
#include "tests/engine/wasi/wasi_fixture.h"

namespace tidepool::engine::wasi {
namespace {

using StreamsTest = WasiTest;

TEST_F(StreamsTest, ReadsMemoryToItsEnd) {
  const std::string text = "request body";
  MemoryInput input({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  options.input = &input;
  EXPECT_EQ(ReadFd(0, 7), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, Load<uint32_t>(kResult)), "request");
  EXPECT_EQ(ReadFd(0, 100), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, Load<uint32_t>(kResult)), " body");
  EXPECT_EQ(ReadFd(0, 100), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 0u);
}

TEST_F(StreamsTest, OutputBeyondItsLimitFails) {
  MemoryOutput output(5, MemoryOutput::Excess::kFail);
  options.output = &output;
  EXPECT_EQ(WriteFd(1, "abc"), Errno::kSuccess);
  EXPECT_EQ(WriteFd(1, "defg"), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 2u) << "only what fits";
  EXPECT_EQ(WriteFd(1, "h"), Errno::kNospc);
  EXPECT_EQ(output.contents(), "abcde");
  EXPECT_TRUE(output.truncated());
}

TEST_F(StreamsTest, LogsBeyondTheirLimitAreDropped) {
  MemoryOutput error(5, MemoryOutput::Excess::kDrop);
  options.error = &error;
  EXPECT_EQ(WriteFd(2, "abcdefg"), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 7u);
  EXPECT_EQ(error.contents(), "abcde");
  EXPECT_TRUE(error.truncated());
}

TEST_F(StreamsTest, AbsentStreamsAreEmptyOrDropAll) {
  EXPECT_EQ(ReadFd(0, 10), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 0u);
  EXPECT_EQ(WriteFd(1, "text"), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 4u);
}

TEST_F(StreamsTest, NonblockingReadsOfAnEmptyPipeDoNotWait) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  FdInput input(ends[0]);
  options.input = &input;
  EXPECT_EQ(Invoke(&FdFdstatSetFlags, 0u, uint32_t{kFdNonblock}), Errno::kSuccess);
  EXPECT_EQ(ReadFd(0, 10), Errno::kAgain);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_EQ(ReadFd(0, 10), Errno::kSuccess);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(StreamsTest, ArgumentsAndEnvironmentAreLaidOut) {
  options.args = {"program", "", "two words"};
  options.environment = {"A=b"};
  EXPECT_EQ(Invoke(&ArgsSizesGet, kResult, kResult + 4), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 3u);
  EXPECT_EQ(Load<uint32_t>(kResult + 4), 19u);
  EXPECT_EQ(Invoke(&ArgsGet, kPath, kBuffer), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, 19), std::string("program\0\0two words\0", 19));
  EXPECT_EQ(Load<uint32_t>(kPath + 8), kBuffer + 9);
  EXPECT_EQ(Invoke(&EnvironSizesGet, kResult, kResult + 4), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult + 4), 4u);
  EXPECT_EQ(Invoke(&EnvironGet, kPath, kBuffer), Errno::kSuccess);
  EXPECT_EQ(Text(kBuffer, 4), std::string("A=b\0", 4));
}

TEST_F(StreamsTest, ArgumentsThatDoNotFitFault) {
  options.args = {"program"};
  EXPECT_EQ(Invoke(&ArgsGet, kPath, kMemoryBytes - 7), Errno::kFault);
  EXPECT_EQ(Invoke(&ArgsGet, kMemoryBytes - 3, kBuffer), Errno::kFault);
  EXPECT_EQ(Invoke(&ArgsGet, UINT32_MAX, UINT32_MAX), Errno::kFault);
  EXPECT_EQ(Invoke(&ArgsSizesGet, kMemoryBytes - 3, kResult), Errno::kFault);
}

TEST_F(StreamsTest, ClocksAreAsCoarseAsTheOperatorWants) {
  options.clock_resolution_ns = 1'000'000;
  EXPECT_EQ(Invoke(&ClockTimeGet, 0u, 1u, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<uint64_t>(kResult), 1'700'000'000'123'000'000u);
  EXPECT_EQ(Invoke(&ClockResGet, 0u, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<uint64_t>(kResult), 1'000'000u);
  EXPECT_EQ(Invoke(&ClockTimeGet, 2u, 1u, kResult), Errno::kInval) << "this host has no CPU clock";
  EXPECT_EQ(Invoke(&ClockTimeGet, 77u, 1u, kResult), Errno::kInval);
  EXPECT_EQ(Invoke(&ClockTimeGet, 0u, 1u, kMemoryBytes - 7), Errno::kFault);
}

TEST_F(StreamsTest, RandomnessComesInPieces) {
  EXPECT_EQ(Invoke(&RandomGet, kBuffer, 900'000u), Errno::kSuccess);
  EXPECT_LE(host.largest_random, limits::kPieceBytes);
  EXPECT_GE(host.interrupt_checks, 3);
  EXPECT_EQ(memory[kBuffer + 899'999], static_cast<uint8_t>(900'000));
  EXPECT_EQ(Invoke(&RandomGet, kMemoryBytes, 0u), Errno::kSuccess);
  EXPECT_EQ(Invoke(&RandomGet, kMemoryBytes, 1u), Errno::kFault);
  EXPECT_EQ(Invoke(&RandomGet, 1u, UINT32_MAX), Errno::kFault);
  host.interrupt_trap = TrapCode::kInterrupted;
  Invoke(&RandomGet, kBuffer, 900'000u);
  EXPECT_EQ(trap, TrapCode::kInterrupted);
}

TEST_F(StreamsTest, ExitEndsTheGuestWithItsStatus) {
  EXPECT_FALSE(context().exit_code().has_value());
  Invoke(&ProcExit, 33u);
  EXPECT_EQ(trap, TrapCode::kExit);
  EXPECT_EQ(context().exit_code(), 33u);
}

TEST_F(StreamsTest, YieldPassesOnWhatTheHostSays) {
  EXPECT_EQ(Invoke(&SchedYield), Errno::kSuccess);
  EXPECT_EQ(trap, TrapCode::kNone);
  host.wait_trap = TrapCode::kInterrupted;
  Invoke(&SchedYield);
  EXPECT_EQ(trap, TrapCode::kInterrupted);
}

class PollTest : public WasiTest {
 protected:
  static constexpr Pointer kEvents = kBuffer;

  void SubscribeClock(
      uint32_t index, uint64_t user_data, ClockId clock, uint64_t timeout_ns, uint16_t flags = 0) {
    Subscription subscription{};
    subscription.user_data = user_data;
    subscription.type = EventType::kClock;
    subscription.clock.id = clock;
    subscription.clock.timeout_ns = timeout_ns;
    subscription.clock.flags = flags;
    Store(kPath + index * 48, subscription);
  }
  void SubscribeFd(uint32_t index, uint64_t user_data, EventType type, uint32_t fd) {
    Subscription subscription{};
    subscription.user_data = user_data;
    subscription.type = type;
    subscription.fd = fd;
    Store(kPath + index * 48, subscription);
  }
  Errno Poll(uint32_t count) { return Invoke(&PollOneoff, kPath, kEvents, count, kResult); }
  Event EventAt(uint32_t index) const { return Load<Event>(kEvents + index * 32); }
};

TEST_F(PollTest, WaitsForTheFirstClock) {
  SubscribeClock(0, 7, ClockId::kMonotonic, 5'000'000);
  SubscribeClock(1, 8, ClockId::kMonotonic, 3'000'000);
  const uint64_t begin = host.monotonic_ns;
  EXPECT_EQ(Poll(2), Errno::kSuccess);
  EXPECT_EQ(host.monotonic_ns, begin + 3'000'000);
  EXPECT_EQ(Load<uint32_t>(kResult), 1u);
  EXPECT_EQ(EventAt(0).user_data, 8u);
  EXPECT_EQ(EventAt(0).type, EventType::kClock);
}

TEST_F(PollTest, WaitsForAPointInTime) {
  SubscribeClock(0, 7, ClockId::kRealtime, host.realtime_ns + 1'000, kClockAbsolute);
  const uint64_t begin = host.monotonic_ns;
  EXPECT_EQ(Poll(1), Errno::kSuccess);
  EXPECT_EQ(host.monotonic_ns, begin + 1'000);
  SubscribeClock(0, 7, ClockId::kMonotonic, 1, kClockAbsolute);
  EXPECT_EQ(Poll(1), Errno::kSuccess) << "long past";
  EXPECT_EQ(host.monotonic_ns, begin + 1'000);
}

TEST_F(PollTest, ErrorsOfOneSubscriptionAreItsEvent) {
  SubscribeClock(0, 1, ClockId::kProcessCpu, 1);
  SubscribeFd(1, 2, EventType::kFdRead, 99);
  SubscribeFd(2, 3, EventType::kFdWrite, 0);
  EXPECT_EQ(Poll(3), Errno::kSuccess);
  ASSERT_EQ(Load<uint32_t>(kResult), 3u);
  EXPECT_EQ(EventAt(0).error, Errno::kNotsup);
  EXPECT_EQ(EventAt(1).error, Errno::kBadf);
  EXPECT_EQ(EventAt(2).error, Errno::kBadf);
}

TEST_F(PollTest, StreamsInMemoryAreReadyAtOnce) {
  MemoryInput input;
  options.input = &input;
  SubscribeFd(0, 1, EventType::kFdRead, 0);
  SubscribeFd(1, 2, EventType::kFdWrite, 1);
  SubscribeClock(2, 3, ClockId::kMonotonic, 1'000'000'000);
  EXPECT_EQ(Poll(3), Errno::kSuccess);
  EXPECT_EQ(Load<uint32_t>(kResult), 2u);
}

TEST_F(PollTest, WaitsForDescriptors) {
  FdInput input(0);  // The fake host decides what is ready.
  options.input = &input;
  SubscribeFd(0, 1, EventType::kFdRead, 0);
  SubscribeClock(1, 2, ClockId::kMonotonic, 1'000);
  EXPECT_EQ(Poll(2), Errno::kSuccess);
  EXPECT_EQ(EventAt(0).user_data, 2u);
  host.ready_events = POLLIN;
  EXPECT_EQ(Poll(2), Errno::kSuccess);
  EXPECT_EQ(EventAt(0).user_data, 1u);
}

TEST_F(PollTest, AWaitThatIsEndedEndsTheGuest) {
  SubscribeClock(0, 1, ClockId::kMonotonic, UINT64_MAX);
  host.wait_trap = TrapCode::kInterrupted;
  Poll(1);
  EXPECT_EQ(trap, TrapCode::kInterrupted);
}

TEST_F(PollTest, ListsAreBounded) {
  EXPECT_EQ(Poll(0), Errno::kInval);
  EXPECT_EQ(Poll(limits::kSubscriptionsMax + 1), Errno::kInval);
  EXPECT_EQ(Invoke(&PollOneoff, kMemoryBytes - 47, kEvents, 1u, kResult), Errno::kFault);
  EXPECT_EQ(Invoke(&PollOneoff, kPath, kMemoryBytes - 31, 1u, kResult), Errno::kFault);
  EXPECT_EQ(Invoke(&PollOneoff, UINT32_MAX, kEvents, 1024u, kResult), Errno::kFault);
}

TEST_F(PollTest, EventsMayOverlapSubscriptions) {
  SubscribeClock(0, 1, ClockId::kMonotonic, 0);
  SubscribeClock(1, 2, ClockId::kMonotonic, 0);
  EXPECT_EQ(Invoke(&PollOneoff, kPath, kPath, 2u, kResult), Errno::kSuccess);
  EXPECT_EQ(Load<Event>(kPath).user_data, 1u);
  EXPECT_EQ(Load<Event>(kPath + 32).user_data, 2u);
}

TEST_F(PollTest, UnknownKindsAreRefused) {
  Store(kPath + 8, uint8_t{3});
  EXPECT_EQ(Poll(1), Errno::kInval);
}

}  // namespace
}  // namespace tidepool::engine::wasi
