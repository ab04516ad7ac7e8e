#include "engine/wasi/errno.h"

#include <errno.h>

namespace tidepool::engine::wasi {

Errno FromHostErrno(int host_errno) {
  struct Row {
    int host;
    Errno guest;
  };
  static constexpr Row kRows[] = {
#define TP_WASI_ERRNO(name, number, host) {host, Errno::name},
#include "engine/wasi/errno.def"
#undef TP_WASI_ERRNO
  };
  if (host_errno == 0) return Errno::kSuccess;
  for (const Row& row : kRows) {
    if (row.host == host_errno) return row.guest;
  }
  return Errno::kIo;
}

Errno LastErrno() {
  return FromHostErrno(errno);
}

}  // namespace tidepool::engine::wasi
