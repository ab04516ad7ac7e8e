// UlidSource makes invocation ids: 48 bits of time in ms, 80 random bits, in Crockford's base 32.
//
// Ids of one source ascend.  They name invocations; they are no secrets.
// Threads  One thread at a time.
// Source   https://github.com/ulid/spec
#pragma once

#include <cstdint>
#include <string>

namespace tidepool::daemon {

class UlidSource {
 public:
  UlidSource();
  std::string Next(uint64_t unix_ms);

 private:
  uint64_t last_ms_ = 0;
  uint64_t random_high_ = 0;  // 16 bits
  uint64_t random_low_ = 0;
  uint64_t state_[4];         // Of the generator (xoshiro256**), seeded by getrandom(2).
  uint64_t NextRandom();
};

}  // namespace tidepool::daemon
