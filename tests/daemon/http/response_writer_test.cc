#include "daemon/http/http_mapping.h"
#include "daemon/http/request_fields.h"
#include "daemon/invoke/failure.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(ResponseWriter, SendsWhatTheGuestSaidAndItsLength) {
  HttpOutput output;
  output.status = 201;
  output.headers = {{"content-type", "a/b"}, {"set-cookie", "a"}, {"set-cookie", "b"}};
  output.body = "hello";
  const std::string head =
      WriteResponseHead(output, {.request_id = "r", .invocation_id = "i", .revision = 7});
  EXPECT_THAT(head, StartsWith("HTTP/1.1 201 Created\r\ncontent-type: a/b\r\nset-cookie: a\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Request-Id: r\r\nX-Tidepool-Invocation: i\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Tidepool-Revision: 7\r\n"));
  EXPECT_THAT(head, HasSubstr("Date: "));
  EXPECT_THAT(head, Not(HasSubstr("Connection:")));
}

TEST(ResponseWriter, GivesTheSharedOriginASandboxAndNoCookies) {
  HttpOutput output;
  output.headers = {{"Set-Cookie", "a"}, {"content-type", "text/html"}};
  const std::string head = WriteResponseHead(output, {.sandbox = true});
  EXPECT_THAT(head, HasSubstr("Content-Security-Policy: sandbox\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Set-Cookie")));
}

TEST(ResponseWriter, HasNoLengthWhereThereIsNoBody) {
  HttpOutput output;
  output.status = 204;
  EXPECT_THAT(WriteResponseHead(output, {}), Not(HasSubstr("Content-Length")));
  output.status = 304;
  output.described_body_bytes = 9;
  EXPECT_THAT(WriteResponseHead(output, {}), HasSubstr("Content-Length: 9\r\n"));
}

TEST(ResponseWriter, WritesEveryReasonAsAProblem) {
  for (uint32_t i = 0; i < kReasonCount; ++i) {
    const Failure failure = MakeFailure(static_cast<Reason>(i), "not for the public");
    const ReasonFacts& facts = FactsOf(failure.reason);
    const std::string response = WriteFailure(failure, {.keep_alive = false});
    EXPECT_THAT(response, StartsWith("HTTP/1.1 " + std::to_string(facts.http_status) + " "));
    EXPECT_THAT(response, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_THAT(response, HasSubstr("\"reason\":\"" + std::string(facts.name) + "\""));
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(response, Not(HasSubstr("not for the public")));
    EXPECT_EQ(response.find("Retry-After: ") != std::string::npos, facts.retry);
    const bool names_fault = response.find("X-Tidepool-Fault: ") != std::string::npos;
    EXPECT_EQ(names_fault, facts.fault != Fault::kCaller);
  }
}

TEST(ResponseWriter, RoundsRetryAfterUpToASecond) {
  Failure failure = MakeFailure(Reason::TENANT_RATE);
  failure.retry_after = absl::Milliseconds(20);
  EXPECT_THAT(WriteFailure(failure, {}), HasSubstr("Retry-After: 1\r\n"));
  failure.retry_after = absl::Milliseconds(2001);
  EXPECT_THAT(WriteFailure(failure, {}), HasSubstr("Retry-After: 3\r\n"));
}

TEST(RequestFields, TakesAnIdThatIsOneAndMakesOneOtherwise) {
  EXPECT_EQ(RequestIdOf({{"x-Request-ID", "a.B_c-9"}}), "a.B_c-9");
  for (const std::string& bad : {std::string(""), std::string("a b"), std::string("a\"b"),
                                 std::string(129, 'a')}) {
    EXPECT_EQ(RequestIdOf({{"X-Request-Id", bad}}).size(), 26u) << bad;
  }
}

TEST(RequestFields, HidesOurOwnFieldsFromGuests) {
  const std::vector<HeaderField> fields =
      FieldsForGuest({{"X-Tidepool-Deadline-Ms", "5"}, {"X-Request-Id", "bad id"}, {"A", "b"}},
                     "good");
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].name, "A");
  EXPECT_EQ(fields[1].value, "good");
}

TEST(RequestFields, TellsTimesInMilliseconds) {
  InvokeOutcome outcome;
  outcome.queue_time = absl::Microseconds(7);
  outcome.run_time = absl::Microseconds(12'034);
  outcome.reset_time = absl::Microseconds(250);
  EXPECT_EQ(ServerTiming(outcome), "queue;dur=0.007, exec;dur=12.034, reset;dur=0.250");
}

}  // namespace
}  // namespace tidepool::daemon
