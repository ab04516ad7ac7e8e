#include "daemon/http/ops_door.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/daemon/http/test_client.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

class OpsDoorTest : public testing::Test {
 protected:
  OpsDoorTest() {
    auto door = OpsDoor::Listen({.address = "127.0.0.1:0",
                                 .metrics = [] { return std::string("a_total 1\n"); },
                                 .is_healthy = [this] { return is_healthy_.load(); },
                                 .version_json = "{\"version\":\"9\"}\n"});
    EXPECT_THAT(door.status(), test::IsOk());
    door_ = *std::move(door);
    const std::string& address = door_->address();
    port_ = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  std::atomic<bool> is_healthy_{true};
  std::unique_ptr<OpsDoor> door_;
  uint16_t port_ = 0;
};

TEST_F(OpsDoorTest, TellsHealthAndReadinessApart) {
  EXPECT_EQ(Get(port_, "/healthz").status, 200);
  EXPECT_EQ(Get(port_, "/readyz").status, 503);
  door_->SetReady(true);
  EXPECT_EQ(Get(port_, "/readyz").status, 200);
  is_healthy_ = false;
  EXPECT_EQ(Get(port_, "/healthz").status, 503);
}

TEST_F(OpsDoorTest, ShowsMetricsAndVersion) {
  TestClient client(port_);
  EXPECT_EQ(client.Get("/metrics").body, "a_total 1\n");
  EXPECT_EQ(client.Get("/version").body, "{\"version\":\"9\"}\n");
}

TEST_F(OpsDoorTest, RefusesTheRest) {
  TestClient client(port_);
  EXPECT_EQ(client.Get("/other").status, 404);
  EXPECT_EQ(client.Post("/metrics", "").status, 501);
  client.Send("nonsense\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 400);
}

}  // namespace
}  // namespace tidepool::daemon
