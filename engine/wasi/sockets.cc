// sock_*: no descriptor of ours is a socket.
#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {
namespace {

Errno NotASocket(Call& call, uint32_t fd) {
  return call.context.descriptors().Find(fd) == nullptr ? Errno::kBadf : Errno::kNotsock;
}

}  // namespace

Errno SockAccept(Call& call, uint32_t fd, uint32_t /*flags*/, Pointer /*result*/) {
  return NotASocket(call, fd);
}
Errno SockRecv(Call& call,
               uint32_t fd,
               Pointer /*vectors*/,
               uint32_t /*count*/,
               uint32_t /*flags*/,
               Pointer /*received*/,
               Pointer /*result_flags*/) {
  return NotASocket(call, fd);
}
Errno SockSend(Call& call,
               uint32_t fd,
               Pointer /*vectors*/,
               uint32_t /*count*/,
               uint32_t /*flags*/,
               Pointer /*result*/) {
  return NotASocket(call, fd);
}
Errno SockShutdown(Call& call, uint32_t fd, uint32_t /*how*/) {
  return NotASocket(call, fd);
}

}  // namespace tidepool::engine::wasi
