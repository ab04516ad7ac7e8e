// Invocations over gRPC: what reaches the Invoker, and what the caller is told.
#include <atomic>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "tests/daemon/control/control_world.h"

#include "tidepool/invoke/v1/invoke.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using invoke::v1::InvokeResponse;
using test::ControlWorld;
using ::testing::HasSubstr;
using ::testing::Not;
using Message = invoke::v1::InvokeRequest;

struct Details {
  google::rpc::ErrorInfo info;
  std::optional<google::rpc::QuotaFailure> quota;
  std::optional<google::rpc::RetryInfo> retry;
};

Details DetailsOf(const grpc::Status& status) {
  Details details;
  google::rpc::Status message;
  EXPECT_TRUE(message.ParseFromString(status.error_details()));
  EXPECT_EQ(message.code(), status.error_code());
  for (const auto& any : message.details()) {
    google::rpc::QuotaFailure quota;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&quota)) details.quota = quota;
    if (any.UnpackTo(&retry)) details.retry = retry;
    any.UnpackTo(&details.info);
  }
  EXPECT_EQ(details.info.domain(), "tidepool");
  return details;
}

class InvokeDoorTest : public ::testing::Test {
 protected:
  InvokeDoorTest() { world_.server(); }

  grpc::Status Invoke(const std::shared_ptr<grpc::Channel>& channel,
                      const Message& request,
                      InvokeResponse* response) {
    grpc::ClientContext context;
    return invoke::v1::Invoker::NewStub(channel)->Invoke(&context, request, response);
  }
  grpc::Status Invoke(const Message& request) {
    InvokeResponse response;
    return Invoke(world_.AdminChannel(), request, &response);
  }
  static Message Request() {
    Message request;
    request.set_function("tenants/a/functions/f");
    request.mutable_http()->set_target("/x?y=1");
    return request;
  }

  ControlWorld world_;
};

TEST_F(InvokeDoorTest, AnHttpRequestArrivesWhole) {
  world_.invoker().SetAnswer([](const InvokeRequest&) {
    InvokeOutcome outcome;
    outcome.invocation_id = "01JTEST";
    outcome.result = HttpOutput{.status = 404, .headers = {{"a", "b"}}, .body = "gone"};
    return outcome;
  });
  Message request = Request();
  request.set_function("tenants/a/functions/f:3");
  request.mutable_http()->set_method("PUT");
  request.mutable_http()->set_body(std::string("\0body", 5));
  auto* header = request.mutable_http()->add_headers();
  header->set_name("X-One");
  header->set_value("1");
  header = request.mutable_http()->add_headers();
  header->set_name("Content-Length");  // A lie that the guest must not see.
  header->set_value("99");
  header = request.mutable_http()->add_headers();
  header->set_name("Host");
  header->set_value("example.org:81");
  InvokeResponse response;
  ASSERT_TRUE(Invoke(world_.PublicChannel(), request, &response).ok());
  EXPECT_EQ(response.invocation(), "01JTEST");
  EXPECT_EQ(response.http().status(), 404u) << "a guest's own status is an answer, not an error";
  EXPECT_EQ(response.http().body(), "gone");
  const InvokeRequest seen = world_.invoker().last();
  EXPECT_EQ(seen.function.tenant, "a");
  EXPECT_EQ(seen.function.function, "f");
  EXPECT_EQ(seen.function.revision, "3");
  const auto& http = std::get<HttpInput>(seen.input);
  EXPECT_EQ(http.method, "PUT");
  EXPECT_EQ(http.target, "/x?y=1");
  EXPECT_EQ(http.body, std::string("\0body", 5));
  ASSERT_EQ(http.headers.size(), 2u);
  EXPECT_EQ(http.headers[0].name, "x-one");
  EXPECT_EQ(http.server_name, "example.org");
  EXPECT_EQ(http.server_port, "81");
}

TEST_F(InvokeDoorTest, AnEmptyRequestIsAPostOfTheRoot) {
  Message request;
  request.set_function("tenants/a/functions/f@latest");
  Invoke(request);
  const auto http = std::get<HttpInput>(world_.invoker().last().input);
  EXPECT_EQ(http.method, "POST");
  EXPECT_EQ(http.target, "/");
  EXPECT_EQ(world_.invoker().last().function.revision, "latest");
}

