// What WASI preview 1 lays out in guest memory, byte for byte (wasi_snapshot_preview1.witx).
//
// All little-endian, as is the host.  Padding is named and zero: what is copied to a guest holds no
// bytes of the host's stack.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/wasi/errno.h"

namespace tidepool::engine::wasi {

enum class ClockId : uint32_t { kRealtime = 0, kMonotonic = 1, kProcessCpu = 2, kThreadCpu = 3 };

enum class Filetype : uint8_t {
  kUnknown = 0,
  kBlockDevice = 1,
  kCharacterDevice = 2,
  kDirectory = 3,
  kRegularFile = 4,
  kSocketDgram = 5,
  kSocketStream = 6,
  kSymbolicLink = 7,
};

// Bits of fdflags, oflags, lookupflags, fstflags, subclockflags.
inline constexpr uint16_t kFdAppend = 1 << 0;
inline constexpr uint16_t kFdDsync = 1 << 1;
inline constexpr uint16_t kFdNonblock = 1 << 2;
inline constexpr uint16_t kFdRsync = 1 << 3;
inline constexpr uint16_t kFdSync = 1 << 4;
inline constexpr uint16_t kFdFlagsAll = 0x1F;
inline constexpr uint16_t kOpenCreate = 1 << 0;
inline constexpr uint16_t kOpenDirectory = 1 << 1;
inline constexpr uint16_t kOpenExclusive = 1 << 2;
inline constexpr uint16_t kOpenTruncate = 1 << 3;
inline constexpr uint16_t kOpenFlagsAll = 0xF;
inline constexpr uint32_t kLookupFollow = 1 << 0;
inline constexpr uint16_t kSetAccessTime = 1 << 0;
inline constexpr uint16_t kSetAccessTimeNow = 1 << 1;
inline constexpr uint16_t kSetModifyTime = 1 << 2;
inline constexpr uint16_t kSetModifyTimeNow = 1 << 3;
inline constexpr uint16_t kSetTimesAll = 0xF;
inline constexpr uint16_t kClockAbsolute = 1 << 0;

enum class EventType : uint8_t { kClock = 0, kFdRead = 1, kFdWrite = 2 };
inline constexpr uint16_t kEventHangup = 1 << 0;

struct IoVector {
  uint32_t buffer;
  uint32_t bytes;
};
static_assert(sizeof(IoVector) == 8);

struct Fdstat {
  Filetype filetype;
  uint8_t padding0;
  uint16_t flags;
  uint32_t padding1;
  uint64_t rights_base;
  uint64_t rights_inheriting;
};
static_assert(sizeof(Fdstat) == 24 && offsetof(Fdstat, flags) == 2 &&
              offsetof(Fdstat, rights_base) == 8);

struct Filestat {
  uint64_t device;
  uint64_t inode;
  Filetype filetype;
  uint8_t padding[7];
  uint64_t links;
  uint64_t bytes;
  uint64_t accessed_ns;
  uint64_t modified_ns;
  uint64_t changed_ns;
};
static_assert(sizeof(Filestat) == 64 && offsetof(Filestat, links) == 24 &&
              offsetof(Filestat, changed_ns) == 56);

struct Dirent {
  uint64_t next;  // Cookie of the entry behind this one.
  uint64_t inode;
  uint32_t name_bytes;  // The name follows, without a zero byte.
  Filetype filetype;
  uint8_t padding[3];
};
static_assert(sizeof(Dirent) == 24 && offsetof(Dirent, filetype) == 20);

struct Prestat {
  uint32_t tag;  // 0: directory, the only one.
  uint32_t name_bytes;
};
static_assert(sizeof(Prestat) == 8);

struct Subscription {
  uint64_t user_data;
  EventType type;
  uint8_t padding0[7];
  union {
    struct {
      ClockId id;
      uint32_t padding1;
      uint64_t timeout_ns;
      uint64_t precision_ns;
      uint16_t flags;
      uint8_t padding2[6];
    } clock;
    uint32_t fd;
  };
};
static_assert(sizeof(Subscription) == 48 && offsetof(Subscription, clock) == 16 &&
              offsetof(Subscription, clock.timeout_ns) == 24 &&
              offsetof(Subscription, clock.flags) == 40 && offsetof(Subscription, fd) == 16);

struct Event {
  uint64_t user_data;
  Errno error;
  EventType type;
  uint8_t padding0[5];
  uint64_t ready_bytes;
  uint16_t flags;
  uint8_t padding1[6];
};
static_assert(sizeof(Event) == 32 && offsetof(Event, type) == 10 &&
              offsetof(Event, ready_bytes) == 16 && offsetof(Event, flags) == 24);

}  // namespace tidepool::engine::wasi
