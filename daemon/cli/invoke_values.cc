#include "daemon/cli/invoke_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include <boost/json.hpp>

#include "daemon/cli/api_json.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

using invoke::v1::Value;

constexpr size_t kVectorDigits = 32;

// Signed and unsigned alike, as WebAssembly does: 4294967295 and -1 are the same i32.
template <typename Signed, typename Unsigned>
bool ParseInteger(absl::string_view text, Signed* value) {
  Unsigned bits = 0;
  absl::string_view digits = text;
  if (absl::ConsumePrefix(&digits, "0x") || absl::ConsumePrefix(&digits, "0X")) {
    if (!absl::SimpleHexAtoi(digits, &bits)) return false;
  } else if (absl::StartsWith(text, "-")) {
    return absl::SimpleAtoi(text, value);
  } else if (!absl::SimpleAtoi(text, &bits)) {
    return false;
  }
  *value = static_cast<Signed>(bits);
  return true;
}

bool ParseVector(absl::string_view text, std::string* bytes) {
  if (!absl::ConsumePrefix(&text, "0x") || text.size() != kVectorDigits) return false;
  if (!std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      })) {
    return false;
  }
  *bytes = absl::HexStringToBytes(text);
  std::reverse(bytes->begin(), bytes->end());
  return true;
}

bool PutValue(const std::string& text, admin::v1::ValueType type, Value& value) {
  switch (type) {
    case admin::v1::I32: {
      int32_t number = 0;
      if (!ParseInteger<int32_t, uint32_t>(text, &number)) return false;
      value.set_i32(number);
      return true;
    }
    case admin::v1::I64: {
      int64_t number = 0;
      if (!ParseInteger<int64_t, uint64_t>(text, &number)) return false;
      value.set_i64(number);
      return true;
    }
    case admin::v1::F32: {
      float number = 0;
      if (!absl::SimpleAtof(text, &number)) return false;
      value.set_f32(number);
      return true;
    }
    case admin::v1::F64: {
      double number = 0;
      if (!absl::SimpleAtod(text, &number)) return false;
      value.set_f64(number);
      return true;
    }
    case admin::v1::V128:
      return ParseVector(text, value.mutable_v128());
    default:
      return false;
  }
}

std::string FormatFloat(double number, int digits) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  return absl::StrFormat("%.*g", digits, number);
}

boost::json::value FloatJson(double number, int digits) {
  // JSON has no word for these.
  if (!std::isfinite(number)) return boost::json::value(FormatFloat(number, digits));
  return number;
}

}  // namespace

absl::Status PutArguments(const std::vector<std::string>& texts,
                          const admin::v1::ExportedFunction& exported,
                          invoke::v1::Call& call) {
  const auto count = static_cast<size_t>(exported.params_size());
  if (texts.size() != count) {
    return absl::InvalidArgumentError(absl::StrCat(
        "export ", exported.name(), " takes ", count, " arguments, not ", texts.size()));
  }
  for (size_t i = 0; i < count; ++i) {
    const auto type = exported.params(static_cast<int>(i));
    if (!PutValue(texts[i], type, *call.add_args())) {
      return absl::InvalidArgumentError(absl::StrCat("argument ",
                                                     i + 1,
                                                     " of ",
                                                     exported.name(),
                                                     ": \"",
                                                     texts[i],
                                                     "\" is not of type ",
                                                     NameOf(type)));
    }
  }
  return absl::OkStatus();
}

std::string FormatValue(const Value& value) {
  switch (value.kind_case()) {
    case Value::kI32:
      return absl::StrCat(value.i32());
    case Value::kI64:
      return absl::StrCat(value.i64());
    case Value::kF32:
      return FormatFloat(value.f32(), std::numeric_limits<float>::max_digits10);
    case Value::kF64:
      return FormatFloat(value.f64(), std::numeric_limits<double>::max_digits10);
    case Value::kV128: {
      std::string bytes = value.v128();
      std::reverse(bytes.begin(), bytes.end());
      return absl::StrCat("0x", absl::BytesToHexString(bytes));
    }
    case Value::KIND_NOT_SET:
      return "";
  }
  return "";
}

boost::json::value ToJson(const Value& value) {
  switch (value.kind_case()) {
    case Value::kI32:
      return {{"i32", value.i32()}};
    case Value::kI64:
      return {{"i64", value.i64()}};
    case Value::kF32:
      return {{"f32", FloatJson(value.f32(), std::numeric_limits<float>::max_digits10)}};
    case Value::kF64:
      return {{"f64", FloatJson(value.f64(), std::numeric_limits<double>::max_digits10)}};
    case Value::kV128:
      return {{"v128", FormatValue(value)}};
    case Value::KIND_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

}  // namespace tidepool::daemon
