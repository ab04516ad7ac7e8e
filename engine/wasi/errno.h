// Errno: how a WASI preview 1 function tells the guest what went wrong.
#pragma once

#include <cstdint>

namespace tidepool::engine::wasi {

enum class Errno : uint16_t {
#define TP_WASI_ERRNO(name, number, host) name = number,
#include "engine/wasi/errno.def"
#undef TP_WASI_ERRNO
};

// The guest's error for a host errno; kIo for one that WASI has no number for.
Errno FromHostErrno(int host_errno);
// FromHostErrno of the system call that just failed.
Errno LastErrno();

}  // namespace tidepool::engine::wasi
