#include "daemon/invoke/failure.h"

#include <boost/json.hpp>

#include "daemon/invoke/ulid.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

TEST(ProblemJson, NamesTheLimitAndNotTheDetail) {
  Limits limits;
  const Failure failure = LimitFailure(Reason::CPU_LIMIT, LimitName::kCpu, limits, 1'003'000'000,
                                       "secret.c line 7");
  const std::string text = ProblemJson(failure, "01J", "r-1");
  const boost::json::object json = boost::json::parse(text).as_object();
  EXPECT_EQ(json.at("type"), "urn:tidepool:error:cpu-limit");
  EXPECT_EQ(json.at("title"), "CPU time limit reached");
  EXPECT_EQ(json.at("status"), 500);
  EXPECT_EQ(json.at("reason"), "CPU_LIMIT");
  EXPECT_EQ(json.at("fault"), "guest");
  EXPECT_EQ(json.at("invocation_id"), "01J");
  const boost::json::object limit = json.at("limit").as_object();
  EXPECT_EQ(limit.at("name"), "cpu");
  EXPECT_EQ(limit.at("allowed"), "1s");
  EXPECT_EQ(limit.at("used"), "1003ms");
  EXPECT_EQ(limit.at("set_by"), "defaults");
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("secret")));
}

TEST(ProblemJson, IsWellFormedForEveryReason) {
  for (uint32_t i = 0; i < kReasonCount; ++i) {
    const Failure failure = MakeFailure(static_cast<Reason>(i));
    boost::json::error_code error;
    const boost::json::value json = boost::json::parse(ProblemJson(failure, "", ""), error);
    ASSERT_FALSE(error);
    EXPECT_EQ(json.at("reason").as_string(), std::string(FactsOf(failure.reason).name));
  }
}

TEST(AppendJsonString, EscapesAndRepairs) {
  std::string out;
  AppendJsonString(out, "a\"b\\c\n\x01 \xC3\xA9 \xFF \xED\xA0\x80");
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\u000a\\u0001 \xC3\xA9 \\ufffd \\ufffd\\ufffd\\ufffd\"");
}

TEST(Ulid, AscendsAndTellsTheTime) {
  UlidSource source;
  std::string last;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = source.Next(1'700'000'000'000 + static_cast<uint64_t>(i / 10));
    EXPECT_EQ(id.size(), 26u);
    EXPECT_LT(last, id);
    last = id;
  }
  EXPECT_EQ(source.Next(1'800'000'000'000).substr(0, 10), "01MCC5RM00");
  EXPECT_LT(last, source.Next(1'600'000'000'000)) << "a clock that went back";
}

}  // namespace
}  // namespace tidepool::daemon
