// DoorLimits: what one client may cost us before its request has become a function's.
//
// Source   service.md, "Door limits"; Settings http.*.
#pragma once

#include <cstdint>

#include "engine/support/units.h"

namespace tidepool::daemon {

struct DoorLimits {
  uint64_t connections_max = 10'000;
  uint64_t connections_per_address_max = 100;  // Off loopback.
  uint64_t header_timeout_ns = 10'000'000'000;
  uint64_t body_timeout_ns = 10'000'000'000;   // Without progress; as the next.
  uint64_t write_timeout_ns = 30'000'000'000;
  uint64_t idle_timeout_ns = 75'000'000'000;
  uint64_t header_bytes_max = 64 * kKiB;
  uint64_t header_fields_max = 100;
  uint64_t uri_bytes_max = 16 * kKiB;
};

}  // namespace tidepool::daemon
