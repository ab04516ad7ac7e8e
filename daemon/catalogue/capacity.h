// Capacity: what this daemon can give one invocation at most, whatever a tenant's limits say.
//
// A limit beyond it would be a promise that fails in the middle of a request; so it is refused when
// it is set, with both numbers.
//
// Errors   InvalidArgument naming limit, value, what there is and the setting that raises it.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "daemon/tenants/limits.h"
#include "engine/runtime/module.h"

namespace tidepool::daemon {

struct Capacity {
  uint64_t memory_bytes_max = UINT64_MAX;  // pool.slot_bytes, memory.budget
  uint64_t stack_bytes_max = UINT64_MAX;
  uint64_t table_elements_max = UINT64_MAX;
  uint64_t request_body_bytes_max = UINT64_MAX;  // What the doors accept.
  uint64_t response_body_bytes_max = UINT64_MAX;
};

// `whose` is for the message: "tenants/a".
absl::Status CheckAgainstCapacity(const LimitOverrides& overrides,
                                  const Capacity& capacity,
                                  absl::string_view whose);

// That a function asks for no more than its tenant has.
absl::Status CheckWithinTenant(const LimitOverrides& function,
                               const Limits& tenant,
                               absl::string_view whose);

// That an instance of `module` can start within `limits`.
absl::Status CheckModuleFits(const engine::Module& module, const Limits& limits);

}  // namespace tidepool::daemon
