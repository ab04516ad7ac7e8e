#include "daemon/catalogue/capacity.h"

#include <string>

#include "absl/strings/str_cat.h"

#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

struct Bound {
  LimitName name;
  uint64_t Capacity::*there;
  absl::string_view raised_by;
};

constexpr Bound kBounds[] = {
    {LimitName::kMemory, &Capacity::memory_bytes_max, "pool.slot_bytes and memory.budget"},
    {LimitName::kStack, &Capacity::stack_bytes_max, "limits.stack"},
    {LimitName::kTableElements, &Capacity::table_elements_max, "limits.table_elements"},
    {LimitName::kRequestBody, &Capacity::request_body_bytes_max, "limits.request_body"},
    {LimitName::kResponseBody, &Capacity::response_body_bytes_max, "limits.response_body"},
};

}  // namespace

absl::Status CheckAgainstCapacity(const LimitOverrides& overrides,
                                  const Capacity& capacity,
                                  absl::string_view whose) {
  for (const Bound& bound : kBounds) {
    const std::optional<uint64_t> value = overrides.Get(bound.name);
    const uint64_t there = capacity.*bound.there;
    if (!value.has_value() || *value <= there) continue;
    return absl::InvalidArgumentError(absl::StrCat("limit ",
                                                   FactsOf(bound.name).name,
                                                   "=",
                                                   FormatLimit(bound.name, *value),
                                                   " of ",
                                                   whose,
                                                   " is more than this daemon can serve, ",
                                                   FormatLimit(bound.name, there),
                                                   " (set by ",
                                                   bound.raised_by,
                                                   ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckWithinTenant(const LimitOverrides& function,
                               const Limits& tenant,
                               absl::string_view whose) {
  for (size_t i = 0; i < kLimitCount; ++i) {
    const auto name = static_cast<LimitName>(i);
    const std::optional<uint64_t> value = function.Get(name);
    if (!value.has_value() || *value <= tenant.Get(name)) continue;
    return absl::InvalidArgumentError(absl::StrCat("limit ",
                                                   FactsOf(name).name,
                                                   "=",
                                                   FormatLimit(name, *value),
                                                   " of ",
                                                   whose,
                                                   " is more than its tenant has, ",
                                                   FormatLimit(name, tenant.Get(name)),
                                                   " (set by ",
                                                   tenant.SetBy(name),
                                                   ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckModuleFits(const engine::Module& module, const Limits& limits) {
  const auto check = [&](LimitName name, uint64_t needed, absl::string_view what) {
    if (needed <= limits.Get(name)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the module starts with ",
                                                   FormatLimit(name, needed),
                                                   " of ",
                                                   what,
                                                   "; limit ",
                                                   FactsOf(name).name,
                                                   " allows ",
                                                   FormatLimit(name, limits.Get(name)),
                                                   " (set by ",
                                                   limits.SetBy(name),
                                                   ")"));
  };
  uint64_t memory_bytes = 0;
  for (const auto& memory : module.shape().memories) memory_bytes += memory.initial_bytes;
  TP_RETURN_IF_ERROR(check(LimitName::kMemory, memory_bytes, "linear memory"));
  uint64_t elements = 0;
  for (const engine::InfoTable& table : module.info().tables) elements += table.type.limits.min;
  return check(LimitName::kTableElements, elements, "table elements");
}

}  // namespace tidepool::daemon
