#include "daemon/invoke/ulid.h"

#include <sys/random.h>

#include <bit>

#include "engine/support/check.h"

namespace tidepool::daemon {

UlidSource::UlidSource() {
  // Short reads do not happen below 256 bytes (getrandom(2)).
  TP_CHECK(::getrandom(state_, sizeof(state_), 0) == static_cast<ssize_t>(sizeof(state_)));
}

uint64_t UlidSource::NextRandom() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::string UlidSource::Next(uint64_t unix_ms) {
  if (unix_ms > last_ms_) {
    last_ms_ = unix_ms;
    random_high_ = NextRandom() & 0x7FFF;  // Room to count up within the millisecond.
    random_low_ = NextRandom();
  } else if (++random_low_ == 0) {
    ++random_high_;
  }
  static constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string id(26, '0');
  uint64_t time = last_ms_;
  for (int i = 9; i >= 0; --i, time >>= 5) id[static_cast<size_t>(i)] = kDigits[time & 31];
  __extension__ using Wide = unsigned __int128;
  Wide random = static_cast<Wide>(random_high_ & 0xFFFF) << 64 | random_low_;
  for (int i = 25; i >= 10; --i, random >>= 5) {
    id[static_cast<size_t>(i)] = kDigits[static_cast<uint32_t>(random) & 31];
  }
  return id;
}

}  // namespace tidepool::daemon
