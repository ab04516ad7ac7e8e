// Limits: how much of everything a tenant's functions may use.
//
// Shape    A Limits value is complete; LimitOverrides says which of them someone set.  Effective =
//          defaults (Settings limits.*) ← tenant's overrides ← function's overrides, where a function
//          may only lower what its tenant has.
// Units    In the names.  Text form as on the command line: memory=64MiB cpu=250ms rate=off.
// Source   service.md, "Limits per tenant"; interfaces.md for the names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/support/units.h"

namespace tidepool::daemon {

// The value of a limit that is switched off.
inline constexpr uint64_t kLimitOff = UINT64_MAX;

enum class LimitName : uint8_t {
  kMemory,        // bytes, all linear memories of an instance
  kCpu,           // ns
  kWall,          // ns
  kConcurrency,   // invocations
  kRate,          // requests per second
  kQueue,         // requests
  kQueueBytes,    // bytes
  kRequestBody,   // bytes
  kResponseBody,  // bytes
  kModuleSize,    // bytes
  kFunctions,     // functions per tenant
  kMlock,         // bytes; only "off" until locking exists
  kLog,           // bytes per invocation
  kStack,         // bytes
  kStartup,       // ns
  kTableElements, // elements
  kCount,
};
inline constexpr size_t kLimitCount = static_cast<size_t>(LimitName::kCount);

enum class LimitUnit : uint8_t { kBytes, kNanoseconds, kCount };

struct LimitFacts {
  absl::string_view name;  // "memory"
  LimitUnit unit;
  uint64_t default_value;
  uint64_t smallest;       // What may be set, apart from off.
  uint64_t largest;
  bool may_be_off;
};

const LimitFacts& FactsOf(LimitName name);
// InvalidArgument: unknown name, with "did you mean".
absl::StatusOr<LimitName> FindLimit(absl::string_view name);
// "64MiB" → bytes, "250ms" → ns, "1000" → count, "off".  InvalidArgument names limit and range.
absl::StatusOr<uint64_t> ParseLimit(LimitName name, absl::string_view text);
// The shortest exact form: "64MiB", "250ms", "off".
std::string FormatLimit(LimitName name, uint64_t value);

class Limits {
 public:
  Limits();  // The defaults.
  uint64_t Get(LimitName name) const { return values_[static_cast<size_t>(name)]; }
  void Set(LimitName name, uint64_t value) { values_[static_cast<size_t>(name)] = value; }
  // Who set it, for messages: "defaults", "tenants/a", "tenants/a/functions/f".
  const std::string& SetBy(LimitName name) const { return set_by_[static_cast<size_t>(name)]; }

 private:
  friend class LimitOverrides;
  std::array<uint64_t, kLimitCount> values_;
  std::array<std::string, kLimitCount> set_by_;
};

class LimitOverrides {
 public:
  std::optional<uint64_t> Get(LimitName name) const { return values_[static_cast<size_t>(name)]; }
  void Set(LimitName name, std::optional<uint64_t> value) { values_[static_cast<size_t>(name)] = value; }
  // "memory=64MiB"; "memory=default" takes an override away.
  absl::Status SetFromText(absl::string_view assignment);
  // Overwrites in `limits` what is set here.  With `may_only_lower`, a larger value is ignored.
  void ApplyTo(Limits& limits, absl::string_view set_by, bool may_only_lower) const;

 private:
  std::array<std::optional<uint64_t>, kLimitCount> values_;
};

// Sizes and times as people write them, for limits and settings alike.
absl::StatusOr<uint64_t> ParseBytes(absl::string_view text);        // "128MiB", "4096", "1GiB"
absl::StatusOr<uint64_t> ParseNanoseconds(absl::string_view text);  // "250ms", "1s", "10us", "2m"
std::string FormatBytes(uint64_t bytes);
std::string FormatNanoseconds(uint64_t nanoseconds);

}  // namespace tidepool::daemon
