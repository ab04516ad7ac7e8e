#include "daemon/cli/local/typed_values.h"

#include <cstdint>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace tidepool::daemon {
namespace {

using engine::Value;
using engine::wasm::ValueKind;
using engine::wasm::ValueType;

std::optional<uint64_t> ParseInteger(absl::string_view text, bool is_wide) {
  uint64_t value = 0;
  int64_t negative = 0;
  absl::string_view digits = text;
  if (absl::ConsumePrefix(&digits, "0x")) {
    if (!absl::SimpleHexAtoi(digits, &value)) return std::nullopt;
  } else if (!absl::SimpleAtoi(text, &value)) {
    if (!absl::SimpleAtoi(text, &negative)) return std::nullopt;
    if (!is_wide && negative < INT32_MIN) return std::nullopt;
    value = static_cast<uint64_t>(negative);
    return is_wide ? value : value & UINT32_MAX;
  }
  if (!is_wide && value > UINT32_MAX) return std::nullopt;
  return value;
}

std::optional<Value> ParseVector(absl::string_view text) {
  constexpr size_t kHalfDigits = 16;
  Value value;
  if (!absl::ConsumePrefix(&text, "0x") || text.size() != 2 * kHalfDigits ||
      !absl::SimpleHexAtoi(text.substr(0, kHalfDigits), &value.high) ||
      !absl::SimpleHexAtoi(text.substr(kHalfDigits), &value.low)) {
    return std::nullopt;
  }
  return value;
}

std::optional<Value> ParseOne(absl::string_view text, ValueType type) {
  switch (type.kind()) {
    case ValueKind::kI32:
    case ValueKind::kI64: {
      const auto bits = ParseInteger(text, type.kind() == ValueKind::kI64);
      if (!bits.has_value()) return std::nullopt;
      return Value{*bits, 0};
    }
    case ValueKind::kF32: {
      float value = 0;
      if (!absl::SimpleAtof(text, &value)) return std::nullopt;
      return Value::F32(value);
    }
    case ValueKind::kF64: {
      double value = 0;
      if (!absl::SimpleAtod(text, &value)) return std::nullopt;
      return Value::F64(value);
    }
    case ValueKind::kV128:
      return ParseVector(text);
    case ValueKind::kRef:
    case ValueKind::kBottom:
      break;
  }
  return std::nullopt;
}

std::string FormatOne(Value value, ValueType type) {
  switch (type.kind()) {
    case ValueKind::kI32:
      return absl::StrCat(static_cast<int32_t>(value.i32()));
    case ValueKind::kI64:
      return absl::StrCat(static_cast<int64_t>(value.i64()));
    case ValueKind::kF32:
      return absl::StrFormat("%.9g", value.f32());  // Enough digits to read the same value back.
    case ValueKind::kF64:
      return absl::StrFormat("%.17g", value.f64());
    case ValueKind::kV128:
      return absl::StrCat(
          "0x", absl::Hex(value.high, absl::kZeroPad16), absl::Hex(value.low, absl::kZeroPad16));
    case ValueKind::kRef:
    case ValueKind::kBottom:
      break;
  }
  return value.low == 0 ? "null" : "reference";
}

}  // namespace

absl::StatusOr<engine::Values> ParseTypedValues(absl::Span<const std::string> texts,
                                                const engine::wasm::FunctionType& type) {
  if (texts.size() != type.params.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the function takes ",
                                                   type.params.size(),
                                                   " arguments, not ",
                                                   texts.size(),
                                                   ": ",
                                                   ToString(type)));
  }
  engine::Values values;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (type.params[i].is_ref()) {
      return absl::UnimplementedError(absl::StrCat(
          "argument ", i + 1, ": a ", ToString(type.params[i]), " cannot be given as text"));
    }
    const std::optional<Value> value = ParseOne(texts[i], type.params[i]);
    if (!value.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "argument ", i + 1, ": \"", texts[i], "\" is no ", ToString(type.params[i])));
    }
    values.push_back(*value);
  }
  return values;
}

std::string FormatTypedValues(const engine::Values& values,
                              const engine::wasm::FunctionType& type) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    absl::StrAppend(&text, FormatOne(values[i], type.results[i]), "\n");
  }
  return text;
}

}  // namespace tidepool::daemon
