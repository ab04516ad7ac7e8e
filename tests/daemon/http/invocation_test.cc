// Invocations over HTTP and through the Invoker: what guests can do wrong, and every limit on them.
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/daemon/http/test_client.h"
#include "tests/daemon/http/test_server.h"

namespace tidepool::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kMillisecond = 1'000'000;

class InvocationTest : public testing::Test {
 protected:
  TestResponse Call(const std::string& tenant, const WasmBytes& module,
                    const std::vector<std::string>& limits = {},
                    GuestAbi abi = GuestAbi::kHandler) {
    server_.Deploy(tenant, "f", module, abi, limits);
    return Get(server_.port(), "/f/" + tenant + "/f");
  }
  static std::string Limit(const TestResponse& response) {
    const size_t at = response.body.find("\"limit\"");
    return at == std::string::npos ? "" : response.body.substr(at);
  }
  InvokeOutcome CallExport(const std::string& name, std::vector<TypedValue> arguments) {
    InvokeRequest request;
    request.function = {"t", "f", ""};
    request.input = CallInput{name, std::move(arguments)};
    return server_.Invoke(std::move(request));
  }
  static std::string FailureText(const InvokeOutcome& outcome) {
    const Failure* failure = std::get_if<Failure>(&outcome.result);
    return failure == nullptr ? "OK"
                              : absl::StrCat(FactsOf(failure->reason).name, " ", failure->detail);
  }
  static TypedValue I32(uint32_t value) {
    return {engine::wasm::ValueKind::kI32, engine::Value::I32(value)};
  }
  TestServer server_;
};

TEST_F(InvocationTest, ReportsATrapAndLogsItsBacktrace) {
  const TestResponse response = Call("t", TrappingHandler());
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.reason(), "GUEST_TRAP");
  EXPECT_EQ(response.headers.at("x-tidepool-fault"), "guest");
  EXPECT_THAT(response.body, Not(HasSubstr("unreachable"))) << "for the owner, not for the public";
  EXPECT_THAT(server_.Log("t", "f"), HasSubstr("sys GUEST_TRAP: "));
  EXPECT_THAT(server_.Log("t", "f"), HasSubstr("unreachable"));
  EXPECT_THAT(server_.Log("t", "f"), HasSubstr(response.headers.at("x-tidepool-invocation")));
}

TEST_F(InvocationTest, StopsALoopAtItsCpuLimit) {
  const absl::Time start = absl::Now();
  const TestResponse response = Call("t", LoopingHandler(), {"cpu=100ms"});
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.reason(), "CPU_LIMIT");
  EXPECT_THAT(Limit(response), HasSubstr("\"name\":\"cpu\",\"allowed\":\"100ms\""));
  EXPECT_THAT(Limit(response), HasSubstr("\"set_by\":\"tenants/t\""));
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
  EXPECT_THAT(server_.metrics().Expose(), HasSubstr("tidepool_kill_latency_seconds_count 1"));
}

TEST_F(InvocationTest, StopsALoopAtItsWallLimit) {
  const TestResponse response = Call("t", LoopingHandler(), {"wall=100ms", "cpu=1h"});
  EXPECT_EQ(response.status, 504);
  EXPECT_EQ(response.reason(), "WALL_LIMIT");
}

