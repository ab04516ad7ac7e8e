#include "daemon/cli/local/typed_values.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "daemon/cli/local/run_local.h"
#include "tests/support/status_matchers.h"

namespace tidepool::daemon {
namespace {

using engine::Value;
using engine::wasm::FunctionType;
using engine::wasm::ValueType;
using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;

absl::StatusOr<Value> Parse(ValueType type, const std::string& text) {
  const std::string texts[] = {text};
  absl::StatusOr<engine::Values> values = ParseTypedValues(texts, FunctionType{{type}, {}});
  if (!values.ok()) return values.status();
  return (*values)[0];
}

TEST(TypedValues, IntegersAreSignedUnsignedOrHexadecimal) {
  EXPECT_EQ(Parse(ValueType::I32(), "-1")->i32(), 0xFFFF'FFFFu);
  EXPECT_EQ(Parse(ValueType::I32(), "-1")->low, 0xFFFF'FFFFu) << "zero-extended";
  EXPECT_EQ(Parse(ValueType::I32(), "4294967295")->i32(), 0xFFFF'FFFFu);
  EXPECT_EQ(Parse(ValueType::I32(), "0xff")->i32(), 255u);
  EXPECT_EQ(Parse(ValueType::I64(), "-9223372036854775808")->i64(), uint64_t{1} << 63);
  EXPECT_EQ(Parse(ValueType::I64(), "18446744073709551615")->i64(), UINT64_MAX);
}

TEST(TypedValues, WhatDoesNotFitIsRefused) {
  for (const char* text : {"4294967296", "-2147483649", "", "x", "1.5", "0x", "0x100000000"}) {
    EXPECT_THAT(Parse(ValueType::I32(), text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("argument 1")))
        << text;
  }
  EXPECT_THAT(Parse(ValueType::I64(), "18446744073709551616"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Parse(ValueType::F64(), "much"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Parse(ValueType::FuncRef(), "null"), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(TypedValues, FloatsAndVectors) {
  EXPECT_EQ(Parse(ValueType::F32(), "1.5")->f32(), 1.5f);
  EXPECT_EQ(Parse(ValueType::F64(), "-inf")->f64(), -INFINITY);
  EXPECT_TRUE(std::isnan(Parse(ValueType::F64(), "nan")->f64()));
  EXPECT_EQ(*Parse(ValueType::V128(), "0x00000000000000020000000000000001"), (Value{1, 2}));
  EXPECT_THAT(Parse(ValueType::V128(), "0x1"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TypedValues, CountIsThatOfTheSignature) {
  EXPECT_THAT(ParseTypedValues({}, FunctionType{{ValueType::I32()}, {}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("takes 1 arguments, not 0")));
}

TEST(TypedValues, ResultsReadBackAsTheSame) {
  const FunctionType type{
      {}, {ValueType::I32(), ValueType::I64(), ValueType::F64(), ValueType::V128()}};
  EXPECT_EQ(
      FormatTypedValues({Value::I32(UINT32_MAX), Value::I64(7), Value::F64(0.1), {1, 2}}, type),
      "-1\n7\n0.10000000000000001\n0x00000000000000020000000000000001\n");
}

TEST(RunOptions, DirectoriesHaveTwoNames) {
  TP_ASSERT_OK_AND_ASSIGN(const LocalDirectory directory, ParseDirectory("/srv/a::/data:ro"));
  EXPECT_EQ(directory.host_path, "/srv/a");
  EXPECT_EQ(directory.guest_name, "/data");
  EXPECT_TRUE(directory.read_only);
  TP_ASSERT_OK_AND_ASSIGN(const LocalDirectory same, ParseDirectory("here"));
  EXPECT_EQ(same.guest_name, "here");
  EXPECT_FALSE(same.read_only);
  for (const char* text : {"", "::", "::/data", "/srv::", ":ro"}) {
    EXPECT_THAT(ParseDirectory(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(RunOptions, StubsNameAPatternAndATreatment) {
  EXPECT_EQ(*ParseImportStub("bench.*=zero"), ImportStub("bench.*", engine::UnknownImports::kZero));
  EXPECT_EQ(ParseImportStub("a.b=trap")->second, engine::UnknownImports::kTrap);
  for (const char* text : {"", "bench.*", "=zero", "bench.*=one"}) {
    EXPECT_THAT(ParseImportStub(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace tidepool::daemon
