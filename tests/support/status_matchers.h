// Matchers for absl::Status and absl::StatusOr, with the meaning they have in newer Abseil.
//
//   EXPECT_THAT(pool.Take(…), IsOk());
//   EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("slot")));
//   TP_ASSERT_OK_AND_ASSIGN(Lease lease, pool.Take(…));
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::test {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}
template <typename T>
std::string MessageOf(const T& value) {
  return std::string(StatusOf(value).message());
}

MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(StatusIs, code, "") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message, "") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         ::testing::ExplainMatchResult(message, MessageOf(arg), result_listener);
}

}  // namespace tidepool::test

#define TP_ASSERT_OK_AND_ASSIGN(declaration, expression) \
  TP_ASSERT_OK_AND_ASSIGN_INNER(TP_TEST_CONCAT(tp_value_, __LINE__), declaration, expression)
#define TP_ASSERT_OK_AND_ASSIGN_INNER(temporary, declaration, expression) \
  auto temporary = (expression);                                          \
  ASSERT_TRUE(temporary.ok()) << temporary.status();                      \
  declaration = *std::move(temporary)
#define TP_TEST_CONCAT(a, b) TP_TEST_CONCAT_INNER(a, b)
#define TP_TEST_CONCAT_INNER(a, b) a##b
