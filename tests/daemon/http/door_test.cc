// The HTTP door with real sockets: framing, limits of the door, every refusal it can give.
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/daemon/http/test_client.h"
#include "tests/daemon/http/test_server.h"

namespace tidepool::daemon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kMillisecond = 1'000'000;

class DoorTest : public testing::Test {
 protected:
  static TestServer::Options Impatient() {
    TestServer::Options options;
    options.door.header_timeout_ns = 200 * kMillisecond;
    options.door.body_timeout_ns = 200 * kMillisecond;
    options.door.write_timeout_ns = 300 * kMillisecond;
    options.door.idle_timeout_ns = 400 * kMillisecond;
    return options;
  }
  void Serve(const TestServer::Options& options = {}) {
    server_ = std::make_unique<TestServer>(options);
    server_->Deploy("t", "ok", AnsweringHandler("HTTP/1.1 200 OK\r\nx: y\r\n\r\nok\n"));
    server_->Deploy("t", "echo", EchoHandler());
  }
  TestClient Connect() { return TestClient(server_->port()); }
  std::unique_ptr<TestServer> server_;
};

TEST_F(DoorTest, AnswersAndTellsWhoAnswered) {
  Serve();
  const TestResponse response = Get(server_->port(), "/f/t/ok", "X-Request-Id: abc\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok\n");
  EXPECT_EQ(response.headers.at("x"), "y");
  EXPECT_EQ(response.headers.at("x-request-id"), "abc");
  EXPECT_EQ(response.headers.at("x-tidepool-revision"), "1");
  EXPECT_EQ(response.headers.at("x-tidepool-invocation").size(), 26u);
  EXPECT_THAT(response.headers.at("server-timing"), StartsWith("queue;dur="));
  EXPECT_EQ(response.headers.at("content-security-policy"), "sandbox");
}

TEST_F(DoorTest, RoutesByHost) {
  Serve();
  server_->Route("app.example", "/api", "t", "echo");
  TestClient client = Connect();
  client.Send("GET /api/x HTTP/1.1\r\nHost: APP.example.:80\r\n\r\n");
  const TestResponse response = client.Receive();
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, StartsWith("GET /api/x HTTP/1.1\r\n")) << "the raw path";
  EXPECT_FALSE(response.headers.contains("content-security-policy")) << "an origin of its own";
  EXPECT_EQ(client.Get("/api/x").reason(), "ROUTE");
}

TEST_F(DoorTest, KeepsTheConnectionAndTheOrderOfPipelinedRequests) {
  Serve();
  TestClient client = Connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Get("/f/t/ok").status, 200);
  std::string many;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&many, "GET /f/t/echo/", i, " HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  client.Send(many);
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(client.Receive().body, StartsWith(absl::StrCat("GET /f/t/echo/", i, " ")));
  }
}

TEST_F(DoorTest, GoesOnBehindARefusal) {
  Serve();
  TestClient client = Connect();
  EXPECT_EQ(client.Get("/f/t/none").reason(), "FUNCTION");
  EXPECT_EQ(client.Get("/f/t/ok:9").reason(), "REVISION");
  EXPECT_EQ(client.Get("/nowhere").reason(), "ROUTE");
  EXPECT_EQ(client.Get("/f/t/../ok").reason(), "BAD_REQUEST");
  EXPECT_EQ(client.Get("/f/t/ok").status, 200);
}

