// PoolSource: what the admin service can ask of the pool.  The daemon's composition root answers
// from its workers' pools.
//
// Threads  Called from gRPC's threads, several at once; may block while workers are asked.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tidepool::daemon {

class PoolSource {
 public:
  struct Worker {
    uint32_t worker = 0;
    std::vector<std::pair<std::string, uint64_t>> slots;     // By state.
    std::vector<std::pair<std::string, uint64_t>> counters;
  };
  struct Status {
    std::vector<Worker> workers;
    std::vector<std::pair<std::string, std::string>> facts;  // "growth" → "ftruncate"
  };
  struct Slot {
    uint32_t worker = 0;
    uint64_t index = 0;
    std::string state;
    std::string tenant;  // Empty: nobody's.
    std::string module;
    uint64_t accessible_bytes = 0;
  };
  struct Verification {
    uint64_t verified = 0;
    uint64_t skipped = 0;
    std::vector<std::string> mismatches;
  };

  virtual ~PoolSource() = default;
  virtual absl::StatusOr<Status> GetStatus() = 0;
  virtual absl::StatusOr<std::vector<Slot>> ListSlots() = 0;
  // Proves every idle slot against its image now.
  virtual absl::StatusOr<Verification> Verify() = 0;
};

}  // namespace tidepool::daemon
