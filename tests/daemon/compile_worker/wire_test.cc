#include "daemon/compile_worker/wire.h"

#include <fcntl.h>

#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

TEST(Wire, KeepsEveryOption) {
  engine::CompileOptions options;
  options.bounds = engine::Bounds::kExplicit;
  options.tier = engine::Tier::kOptimized;
  options.padding_bytes = 77;
  options.address_map = false;
  options.names = false;
  options.cpu_features.bits = 0x55;
  options.wasm_features.simd = true;
  options.wasm_features.wide_arithmetic = true;
  const engine::CompileOptions back = OptionsOf(ToWire(options));
  EXPECT_EQ(back.bounds, options.bounds);
  EXPECT_EQ(back.tier, options.tier);
  EXPECT_EQ(back.padding_bytes, options.padding_bytes);
  EXPECT_FALSE(back.address_map);
  EXPECT_FALSE(back.names);
  EXPECT_EQ(back.cpu_features, options.cpu_features);
  EXPECT_TRUE(back.wasm_features.simd);
  EXPECT_TRUE(back.wasm_features.wide_arithmetic);
  EXPECT_FALSE(back.wasm_features.gc);
}

TEST(Wire, CarriesDescriptors) {
  const SocketPair pair = MakeSocketPair().value();
  const int fds[] = {0, 1};
  ASSERT_TRUE(Send(pair.ours.get(), HelloMessage{7}, fds).ok());
  HelloMessage hello;
  std::vector<UniqueFd> received;
  ASSERT_TRUE(Receive(pair.theirs.get(), true, &hello, 2, &received));
  EXPECT_EQ(hello.version, 7u);
  ASSERT_EQ(received.size(), 2u);
  EXPECT_NE(::fcntl(received[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Wire, ClosesDescriptorsThatNobodyAskedFor) {
  const SocketPair pair = MakeSocketPair().value();
  const UniqueFd before(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fds[] = {0, 0, 0};
  ASSERT_TRUE(Send(pair.ours.get(), HelloMessage{7}, fds).ok());
  HelloMessage hello;
  ASSERT_TRUE(Receive(pair.theirs.get(), true, &hello));
  const UniqueFd after(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(after.get(), before.get() + 1);
}

TEST(Wire, RefusesMessagesOfAnotherLength) {
  const SocketPair pair = MakeSocketPair().value();
  HelloMessage hello;
  ASSERT_TRUE(Send(pair.ours.get(), uint8_t{1}).ok());
  EXPECT_FALSE(Receive(pair.theirs.get(), true, &hello));
  ASSERT_TRUE(Send(pair.ours.get(), uint64_t{1}).ok());
  EXPECT_FALSE(Receive(pair.theirs.get(), true, &hello));
  EXPECT_FALSE(Receive(pair.theirs.get(), /*wait=*/false, &hello)) << "nothing is there";
}

TEST(Wire, TellsWhenTheOtherEndIsGone) {
  SocketPair pair = MakeSocketPair().value();
  pair.theirs = UniqueFd();
  EXPECT_EQ(Send(pair.ours.get(), HelloMessage{1}).code(), absl::StatusCode::kUnavailable);
  HelloMessage hello;
  EXPECT_FALSE(Receive(pair.ours.get(), true, &hello));
}

}  // namespace
}  // namespace tidepool::daemon