TEST_F(InvokeDoorTest, TypedValuesKeepTheirBits) {
  using engine::wasm::ValueKind;
  world_.invoker().SetAnswer([](const InvokeRequest& request) {
    InvokeOutcome outcome;
    outcome.result = std::get<CallInput>(request.input).arguments;
    return outcome;
  });
  Message request;
  request.set_function("tenants/a/functions/f");
  invoke::v1::Call& call = *request.mutable_call();
  call.set_export_("echo");
  call.add_args()->set_i32(-1);
  call.add_args()->set_i64(INT64_MIN);
  call.add_args()->set_f32(-0.0f);
  call.add_args()->set_f64(0.1);
  call.add_args()->set_v128("0123456789abcdef");
  InvokeResponse response;
  ASSERT_TRUE(Invoke(world_.AdminChannel(), request, &response).ok());
  ASSERT_EQ(response.results().values_size(), 5);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(response.results().values(i).SerializeAsString(), call.args(i).SerializeAsString());
  }
  const auto seen = std::get<CallInput>(world_.invoker().last().input);
  EXPECT_EQ(seen.export_name, "echo");
  EXPECT_EQ(seen.arguments[0].kind, ValueKind::kI32);
  EXPECT_EQ(seen.arguments[0].value.i32(), 0xFFFFFFFFu);
  EXPECT_EQ(seen.arguments[4].value.low, 0x3736353433323130u);
}

TEST_F(InvokeDoorTest, EveryReasonComesWithItsCodeAndDetails) {
  for (uint32_t i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    const ReasonFacts& facts = FactsOf(reason);
    SCOPED_TRACE(std::string(facts.name));
    Failure failure;
    failure.reason = reason;
    failure.detail = "secret of the guest";
    failure.retry_after = absl::Milliseconds(1500);
    world_.invoker().AnswerWith(failure);
    InvokeResponse response;
    const grpc::Status status = Invoke(world_.PublicChannel(), Request(), &response);
    EXPECT_EQ(static_cast<int>(status.error_code()), static_cast<int>(facts.grpc_code));
    EXPECT_THAT(status.error_message(), HasSubstr(std::string(facts.title)));
    const Details details = DetailsOf(status);
    EXPECT_EQ(details.info.reason(), std::string(facts.name));
    EXPECT_EQ(details.info.metadata().at("invocation"), "01JTEST");
    EXPECT_EQ(details.quota.has_value(), facts.grpc_code == GrpcCode::RESOURCE_EXHAUSTED);
    ASSERT_EQ(details.retry.has_value(), facts.retry);
    if (facts.retry) {
      EXPECT_EQ(details.retry->retry_delay().seconds(), 1);
      EXPECT_EQ(details.retry->retry_delay().nanos(), 500'000'000);
    }
    // The public learns what it did wrong itself, and nothing about the guest.
    if (facts.fault == Fault::kCaller) {
      EXPECT_THAT(status.error_message(), HasSubstr("secret"));
    } else {
      EXPECT_THAT(status.error_message(), Not(HasSubstr("secret")));
    }
    EXPECT_THAT(Invoke(Request()).error_message(), HasSubstr("secret")) << "its owner learns all";
  }
}

TEST_F(InvokeDoorTest, ALimitIsNamedWithItsNumbers) {
  Failure failure;
  failure.reason = Reason::CPU_LIMIT;
  failure.limit = LimitReached{"cpu", "1s", "1.003s", "tenants/a"};
  world_.invoker().AnswerWith(failure);
  const grpc::Status status = Invoke(Request());
  EXPECT_THAT(status.error_message(), HasSubstr("cpu: 1s allowed, 1.003s used (set by tenants/a)"));
  const Details details = DetailsOf(status);
  EXPECT_EQ(details.info.metadata().at("limit"), "cpu");
  EXPECT_EQ(details.info.metadata().at("fault"), "guest");
  ASSERT_TRUE(details.quota.has_value());
  EXPECT_EQ(details.quota->violations(0).subject(), "tenants/a");
}

