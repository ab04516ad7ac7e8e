#include "daemon/http/loopback_address.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

TEST(LoopbackAddress, TakesLoopbackOnly) {
  EXPECT_EQ(AddressText(*ParseLoopbackAddress("s", "127.0.0.1:80")), "127.0.0.1:80");
  EXPECT_EQ(AddressText(*ParseLoopbackAddress("s", "localhost:0")), "127.0.0.1:0");
  EXPECT_EQ(AddressText(*ParseLoopbackAddress("s", "[::1]:81")), "[::1]:81");
  for (const char* address : {"0.0.0.0:80", "[::]:80", "192.168.1.1:80", "example.com:80",
                              "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", ":80"}) {
    const auto parsed = ParseLoopbackAddress("listen.http", address);
    EXPECT_THAT(parsed.status(), test::StatusIs(absl::StatusCode::kInvalidArgument)) << address;
    EXPECT_THAT(std::string(parsed.status().message()), testing::HasSubstr("listen.http"));
  }
}

}  // namespace
}  // namespace tidepool::daemon
