#include "daemon/invoke/fiber.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

struct Script {
  Fiber* fiber = nullptr;
  std::string trace;
  static void Run(void* argument) {
    Script* script = static_cast<Script*>(argument);
    script->trace += "1";
    script->fiber->Suspend();
    script->trace += "2";
    script->fiber->Suspend();
    script->trace += "3";
  }
};

TEST(Fiber, GivesTheThreadBackOnlyByItself) {
  std::vector<uint8_t> stack(64 * 1024);
  Script script;
  Fiber fiber(stack.data(), stack.data() + stack.size(), &Script::Run, &script);
  script.fiber = &fiber;
  fiber.Resume();
  script.trace += "a";
  EXPECT_FALSE(fiber.is_over());
  fiber.Resume();
  script.trace += "b";
  fiber.Resume();
  EXPECT_TRUE(fiber.is_over());
  EXPECT_EQ(script.trace, "1a2b3");
}

TEST(Fiber, InterleavesWithOthersOnTheSameThread) {
  std::vector<uint8_t> stacks(128 * 1024);
  Script one, two;
  Fiber first(stacks.data(), stacks.data() + 64 * 1024, &Script::Run, &one);
  Fiber second(stacks.data() + 64 * 1024, stacks.data() + stacks.size(), &Script::Run, &two);
  one.fiber = &first;
  two.fiber = &second;
  first.Resume();
  second.Resume();
  first.Resume();
  EXPECT_EQ(one.trace, "12");
  EXPECT_EQ(two.trace, "1");
  second.Resume();
  second.Resume();
  first.Resume();
  EXPECT_TRUE(first.is_over() && second.is_over());
}

}  // namespace
}  // namespace tidepool::daemon