TEST_F(InvokeDoorTest, RefusesWhatHttpDoesNotAllowBeforeAnybodyIsAsked) {
  const auto expect = [&](const char* reason, const Message& request) {
    EXPECT_EQ(DetailsOf(Invoke(request)).info.reason(), reason) << request.ShortDebugString();
  };
  Message request = Request();
  request.set_function("functions/f");
  expect("BAD_REQUEST", request);
  request.set_function("tenants/a/functions/f:");
  expect("BAD_REQUEST", request);
  for (const char* target : {"no-slash", "/a b", "/a\r\nX: y", "/a#b"}) {
    request = Request();
    request.mutable_http()->set_target(target);
    expect("BAD_REQUEST", request);
  }
  request = Request();
  request.mutable_http()->set_method("GE T");
  expect("BAD_REQUEST", request);
  request.mutable_http()->set_method("TRACE");
  expect("METHOD", request);
  request = Request();
  request.mutable_http()->set_target("/" + std::string(16 * 1024, 'x'));
  expect("URI_TOO_LONG", request);
  request = Request();
  auto* header = request.mutable_http()->add_headers();
  header->set_name("a");
  header->set_value("b\r\nInjected: yes");
  expect("BAD_REQUEST", request);
  header->set_value(std::string(64 * 1024, 'x'));
  expect("HEADERS_TOO_LARGE", request);
  request = Request();
  for (int i = 0; i < 101; ++i) request.mutable_http()->add_headers()->set_name("a");
  expect("HEADERS_TOO_LARGE", request);
  request = Request();
  request.mutable_call()->add_args();
  expect("BAD_REQUEST", request);
  request.mutable_call()->set_export_("f");
  expect("BAD_REQUEST", request);
  request.mutable_call()->mutable_args(0)->set_v128("short");
  expect("BAD_REQUEST", request);
  EXPECT_EQ(world_.invoker().calls(), 0u);
}

TEST_F(InvokeDoorTest, ABodyOverTheLimitStillReachesOurReason) {
  Message request = Request();
  request.mutable_http()->set_body(std::string((1 << 20) + 32 * 1024, 'x'));
  Invoke(request);
  EXPECT_EQ(world_.invoker().calls(), 1u);
  request.mutable_http()->set_body(std::string(4 << 20, 'x'));
  InvokeResponse response;
  EXPECT_EQ(Invoke(world_.PublicChannel(), request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED)
      << "gRPC's own bound";
}

TEST_F(InvokeDoorTest, TheClientsDeadlineAndLeavingAreSeen) {
  std::atomic<bool> gone{false};
  world_.invoker().SetAnswer([&](const InvokeRequest& request) {
    for (int i = 0; i < 500 && !request.client_gone->load(); ++i)
      absl::SleepFor(absl::Milliseconds(10));
    gone = request.client_gone->load();
    InvokeOutcome outcome;
    outcome.result = Failure{.reason = Reason::CLIENT_GONE};
    return outcome;
  });
  grpc::ClientContext context;
  const absl::Time deadline = absl::Now() + absl::Milliseconds(200);
  context.set_deadline(absl::ToChronoTime(deadline));
  InvokeResponse response;
  const auto stub = invoke::v1::Invoker::NewStub(world_.AdminChannel());
  EXPECT_EQ(stub->Invoke(&context, Request(), &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  for (int i = 0; i < 500 && !gone; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(gone);
  EXPECT_LT(world_.invoker().last().deadline, deadline + absl::Seconds(5));
}

TEST_F(InvokeDoorTest, ShutdownLetsCallsFinishAndRefusesNewOnes) {
  std::atomic<bool> release{false};
  std::atomic<bool> running{false};
  world_.invoker().SetAnswer([&](const InvokeRequest&) {
    running = true;
    while (!release) absl::SleepFor(absl::Milliseconds(1));
    InvokeOutcome outcome;
    outcome.result = HttpOutput{.body = "finished"};
    return outcome;
  });
  grpc::Status status;
  InvokeResponse response;
  const auto channel = world_.PublicChannel();
  std::thread caller([&] { status = Invoke(channel, Request(), &response); });
  while (!running) absl::SleepFor(absl::Milliseconds(1));
  std::thread stopper([&] { world_.server().Shutdown(absl::Now() + absl::Seconds(20)); });
  absl::SleepFor(absl::Milliseconds(100));
  InvokeResponse refused;
  EXPECT_EQ(Invoke(world_.PublicChannel(), Request(), &refused).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  release = true;
  caller.join();
  stopper.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.http().body(), "finished");
}

}  // namespace
}  // namespace tidepool::daemon
