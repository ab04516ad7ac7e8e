// Sizes and times as people write them.
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "daemon/tenants/limits.h"

namespace tidepool::daemon {
namespace {

struct Unit {
  absl::string_view suffix;
  uint64_t factor;
};

// Largest first: formatting takes the first that divides.
constexpr Unit kByteUnits[] = {
    {"TiB", kGiB * 1024}, {"GiB", kGiB}, {"MiB", kMiB}, {"KiB", kKiB}, {"B", 1},
};
constexpr Unit kTimeUnits[] = {
    {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
    {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1},
};

absl::StatusOr<uint64_t> Parse(absl::string_view text, absl::Span<const Unit> units,
                               bool bare_number, absl::string_view example) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  size_t digits = 0;
  while (digits < trimmed.size() && absl::ascii_isdigit(trimmed[digits])) ++digits;
  const absl::string_view suffix = absl::StripAsciiWhitespace(trimmed.substr(digits));
  uint64_t number = 0;
  uint64_t factor = 0;
  if (digits > 0 && absl::SimpleAtoi(trimmed.substr(0, digits), &number)) {
    if (suffix.empty() && (bare_number || number == 0)) factor = 1;
    for (const Unit& unit : units) {
      if (suffix == unit.suffix) factor = unit.factor;
    }
  }
  uint64_t value = 0;
  if (factor == 0 || __builtin_mul_overflow(number, factor, &value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a whole number with a unit; write for example ", example));
  }
  return value;
}

std::string Format(uint64_t value, absl::Span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return absl::StrCat(value / unit.factor, unit.suffix);
  }
  return absl::StrCat("0", units.back().suffix);
}

}  // namespace

absl::StatusOr<uint64_t> ParseBytes(absl::string_view text) {
  return Parse(text, kByteUnits, /*bare_number=*/true, "128MiB, 64KiB or 4096");
}

absl::StatusOr<uint64_t> ParseNanoseconds(absl::string_view text) {
  return Parse(text, kTimeUnits, /*bare_number=*/false, "250ms, 10s or 2m");
}

std::string FormatBytes(uint64_t bytes) { return Format(bytes, kByteUnits); }

std::string FormatNanoseconds(uint64_t nanoseconds) { return Format(nanoseconds, kTimeUnits); }

}  // namespace tidepool::daemon
