// One test per way a fault is ours, and one per way it is not.
#include "engine/trap/trap_handler.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/trap/faulting_code.h"

namespace tidepool::engine::trap {
namespace {

using ::testing::Eq;

class TrapHandler : public ::testing::Test {
 protected:
  TrapHandler() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    InstallForTest();
    RegisterCode(code_.region());
    SetGuestMemory(guarded_.base(), guarded_.bytes());
  }
  ~TrapHandler() override {
    SetFirstWriteHook(nullptr);
    SetGuestMemory(nullptr, 0);
    UnregisterCode(code_.begin());
  }

  const SignalStack signal_stack_;
  const FaultingCode code_;
  // Guest memory: all of it guard.
  const MappedRegion guarded_ = *MappedRegion::Anonymous(16 * 4096, PROT_NONE);
  // Faults as well, but is no memory of this guest's.
  const MappedRegion foreign_ = *MappedRegion::Anonymous(16 * 4096, PROT_NONE);
};
using TrapHandlerDeathTest = TrapHandler;

TEST_F(TrapHandler, MakesATrapOfALoadFromAGuardPage) {
  EXPECT_THAT(code_.Run(kLoadOffset, guarded_.base() + 5000),
              Eq(FaultResult(TrapCode::kMemoryOutOfBounds)));
}

TEST_F(TrapHandler, MakesATrapOfAStoreToAGuardPage) {
  EXPECT_THAT(code_.Run(kStoreOffset, guarded_.base(), 7),
              Eq(FaultResult(TrapCode::kMemoryOutOfBounds)));
}

TEST_F(TrapHandler, TakesTheTrapThatTheTableNames) {
  EXPECT_THAT(code_.Run(kNullLoadOffset, guarded_.base()),
              Eq(FaultResult(TrapCode::kNullReference)));
}

TEST_F(TrapHandler, TellsAddressAndInstruction) {
  code_.Run(kStoreOffset, guarded_.base() + 4096, 7);
  const LastFault fault = TakeLastFault();
  EXPECT_THAT(fault.address, Eq(reinterpret_cast<uintptr_t>(guarded_.base()) + 4096));
  EXPECT_THAT(fault.return_address, Eq(code_.begin() + kStoreOffset + 1))
      << "one past the instruction's start, so that looking up the byte before finds it";
}

TEST_F(TrapHandler, RecoversAgainAndAgain) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THAT(code_.Run(kLoadOffset, guarded_.base()),
                Eq(FaultResult(TrapCode::kMemoryOutOfBounds)));
  }
}

TEST_F(TrapHandler, RecoversFromSigbusToo) {
  // Beyond the end of a mapped file: what the pool's growth files give.
  const int fd = ::memfd_create("empty", MFD_CLOEXEC);
  void* mapping = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ASSERT_NE(mapping, MAP_FAILED);
  SetGuestMemory(mapping, 4096);
  EXPECT_THAT(code_.Run(kLoadOffset, mapping), Eq(FaultResult(TrapCode::kMemoryOutOfBounds)));
  ::munmap(mapping, 4096);
  ::close(fd);
}

TEST_F(TrapHandler, KeepsErrno) {
  errno = EXDEV;
  code_.Run(kLoadOffset, guarded_.base());
  EXPECT_THAT(errno, Eq(EXDEV));
}

// ---- Question 1: the first-write hook. ----

std::atomic<uint8_t*> g_watched{nullptr};
std::atomic<int> g_hook_calls{0};

bool Unprotect(uintptr_t address) {
  g_hook_calls.fetch_add(1);
  const auto begin = reinterpret_cast<uintptr_t>(g_watched.load());
  if (address - begin >= 4096) return false;
  return ::mprotect(g_watched.load(), 4096, PROT_READ | PROT_WRITE) == 0;
}

class TrapHandlerFirstWrite : public TrapHandler {
 protected:
  TrapHandlerFirstWrite() {
    g_watched = watched_.base();
    g_hook_calls = 0;
    SetFirstWriteHook(&Unprotect);
  }
  const MappedRegion watched_ = *MappedRegion::Anonymous(4096, PROT_READ);
};
using TrapHandlerFirstWriteDeathTest = TrapHandlerFirstWrite;

TEST_F(TrapHandlerFirstWrite, LetsAGuestsWriteGoOn) {
  SetGuestMemory(watched_.base(), watched_.bytes());
  code_.Run(kStoreOffset, watched_.base(), 42);
  EXPECT_THAT(watched_.base()[0], Eq(42)) << "done, and no trap, though the table names one there";
  EXPECT_THAT(g_hook_calls.load(), Eq(1));
}