TEST_F(DoorTest, TakesBodiesByLengthAndByChunks) {
  Serve();
  TestClient client = Connect();
  EXPECT_THAT(client.Post("/f/t/echo", "hello").body, testing::EndsWith("\r\n\r\nhello"));
  client.Send("POST /f/t/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.Send("5\r\nhello\r\n");
  client.Send("6\r\n world\r\n0\r\nT: x\r\n\r\n");
  const std::string body = client.Receive().body;
  EXPECT_THAT(body, HasSubstr("content-length: 11\r\n\r\nhello world"));
  EXPECT_THAT(body, testing::Not(HasSubstr("transfer-encoding")));
  const std::string large(5'000'000, 'z');
  EXPECT_THAT(client.Post("/f/t/echo", large).body, testing::EndsWith(large));
}

TEST_F(DoorTest, SaysContinueOnlyToWhomItWillHear) {
  Serve();
  server_->Deploy("small", "echo", EchoHandler(), GuestAbi::kHandler, {"request_body=10"});
  TestClient client = Connect();
  client.Send("POST /f/t/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
              "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 100);
  client.Send("hi");
  EXPECT_EQ(client.Receive().status, 200);

  TestClient other = Connect();
  other.Send("POST /f/small/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n"
             "Expect: 100-continue\r\n\r\n");
  const TestResponse refused = other.Receive();
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.reason(), "REQUEST_TOO_LARGE");
}

TEST_F(DoorTest, RefusesABodyThatGrowsTooLargeAndCloses) {
  Serve();
  server_->Deploy("small", "echo", EchoHandler(), GuestAbi::kHandler, {"request_body=10"});
  TestClient client = Connect();
  client.Send("POST /f/small/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "b\r\n12345678901\r\n");
  EXPECT_EQ(client.Receive().reason(), "REQUEST_TOO_LARGE");
  EXPECT_TRUE(client.IsClosed(absl::Seconds(5)));
}

TEST_F(DoorTest, AnswersHeadWithoutABody) {
  Serve();
  TestClient client = Connect();
  client.Send("HEAD /f/t/ok HTTP/1.1\r\nHost: x\r\n\r\n");
  const TestResponse head = client.Receive(/*is_head=*/true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "3");
  EXPECT_EQ(client.Get("/f/t/ok").status, 200) << "nothing of a body is in the way";
  client.Send("HEAD /f/t/none HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.Receive(true).status, 404);
  EXPECT_EQ(client.Get("/f/t/ok").status, 200);
}

TEST_F(DoorTest, ClosesWhenAskedTo) {
  Serve();
  TestClient client = Connect();
  EXPECT_EQ(client.Get("/f/t/ok", "Connection: close\r\n").headers.at("connection"), "close");
  EXPECT_TRUE(client.IsClosed(absl::Seconds(5)));
  TestClient old = Connect();
  old.Send("GET /f/t/ok HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.Receive().status, 200);
  EXPECT_TRUE(old.IsClosed(absl::Seconds(5)));
}

TEST_F(DoorTest, RefusesWhatCouldBeSmuggledAndCloses) {
  Serve();
  for (const char* request : {
           "GET /f/t/ok HTTP/1.1\r\n\r\n",
           "GET /f/t/ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
           "POST /f/t/ok HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked"
           "\r\n\r\n0\r\n\r\nGET /f/t/echo HTTP/1.1\r\nHost: x\r\n\r\n",
           "POST /f/t/ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
           "GET /f/t/ok HTTP/1.1\nHost: x\n\n",
       }) {
    TestClient client = Connect();
    client.Send(request);
    const TestResponse response = client.Receive();
    EXPECT_EQ(response.status, 400) << request;
    EXPECT_EQ(response.reason(), "BAD_REQUEST");
    EXPECT_EQ(client.ReceiveRest(absl::Seconds(5)), "") << "one answer, no more: " << request;
  }
}

TEST_F(DoorTest, OffersNeitherTraceNorConnect) {
  Serve();
  for (const char* method : {"TRACE", "CONNECT"}) {
    TestClient client = Connect();
    client.Send(absl::StrCat(method, " /f/t/ok HTTP/1.1\r\nHost: x\r\n\r\n"));
    const TestResponse response = client.Receive();
    EXPECT_EQ(response.status, 501);
    EXPECT_EQ(response.reason(), "METHOD");
  }
}

TEST_F(DoorTest, BoundsTargetAndHeader) {
  Serve();
  const auto answer = [&](const std::string& request) {
    TestClient client = Connect();
    client.Send(request);
    const TestResponse response = client.Receive();
    return absl::StrCat(response.status, " ", response.reason());
  };
  EXPECT_EQ(answer("GET /" + std::string(17'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
            "414 URI_TOO_LONG");
  EXPECT_EQ(answer("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(66'000, 'a') + "\r\n\r\n"),
            "431 HEADERS_TOO_LARGE");
  std::string fields;
  for (int i = 0; i < 101; ++i) absl::StrAppend(&fields, "X-", i, ": y\r\n");
  EXPECT_EQ(answer("GET / HTTP/1.1\r\n" + fields + "\r\n"), "431 HEADERS_TOO_LARGE");
}

TEST_F(DoorTest, TiresOfSlowHeadersAndBodies) {
  Serve(Impatient());
  TestClient header = Connect();
  header.Send("GET /f/t/ok HT");
  const TestResponse slow_header = header.Receive();
  EXPECT_EQ(slow_header.status, 408);
  EXPECT_EQ(slow_header.reason(), "REQUEST_TIMEOUT");
  TestClient body = Connect();
  body.Send("POST /f/t/ok HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(body.Receive().reason(), "REQUEST_TIMEOUT");
  EXPECT_TRUE(body.IsClosed(absl::Seconds(5)));
  EXPECT_EQ(server_->plane().ledger().buffered_body_bytes.Get(), 0u);
}

TEST_F(DoorTest, IsPatientWithABodyThatMakesProgress) {
  Serve(Impatient());
  TestClient client = Connect();
  client.Send("POST /f/t/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n");
  for (int i = 0; i < 8; ++i) {
    absl::SleepFor(absl::Milliseconds(60));
    client.Send("z");
  }
  EXPECT_EQ(client.Receive().status, 200);
}

TEST_F(DoorTest, ClosesIdleAndSilentConnections) {
  Serve(Impatient());
  TestClient silent = Connect();
  TestClient idle = Connect();
  EXPECT_EQ(idle.Get("/f/t/ok").status, 200);
  EXPECT_TRUE(silent.IsClosed(absl::Seconds(5)));
  EXPECT_TRUE(idle.IsClosed(absl::Seconds(5)));
}

TEST_F(DoorTest, GivesUpOnAClientThatDoesNotRead) {
  Serve(Impatient());
  server_->Deploy("t", "large", LargeHandler(5'900'000));
  TestClient client(server_->port(), /*receive_buffer_bytes=*/4096);
  client.Send("GET /f/t/large HTTP/1.1\r\nHost: x\r\n\r\n");
  while (server_->plane().Snapshot().workers[0].finished == 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  const uint64_t charged = server_->plane().ledger().budget.charged_bytes();
  EXPECT_TRUE(server_->door().AwaitClosed(absl::Seconds(10)));
  EXPECT_LT(client.ReceiveRest(absl::Seconds(1)).size(), 5'900'000u) << "it was cut off";
  EXPECT_LE(server_->plane().ledger().budget.charged_bytes(), charged - 5'900'000)
      << "the body was charged as long as it was held";
}

TEST_F(DoorTest, DeliversALargeAnswerWhole) {
  Serve();
  server_->Deploy("t", "large", LargeHandler(6'000'000));
  EXPECT_EQ(Get(server_->port(), "/f/t/large").body, std::string(6'000'000, 'y'));
  EXPECT_EQ(server_->plane().ledger().budget.charged_bytes() < (100u << 20), true);
}

TEST_F(DoorTest, RefusesConnectionsBeyondItsLimit) {
  TestServer::Options options;
  options.door.connections_max = 2;
  Serve(options);
  TestClient first = Connect(), second = Connect();
  EXPECT_EQ(first.Get("/f/t/ok").status, 200);
  EXPECT_EQ(second.Get("/f/t/ok").status, 200);
  TestClient third = Connect();
  const TestResponse refused = third.Receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.reason(), "HOST_CAPACITY");
  first.Close();
  while (server_->door().connections() > 1) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(Get(server_->port(), "/f/t/ok").status, 200);
}

TEST_F(DoorTest, RefusesBodiesBeyondWhatTheHostBuffers) {
  TestServer::Options options;
  options.buffered_body_bytes_max = 1000;
  Serve(options);
  TestClient holder = Connect();
  holder.Send("POST /f/t/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 901\r\n\r\n" +
              std::string(900, 'a'));
  while (server_->plane().ledger().buffered_body_bytes.Get() < 900) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  const TestResponse refused = Connect().Post("/f/t/echo", std::string(200, 'b'));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.reason(), "HOST_CAPACITY");
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  holder.Send("a");
  EXPECT_EQ(holder.Receive().status, 200);
}

TEST_F(DoorTest, AnswersBalancers) {
  Serve();
  TestClient client = Connect();
  EXPECT_EQ(client.Get("/.well-known/tidepool/ready").body, "ready\n");
  server_->plane().BeginDrain();
  const TestResponse draining = client.Get("/.well-known/tidepool/ready");
  EXPECT_EQ(draining.status, 503);
  EXPECT_EQ(draining.reason(), "DRAINING");
  const TestResponse refused = client.Get("/f/t/ok");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.reason(), "DRAINING");
  EXPECT_TRUE(refused.headers.contains("retry-after"));
}

TEST_F(DoorTest, ClosesIdleConnectionsAndFinishesOthersWhenItStops) {
  Serve();
  server_->Deploy("t", "sleep", SleepingHandler(200 * kMillisecond));
  TestClient idle = Connect(), busy = Connect();
  EXPECT_EQ(idle.Get("/f/t/ok").status, 200);
  busy.Send("GET /f/t/sleep HTTP/1.1\r\nHost: x\r\n\r\n");
  absl::SleepFor(absl::Milliseconds(50));
  server_->door().StopAccepting();
  EXPECT_TRUE(idle.IsClosed(absl::Seconds(5)));
  const TestResponse response = busy.Receive();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("connection"), "close");
  EXPECT_TRUE(server_->door().AwaitClosed(absl::Seconds(5)));
}

}  // namespace
}  // namespace tidepool::daemon
