#include "daemon/tenants/limits.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/tenants/nearest_word.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMillisecond = 1'000'000;

// clang-format off
constexpr LimitFacts kFacts[kLimitCount] = {
    // name             unit                      default          smallest         largest           off?
    {"memory",          LimitUnit::kBytes,        128 * kMiB,      0,               4 * kGiB,         false},
    {"cpu",             LimitUnit::kNanoseconds,  kSecond,         kMillisecond,    3600 * kSecond,   false},
    {"wall",            LimitUnit::kNanoseconds,  10 * kSecond,    kMillisecond,    3600 * kSecond,   false},
    {"concurrency",     LimitUnit::kCount,        100,             1,               1'000'000,        false},
    {"rate",            LimitUnit::kCount,        kLimitOff,       1,               1'000'000'000,    true},
    {"queue",           LimitUnit::kCount,        1'000,           0,               1'000'000,        false},
    {"queue_bytes",     LimitUnit::kBytes,        64 * kMiB,       0,               64 * kGiB,        false},
    {"request_body",    LimitUnit::kBytes,        6 * kMiB,        0,               1 * kGiB,         false},
    {"response_body",   LimitUnit::kBytes,        6 * kMiB,        0,               1 * kGiB,         false},
    {"module_size",     LimitUnit::kBytes,        32 * kMiB,       8,               1 * kGiB,         false},
    {"functions",       LimitUnit::kCount,        100,             0,               1'000'000,        false},
    {"mlock",           LimitUnit::kBytes,        kLimitOff,       0,               0,                true},
    {"log",             LimitUnit::kBytes,        256 * kKiB,      0,               1 * kGiB,         false},
    {"stack",           LimitUnit::kBytes,        2 * kMiB,        64 * kKiB,       64 * kMiB,        false},
    {"startup",         LimitUnit::kNanoseconds,  kSecond,         kMillisecond,    3600 * kSecond,   false},
    {"table_elements",  LimitUnit::kCount,        20'000,          0,               10'000'000,       false},
};
// clang-format on

std::string FormatPlain(LimitUnit unit, uint64_t value) {
  switch (unit) {
    case LimitUnit::kBytes: return FormatBytes(value);
    case LimitUnit::kNanoseconds: return FormatNanoseconds(value);
    case LimitUnit::kCount: return absl::StrCat(value);
  }
  return "";
}

absl::StatusOr<uint64_t> ParseCount(absl::string_view text) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not a whole number"));
  }
  return value;
}

absl::StatusOr<uint64_t> ParseInUnit(LimitUnit unit, absl::string_view text) {
  switch (unit) {
    case LimitUnit::kBytes: return ParseBytes(text);
    case LimitUnit::kNanoseconds: return ParseNanoseconds(text);
    case LimitUnit::kCount: return ParseCount(text);
  }
  return absl::InternalError("no such unit");
}

}  // namespace

const LimitFacts& FactsOf(LimitName name) { return kFacts[static_cast<size_t>(name)]; }

absl::StatusOr<LimitName> FindLimit(absl::string_view name) {
  std::vector<absl::string_view> known;
  for (size_t i = 0; i < kLimitCount; ++i) {
    if (kFacts[i].name == name) return static_cast<LimitName>(i);
    known.push_back(kFacts[i].name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown limit \"", name, "\"", DidYouMean(name, known)));
}

absl::StatusOr<uint64_t> ParseLimit(LimitName name, absl::string_view text) {
  const LimitFacts& facts = FactsOf(name);
  if (text == "off") {
    if (facts.may_be_off) return kLimitOff;
    return absl::InvalidArgumentError(absl::StrCat("limit ", facts.name, " cannot be off; at most ",
                                                   FormatPlain(facts.unit, facts.largest)));
  }
  // Locking memory joins the pool in a later release; until then a value would be a promise unkept.
  if (name == LimitName::kMlock) {
    return absl::InvalidArgumentError("limit mlock: only \"off\" is offered by this release");
  }
  absl::StatusOr<uint64_t> value = ParseInUnit(facts.unit, text);
  if (!value.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("limit ", facts.name, ": ", value.status().message()));
  }
  if (*value < facts.smallest || *value > facts.largest) {
    return absl::InvalidArgumentError(absl::StrCat(
        "limit ", facts.name, "=", text, " is outside ", FormatPlain(facts.unit, facts.smallest),
        " … ", FormatPlain(facts.unit, facts.largest)));
  }
  return *value;
}

std::string FormatLimit(LimitName name, uint64_t value) {
  if (value == kLimitOff) return "off";
  return FormatPlain(FactsOf(name).unit, value);
}

Limits::Limits() {
  for (size_t i = 0; i < kLimitCount; ++i) {
    values_[i] = kFacts[i].default_value;
    set_by_[i] = "defaults";
  }
}

absl::Status LimitOverrides::SetFromText(absl::string_view assignment) {
  const size_t equals = assignment.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", assignment, "\" is not NAME=VALUE, for example memory=64MiB"));
  }
  TP_ASSIGN_OR_RETURN(const LimitName name, FindLimit(assignment.substr(0, equals)));
  const absl::string_view text = assignment.substr(equals + 1);
  if (text == "default") {
    Set(name, std::nullopt);
    return absl::OkStatus();
  }
  TP_ASSIGN_OR_RETURN(const uint64_t value, ParseLimit(name, text));
  Set(name, value);
  return absl::OkStatus();
}

void LimitOverrides::ApplyTo(Limits& limits, absl::string_view set_by, bool may_only_lower) const {
  for (size_t i = 0; i < kLimitCount; ++i) {
    if (!values_[i].has_value()) continue;
    if (may_only_lower && *values_[i] > limits.values_[i]) continue;
    limits.values_[i] = *values_[i];
    limits.set_by_[i] = std::string(set_by);
  }
}

}  // namespace tidepool::daemon