TEST_F(TrapHandlerFirstWrite, LetsAHostsWriteGoOn) {
  *static_cast<volatile uint8_t*>(watched_.base()) = 43;
  EXPECT_THAT(watched_.base()[0], Eq(43));
  EXPECT_THAT(g_hook_calls.load(), Eq(1));
}

TEST_F(TrapHandlerFirstWrite, LeavesOtherAddressesToTheOtherQuestions) {
  EXPECT_THAT(code_.Run(kStoreOffset, guarded_.base(), 1),
              Eq(FaultResult(TrapCode::kMemoryOutOfBounds)));
}

TEST_F(TrapHandlerFirstWriteDeathTest, CrashesWhenTheHookDoesNotKnowTheAddress) {
  EXPECT_DEATH(*static_cast<volatile uint8_t*>(foreign_.base()) = 1,
               "crash: SIGSEGV at address 0x[0-9a-f]+, host code");
}

// ---- Question 3: not ours. ----

TEST_F(TrapHandlerDeathTest, CrashesWhenTheInstructionIsInNoTrapTable) {
  EXPECT_DEATH(code_.Run(kUnlistedOffset, guarded_.base()), "crash: SIGSEGV .*, guest code at pc");
}

TEST_F(TrapHandlerDeathTest, CrashesWhenTheAddressIsNoMemoryOfTheGuests) {
  EXPECT_DEATH(code_.Run(kLoadOffset, foreign_.base()), "crash: SIGSEGV .*, guest code at pc");
}

TEST_F(TrapHandlerDeathTest, CrashesOnANullPointerInGuestCode) {
  EXPECT_DEATH(code_.Run(kLoadOffset, nullptr), "crash: SIGSEGV at address 0x0, guest code at pc");
}

TEST_F(TrapHandlerDeathTest, CrashesWhenHostCodeFaultsOnGuestMemory) {
  EXPECT_DEATH(*static_cast<volatile uint8_t*>(guarded_.base()) = 1,
               "crash: SIGSEGV .*, host code at pc");
}

TEST_F(TrapHandlerDeathTest, CrashesOnceTheCodeIsUnregistered) {
  EXPECT_DEATH(
      {
        UnregisterCode(code_.begin());
        code_.Run(kLoadOffset, guarded_.base());
      },
      "crash: SIGSEGV .*, host code at pc");
}

TEST_F(TrapHandlerDeathTest, CrashesWhenNoGuestRunsOnTheThread) {
  SetGuestMemory(nullptr, 0);
  EXPECT_DEATH(code_.Run(kLoadOffset, guarded_.base()), "crash: SIGSEGV .*, guest code at pc");
}

TEST_F(TrapHandlerDeathTest, CrashesOnASignalThatSomebodySent) {
  EXPECT_DEATH(::raise(SIGSEGV), "crash: SIGSEGV sent by a process");
  EXPECT_DEATH(::raise(SIGBUS), "crash: SIGBUS sent by a process");
}

TEST_F(TrapHandlerDeathTest, CrashesOnADivisionFault) {
  EXPECT_DEATH(code_.Run(kDivideOffset, guarded_.base()), "crash: SIGFPE .*, guest code at pc");
}

TEST_F(TrapHandlerDeathTest, CrashesOnAnUndefinedInstruction) {
  EXPECT_DEATH(code_.Run(kUndefinedOffset, guarded_.base()), "crash: SIGILL .*, guest code at pc");
}

TEST_F(TrapHandlerDeathTest, DiesOfTheSignalItself) {
  EXPECT_EXIT(code_.Run(kLoadOffset, foreign_.base()), ::testing::KilledBySignal(SIGSEGV), "crash");
}

// Without the fixture: what is there before ours is installed.
void ExitWith7(int) { ::_exit(7); }

TEST(TrapHandlerChainDeathTest, GivesCrashesToTheHandlerThatWasThereBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ::signal(SIGSEGV, &ExitWith7);
        InstallForTest();
        const MappedRegion region = *MappedRegion::Anonymous(4096, PROT_NONE);
        *static_cast<volatile uint8_t*>(region.base()) = 1;
      },
      ::testing::ExitedWithCode(7), "crash: SIGSEGV");
}

}  // namespace
}  // namespace tidepool::engine::trap
