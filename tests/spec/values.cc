#include "tests/spec/values.h"

#include <charconv>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace tidepool::spec {
namespace {

using engine::Value;
using engine::wasm::HeapType;
using engine::wasm::ValueKind;
using engine::wasm::ValueType;

std::optional<uint64_t> ParseBits(std::string_view text) {
  uint64_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return bits;
}

// Width of a lane of a vector in bits; 0 for no lane type.
uint32_t LaneBits(std::string_view lane_type) {
  if (lane_type == "i8") return 8;
  if (lane_type == "i16") return 16;
  if (lane_type == "i32" || lane_type == "f32") return 32;
  if (lane_type == "i64" || lane_type == "f64") return 64;
  return 0;
}

uint64_t LaneOf(Value vector, size_t lane, uint32_t bits) {
  const size_t position = lane * bits;
  const uint64_t half = position < 64 ? vector.low : vector.high;
  const uint64_t mask = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
  return half >> (position % 64) & mask;
}

void SetLane(Value& vector, size_t lane, uint32_t bits, uint64_t value) {
  const size_t position = lane * bits;
  (position < 64 ? vector.low : vector.high) |= value << (position % 64);
}

std::optional<Value> ParseVector(const json::object& value) {
  const uint32_t bits = LaneBits(StringOf(value, "lane_type"));
  const json::array& lanes = ArrayOf(value, "value");
  if (bits == 0 || lanes.size() * bits != 128) return std::nullopt;
  Value vector;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    const json::string* text = lanes[lane].if_string();
    const std::optional<uint64_t> lane_bits =
        text == nullptr ? std::nullopt : ParseBits(std::string_view(*text));
    if (!lane_bits.has_value()) return std::nullopt;
    SetLane(vector, lane, bits, *lane_bits);
  }
  return vector;
}

// Where a float's parts lie.
struct FloatFormat {
  uint64_t exponent;
  uint64_t quiet;  // Top bit of the payload.
  uint64_t payload;
};
constexpr FloatFormat kF32{0x7F80'0000, 0x0040'0000, 0x007F'FFFF};
constexpr FloatFormat kF64{0x7FF0'0000'0000'0000, 0x0008'0000'0000'0000, 0x000F'FFFF'FFFF'FFFF};

// `text` is bits in decimal or a NaN pattern.
bool BitsMatch(std::string_view text, uint64_t actual, const FloatFormat* format) {
  if (format != nullptr && text == "nan:canonical") {
    return (actual & (format->exponent | format->payload)) == (format->exponent | format->quiet);
  }
  if (format != nullptr && text == "nan:arithmetic") {
    const uint64_t bits = format->exponent | format->quiet;
    return (actual & bits) == bits;
  }
  const std::optional<uint64_t> bits = ParseBits(text);
  return bits.has_value() && *bits == actual;
}

const FloatFormat* FormatOf(std::string_view type) {
  if (type == "f32") return &kF32;
  if (type == "f64") return &kF64;
  return nullptr;
}

bool VectorMatches(const json::object& expected, Value actual) {
  const std::string_view lane_type = StringOf(expected, "lane_type");
  const uint32_t bits = LaneBits(lane_type);
  const json::array& lanes = ArrayOf(expected, "value");
  if (bits == 0 || lanes.size() * bits != 128) return false;
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    const json::string* text = lanes[lane].if_string();
    if (text == nullptr) return false;
    if (!BitsMatch(std::string_view(*text), LaneOf(actual, lane, bits), FormatOf(lane_type))) {
      return false;
    }
  }
  return true;
}

// Whether `type` can be spoken of as `name`: the references this engine has are funcref and
// externref, and a typed function reference is a funcref too.
bool ReferenceIsNamed(ValueType type, std::string_view name) {
  if (name == "refnull") return true;
  const bool is_function =
      type.heap() == HeapType::kFunc || type.heap() == HeapType::kNoFunc || IsConcrete(type.heap());
  const bool is_extern = type.heap() == HeapType::kExtern || type.heap() == HeapType::kNoExtern;
  if (name == "funcref" || name == "nullfuncref") return is_function;
  if (name == "externref" || name == "nullexternref") return is_extern;
  return false;
}

bool ReferenceMatches(const json::object& expected, ValueType type, Value actual) {
  const std::string_view name = StringOf(expected, "type");
  if (!ReferenceIsNamed(type, name)) return false;
  const bool wants_null = name == "refnull" || name.starts_with("null");
  const json::value* value = expected.if_contains("value");
  if (value == nullptr) return wants_null == (actual.low == 0);
  const std::string_view text = StringOf(expected, "value");
  if (text == "null") return actual.low == 0;
  const std::optional<uint64_t> identity = ParseBits(text);
  return identity.has_value() && actual.low == *identity + 1;
}

std::string_view NameOf(ValueKind kind) {
  switch (kind) {
    case ValueKind::kI32:
      return "i32";
    case ValueKind::kI64:
      return "i64";
    case ValueKind::kF32:
      return "f32";
    case ValueKind::kF64:
      return "f64";
    case ValueKind::kV128:
      return "v128";
    case ValueKind::kRef:
    case ValueKind::kBottom:
      break;
  }
  return "reference";
}

}  // namespace

std::optional<Value> ParseValue(const json::object& value) {
  const std::string_view type = StringOf(value, "type");
  if (type == "v128") return ParseVector(value);
  const std::string_view text = StringOf(value, "value");
  const bool is_number = type == "i32" || type == "i64" || type == "f32" || type == "f64";
  if (!is_number && text == "null") return Value{};
  const std::optional<uint64_t> bits = ParseBits(text);
  if (!bits.has_value()) return std::nullopt;
  if (is_number) return Value{*bits, 0};
  if (type == "externref") return Value::Extern(*bits + 1);
  return std::nullopt;
}

bool Matches(const json::object& expected, ValueType type, Value actual) {
  const std::string_view name = StringOf(expected, "type");
  if (name == "either") {
    for (const json::value& alternative : ArrayOf(expected, "values")) {
      if (alternative.is_object() && Matches(alternative.get_object(), type, actual)) return true;
    }
    return false;
  }
  if (type.is_ref()) return ReferenceMatches(expected, type, actual);
  if (name != NameOf(type.kind())) return false;
  if (type.kind() == ValueKind::kV128) return VectorMatches(expected, actual);
  const bool is_wide = type.kind() == ValueKind::kI64 || type.kind() == ValueKind::kF64;
  const uint64_t bits = is_wide ? actual.i64() : actual.i32();
  return BitsMatch(StringOf(expected, "value"), bits, FormatOf(name));
}

std::string Describe(ValueType type, Value value) {
  if (type.is_ref()) {
    return value.low == 0 ? "null reference" : absl::StrCat("reference 0x", absl::Hex(value.low));
  }
  const std::string_view name = NameOf(type.kind());
  std::string text(name);
  switch (type.kind()) {
    case ValueKind::kI32:
      return absl::StrCat(text, " ", value.i32());
    case ValueKind::kF32:
      return absl::StrCat(text, " 0x", absl::Hex(value.i32(), absl::kZeroPad8));
    case ValueKind::kI64:
      return absl::StrCat(text, " ", value.i64());
    case ValueKind::kF64:
      return absl::StrCat(text, " 0x", absl::Hex(value.i64(), absl::kZeroPad16));
    default:
      return absl::StrCat(text,
                          " 0x",
                          absl::Hex(value.high, absl::kZeroPad16),
                          "'",
                          absl::Hex(value.low, absl::kZeroPad16));
  }
}

}  // namespace tidepool::spec
