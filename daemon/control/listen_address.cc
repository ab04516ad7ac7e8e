#include "daemon/control/listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr int kBacklog = 1024;

union SocketAddress {
  sockaddr any;
  sockaddr_in ip4;
  sockaddr_in6 ip6;
  sockaddr_un local;
};

absl::StatusOr<socklen_t> UnixAddress(const std::string& path, SocketAddress* address) {
  std::memset(address, 0, sizeof(*address));
  address->local.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address->local.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("the socket path ",
                                                   path,
                                                   " has ",
                                                   path.size(),
                                                   " bytes; at most ",
                                                   sizeof(address->local.sun_path) - 1));
  }
  std::memcpy(address->local.sun_path, path.c_str(), path.size() + 1);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
}

absl::Status InUse(absl::string_view address) {
  return absl::UnavailableError(absl::StrCat("somebody already listens on ", address));
}

// A socket file whose listener has died refuses connections; only such a one may be removed.
absl::Status RemoveStale(const std::string& path, const SocketAddress& address, socklen_t bytes) {
  struct stat status;
  if (::lstat(path.c_str(), &status) < 0) return absl::OkStatus();
  if (!S_ISSOCK(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " exists and is not a socket"));
  }
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return SyscallError("socket", path);
  if (::connect(probe.get(), &address.any, bytes) == 0) return InUse(absl::StrCat("unix:", path));
  if (errno != ECONNREFUSED) return SyscallError("connect", path);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return SyscallError("unlink", path);
  return absl::OkStatus();
}

absl::StatusOr<ListeningSocket> ListenUnix(const std::string& path) {
  SocketAddress address;
  TP_ASSIGN_OR_RETURN(const socklen_t bytes, UnixAddress(path, &address));
  TP_RETURN_IF_ERROR(RemoveStale(path, address, bytes));
  ListeningSocket made{
      .fd = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      .address = absl::StrCat("unix:", path)};
  if (!made.fd.valid()) return SyscallError("socket", path);
  if (::bind(made.fd.get(), &address.any, bytes) < 0) return SyscallError("bind", path);
  // Before listen(2): until then nobody can connect, whatever the umask was.
  if (::chmod(path.c_str(), 0600) < 0) return SyscallError("chmod", path);
  if (::listen(made.fd.get(), kBacklog) < 0) return SyscallError("listen", path);
  return made;
}

socklen_t IpAddress(const ListenAddress& from, SocketAddress* address) {
  std::memset(address, 0, sizeof(*address));
  if (::inet_pton(AF_INET, from.host.c_str(), &address->ip4.sin_addr) == 1) {
    address->ip4.sin_family = AF_INET;
    address->ip4.sin_port = htons(from.port);
    return sizeof(address->ip4);
  }
  if (::inet_pton(AF_INET6, from.host.c_str(), &address->ip6.sin6_addr) == 1) {
    address->ip6.sin6_family = AF_INET6;
    address->ip6.sin6_port = htons(from.port);
    return sizeof(address->ip6);
  }
  return 0;
}

bool IsLoopback(const SocketAddress& address) {
  if (address.any.sa_family == AF_INET) return ntohl(address.ip4.sin_addr.s_addr) >> 24 == 127;
  return IN6_IS_ADDR_LOOPBACK(&address.ip6.sin6_addr);
}

absl::StatusOr<ListeningSocket> ListenTcp(const ListenAddress& from) {
  SocketAddress address;
  socklen_t bytes = IpAddress(from, &address);
  const std::string text = absl::StrCat(from.host, ":", from.port);
  UniqueFd fd(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return SyscallError("socket", text);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd.get(), &address.any, bytes) < 0) {
    return errno == EADDRINUSE ? InUse(text) : SyscallError("bind", text);
  }
  if (::listen(fd.get(), kBacklog) < 0) {
    return errno == EADDRINUSE ? InUse(text) : SyscallError("listen", text);
  }
  bytes = sizeof(address);
  if (::getsockname(fd.get(), &address.any, &bytes) < 0) return SyscallError("getsockname", text);
  const bool is_ip4 = address.any.sa_family == AF_INET;
  const uint16_t port = ntohs(is_ip4 ? address.ip4.sin_port : address.ip6.sin6_port);
  return ListeningSocket{
      std::move(fd),
      is_ip4 ? absl::StrCat(from.host, ":", port) : absl::StrCat("[", from.host, "]:", port)};
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  ListenAddress address;
  if (absl::string_view path = text; absl::ConsumePrefix(&path, "unix:")) {
    if (!absl::StartsWith(path, "/")) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" is not an address: unix: needs an absolute path"));
    }
    address.is_unix = true;
    address.path = std::string(path);
    return address;
  }
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > UINT16_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not an address: it is neither HOST:PORT nor unix:PATH"));
  }
  absl::string_view host = text.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  address.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  address.port = static_cast<uint16_t>(port);
  SocketAddress parsed;
  if (IpAddress(address, &parsed) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not an address: \"", host, "\" is not an IP address"));
  }
  if (!IsLoopback(parsed)) {
    return absl::InvalidArgumentError(absl::StrCat("refusing to listen on ",
                                                   text,
                                                   ": beyond loopback anyone could call, and there "
                                                   "are no tokens yet; use 127.0.0.1 or [::1]"));
  }
  return address;
}

absl::StatusOr<ListeningSocket> Listen(const ListenAddress& address) {
  return address.is_unix ? ListenUnix(address.path) : ListenTcp(address);
}

}  // namespace tidepool::daemon
