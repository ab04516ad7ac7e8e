// ListenAddress: where a door listens, and the socket that does.
//
// Errors   InvalidArgument: malformed, or beyond loopback (there are no tokens yet, so whoever can
//          connect may call).  Unavailable: somebody listens there.
// Source   unix(7), ip(7).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

struct ListenAddress {
  bool is_unix = false;
  std::string path;   // Of a unix socket.
  std::string host;   // Else: an address of loopback, IPv4 or IPv6.
  uint16_t port = 0;  // 0: any free one.
};

// "unix:/run/tidepool/admin.sock", "127.0.0.1:8081", "[::1]:8081", "localhost:8081".
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

struct ListeningSocket {
  UniqueFd fd;          // Does not block.
  std::string address;  // With the port taken; "unix:/…" or "127.0.0.1:34001".
};

// A unix socket that a daemon left behind when it died is replaced; its new one is for its owner
// alone (mode 0600).
absl::StatusOr<ListeningSocket> Listen(const ListenAddress& address);

}  // namespace tidepool::daemon