TEST_F(InvocationTest, WakesASleeperAtItsWallLimit) {
  const absl::Time start = absl::Now();
  const TestResponse response =
      Call("t", SleepingHandler(60'000 * kMillisecond), {"wall=100ms"});
  EXPECT_EQ(response.reason(), "WALL_LIMIT");
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
}

TEST_F(InvocationTest, LetsTheCallersDeadlineShortenTheWallLimit) {
  server_.Deploy("t", "f", SleepingHandler(60'000 * kMillisecond));
  const TestResponse response =
      Get(server_.port(), "/f/t/f", "X-Tidepool-Deadline-Ms: 100\r\n");
  EXPECT_EQ(response.reason(), "WALL_LIMIT");
  EXPECT_THAT(Limit(response), HasSubstr("the caller's deadline"));
  EXPECT_EQ(Get(server_.port(), "/f/t/f", "X-Tidepool-Deadline-Ms: soon\r\n").reason(),
            "BAD_REQUEST");
}

TEST_F(InvocationTest, NamesTheMemoryThatWasRefused) {
  const TestResponse response = Call("t", GrowingHandler(160), {"memory=1MiB"});
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.reason(), "MEMORY_LIMIT");
  EXPECT_THAT(Limit(response), HasSubstr("\"allowed\":\"1MiB\""));
  EXPECT_EQ(Call("u", GrowingHandler(160), {"memory=16MiB"}).status, 200);
}

TEST_F(InvocationTest, RefusesAModuleThatBeginsAboveItsMemoryLimit) {
  EXPECT_EQ(Call("t", GrowingHandler(0), {"memory=64KiB"}).reason(), "MEMORY_LIMIT");
}

TEST_F(InvocationTest, StopsEndlessRecursionAtItsStackLimit) {
  const TestResponse response = Call("t", RecursingHandler(), {"stack=128KiB"});
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.reason(), "STACK_LIMIT");
  EXPECT_THAT(Limit(response), HasSubstr("\"allowed\":\"128KiB\""));
}

TEST_F(InvocationTest, StopsAStartThatTakesTooLong) {
  const TestResponse response = Call("t", LoopingInitHandler(), {"startup=50ms"});
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.reason(), "INIT_FAILED");
  EXPECT_THAT(Limit(response), HasSubstr("\"name\":\"startup\""));
  EXPECT_EQ(Call("u", TrappingInitHandler()).reason(), "INIT_FAILED");
}

TEST_F(InvocationTest, RefusesAnswersThatAreNone) {
  for (const WasmBytes& module :
       {AnsweringHandler("nonsense"), AnsweringHandler(""),
        AnsweringHandler("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
        AnsweringHandler("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), RefusingHandler(),
        StrayingHandler(), Arithmetic()}) {
    const TestResponse response = Call("t", module);
    EXPECT_EQ(response.status, 502);
    EXPECT_EQ(response.reason(), "BAD_GUEST_RESPONSE");
  }
}

TEST_F(InvocationTest, RefusesAnAnswerThatIsTooLarge) {
  const TestResponse response = Call("t", LargeHandler(100'001), {"response_body=100000"});
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.reason(), "RESPONSE_TOO_LARGE");
  EXPECT_EQ(Call("u", LargeHandler(100'000), {"response_body=100000"}).status, 200);
}

TEST_F(InvocationTest, KeepsNothingFromOneInvocationToTheNext) {
  server_.Deploy("t", "f", RememberingHandler());
  TestClient client(server_.port());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Get("/f/t/f").status, 200);
}

TEST_F(InvocationTest, RunsCommands) {
  EXPECT_EQ(Call("t", PrintingCommand("plain", 0), {}, GuestAbi::kCommand).body, "plain");
  const TestResponse cgi = Call("t", PrintingCommand("Status: 418\nX-A: b\n\ntea", 0), {},
                                GuestAbi::kCommand);
  EXPECT_EQ(cgi.status, 418);
  EXPECT_EQ(cgi.headers.at("x-a"), "b");
  server_.Deploy("t", "cat", CatCommand(), GuestAbi::kCommand);
  const std::string body(200'000, 'q');
  EXPECT_EQ(TestClient(server_.port()).Post("/f/t/cat", body).body, body);
}

TEST_F(InvocationTest, ReportsACommandsExitCodeAndLogsWhatItSaid) {
  const TestResponse response = Call("t", PrintingCommand("said", 7), {}, GuestAbi::kCommand);
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.reason(), "GUEST_EXIT");
  EXPECT_THAT(server_.Log("t", "f"), HasSubstr(" out said"));
  EXPECT_THAT(server_.Log("t", "f"), HasSubstr("sys GUEST_EXIT: exit code 7"));
}

TEST_F(InvocationTest, BoundsACommandsAnswer) {
  const TestResponse response = Call("t", PrintingCommand(std::string(2000, 'x'), 0),
                                     {"response_body=1999"}, GuestAbi::kCommand);
  EXPECT_EQ(response.reason(), "RESPONSE_TOO_LARGE");
}

TEST_F(InvocationTest, CutsALogAtItsLimitAndSaysSo) {
  EXPECT_EQ(Call("t", LoggingHandler(5'000), {"log=1KiB"}).status, 200);
  const std::string log = server_.Log("t", "f");
  EXPECT_THAT(log, HasSubstr(" err " + std::string(1024, 'x') + "\n"));
  EXPECT_THAT(log, Not(HasSubstr(std::string(1025, 'x'))));
  EXPECT_THAT(log, HasSubstr("sys log truncated"));
}

TEST_F(InvocationTest, CallsExportsWithTypedValues) {
  server_.Deploy("t", "f", Arithmetic(), GuestAbi::kExport);
  const InvokeOutcome sum = CallExport("add", {I32(2), I32(40)});
  const auto& values = std::get<std::vector<TypedValue>>(sum.result);
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].value.i32(), 42u);
  const InvokeOutcome swapped = CallExport(
      "swap", {I32(7), {engine::wasm::ValueKind::kI64, engine::Value::I64(uint64_t{1} << 40)}});
  const auto& two = std::get<std::vector<TypedValue>>(swapped.result);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].value.i64(), uint64_t{1} << 40);
  EXPECT_EQ(two[1].kind, engine::wasm::ValueKind::kI32);
  EXPECT_THAT(FailureText(CallExport("div", {I32(1), I32(0)})), HasSubstr("GUEST_TRAP"));
}

TEST_F(InvocationTest, SaysWhichArgumentDoesNotFit) {
  server_.Deploy("t", "f", Arithmetic(), GuestAbi::kExport);
  EXPECT_THAT(FailureText(CallExport("add", {I32(1)})),
              HasSubstr("BAD_REQUEST export add is [i32 i32] -> [i32]: 1 arguments were given"));
  EXPECT_THAT(FailureText(CallExport(
                  "add", {I32(1), {engine::wasm::ValueKind::kF64, engine::Value::F64(1)}})),
              HasSubstr("argument 1 is f64"));
  EXPECT_THAT(FailureText(CallExport("none", {})), HasSubstr("no exported function \"none\""));
}

TEST_F(InvocationTest, IsCalledThroughItsOwnDoorOnly) {
  server_.Deploy("t", "f", Arithmetic(), GuestAbi::kExport);
  const TestResponse over_http = Get(server_.port(), "/f/t/f");
  EXPECT_EQ(over_http.status, 404);
  EXPECT_EQ(over_http.reason(), "WRONG_ABI");
  server_.Deploy("t", "f", EchoHandler());
  EXPECT_THAT(FailureText(CallExport("add", {})), HasSubstr("WRONG_ABI"));
}

TEST_F(InvocationTest, AnswersHttpInputFromAnyThread) {
  server_.Deploy("t", "f", EchoHandler());
  InvokeRequest request;
  request.function = {"t", "f", "latest"};
  request.input = HttpInput{.method = "PUT", .target = "/x", .body = "from gRPC"};
  const InvokeOutcome outcome = server_.Invoke(std::move(request));
  EXPECT_THAT(std::get<HttpOutput>(outcome.result).body,
              testing::AllOf(testing::StartsWith("PUT /x "), testing::EndsWith("from gRPC")));
  EXPECT_EQ(outcome.revision, 1u);
}

TEST_F(InvocationTest, EndsWhatRunsWhenTheDrainIsOver) {
  server_.Deploy("t", "f", LoopingHandler(), GuestAbi::kHandler, {"cpu=1h", "wall=1h"});
  TestClient client(server_.port());
  client.Send("GET /f/t/f HTTP/1.1\r\nHost: x\r\n\r\n");
  while (server_.plane().Snapshot().workers[0].running == 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_FALSE(server_.plane().AwaitIdle(absl::Milliseconds(50)));
  server_.plane().StopRest();
  EXPECT_EQ(client.Receive().reason(), "DRAINING");
  EXPECT_TRUE(server_.plane().AwaitIdle(absl::Seconds(10)));
}

}  // namespace
}  // namespace tidepool::daemon
