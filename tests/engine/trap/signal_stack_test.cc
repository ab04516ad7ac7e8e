#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/trap/faulting_code.h"

namespace tidepool::engine::trap {
namespace {

using ::testing::Eq;
using ::testing::Gt;
using ::testing::Lt;

stack_t CurrentSignalStack() {
  stack_t stack = {};
  ::sigaltstack(nullptr, &stack);
  return stack;
}

TEST(SignalStack, IsTheThreadsWhileItLives) {
  std::thread([] {
    const stack_t before = CurrentSignalStack();
    {
      const SignalStack stack;
      EXPECT_THAT(CurrentSignalStack().ss_sp, Eq(stack.base()));
      EXPECT_THAT(CurrentSignalStack().ss_size, Eq(stack.bytes()));
    }
    EXPECT_THAT(CurrentSignalStack().ss_sp, Eq(before.ss_sp));
    EXPECT_THAT(CurrentSignalStack().ss_flags, Eq(before.ss_flags));
  }).join();
}

TEST(SignalStackDeathTest, HasAGuardBelow) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const SignalStack stack;
  EXPECT_DEATH(*static_cast<volatile uint8_t*>(stack.base() - 1) = 1, "");
}

// The kernel's frame, the handler, the lookup: painted and measured.
TEST(SignalStack, HasFourTimesTheRoomThatATrapNeeds) {
  InstallForTest();
  const SignalStack stack;
  const FaultingCode code;
  RegisterCode(code.region());
  const MappedRegion guarded = *MappedRegion::Anonymous(4096, PROT_NONE);
  SetGuestMemory(guarded.base(), guarded.bytes());

  constexpr uint8_t kPaint = 0xA5;
  ::memset(stack.base(), kPaint, stack.bytes());
  ASSERT_THAT(code.Run(kLoadOffset, guarded.base()),
              Eq(FaultResult(TrapCode::kMemoryOutOfBounds)));
  size_t untouched = 0;
  while (untouched < stack.bytes() && stack.base()[untouched] == kPaint) ++untouched;
  const size_t used = stack.bytes() - untouched;
  EXPECT_THAT(used, Gt(0u)) << "the handler did not run on this stack";
  EXPECT_THAT(used, Lt(stack.bytes() / 4));

  SetGuestMemory(nullptr, 0);
  UnregisterCode(code.begin());
}

}  // namespace
}  // namespace tidepool::engine::trap
