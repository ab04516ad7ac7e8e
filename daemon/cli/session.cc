#include "daemon/cli/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grpc/grpc.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "engine/platform/unique_fd.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status CannotConnect(const std::string& server, int error) {
  std::string reason = std::strerror(error);
  reason.front() = absl::ascii_tolower(static_cast<unsigned char>(reason.front()));
  const std::string text = absl::StrCat(server, " (", reason, ")");
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(
        absl::StrCat("may not connect to ", text, ": only root and the daemon's own user may"));
  }
  return absl::UnavailableError(absl::StrCat("no daemon at ", text, ": is tidepoold running?"));
}

// gRPC would wait and retry, and then say "failed to connect to all addresses"; asking the kernel
// once gives the reason at once.
absl::Status ProbeUnix(const std::string& server, absl::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return CannotConnect(server, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) {
    return CannotConnect(server, errno);
  }
  return absl::OkStatus();
}

absl::Status ProbeTcp(const std::string& server, absl::string_view target) {
  const size_t colon = target.rfind(':');
  if (colon == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--server ", server, ": expected unix:PATH or HOST:PORT"));
  }
  absl::string_view host = target.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int result = ::getaddrinfo(
      std::string(host).c_str(), std::string(target.substr(colon + 1)).c_str(), &hints, &list);
  if (result != 0) {
    return absl::UnavailableError(
        absl::StrCat("no daemon at ", server, " (", ::gai_strerror(result), ")"));
  }
  int error = ECONNREFUSED;
  for (const addrinfo* at = list; at != nullptr && error != 0; at = at->ai_next) {
    const UniqueFd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    error = ::connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
  }
  ::freeaddrinfo(list);
  return error == 0 ? absl::OkStatus() : CannotConnect(server, error);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> Session::Connect() {
  if (channel_ != nullptr) return channel_;
  const std::string& server = options_.server;
  absl::string_view target = server;
  if (absl::StartsWith(target, "https:")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--server ", server, ": TLS is not built yet; use unix:PATH or HOST:PORT"));
  }
  if (absl::ConsumePrefix(&target, "unix:")) {
    absl::ConsumePrefix(&target, "//");
    TP_RETURN_IF_ERROR(ProbeUnix(server, target));
    target = server;
  } else {
    absl::ConsumePrefix(&target, "http://");
    TP_RETURN_IF_ERROR(ProbeTcp(server, target));
  }
  // Never paired with grpc_shutdown, which may wait ten seconds for a thread of gRPC's.
  ::grpc_init();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // A guest's answer may be as large as its limit says.
  // The name in :authority: gRPC makes one of a socket's path that HTTP/2 peers need not accept.
  if (absl::StartsWith(server, "unix:"))
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  channel_ =
      grpc::CreateCustomChannel(std::string(target), grpc::InsecureChannelCredentials(), arguments);
  return channel_;
}

absl::StatusOr<std::string> Session::TenantName() const {
  if (options_.tenant.empty()) return absl::InvalidArgumentError("which tenant? Say -t TENANT");
  return absl::StrCat("tenants/", options_.tenant);
}

std::string Session::TenantNameOrAll() const {
  return absl::StrCat("tenants/", options_.tenant.empty() ? "-" : options_.tenant);
}

ExitCode Session::Succeed(const Report& report) const {
  Print(report,
        {.format = options_.format, .color = UseColor(options_.color, STDOUT_FILENO)},
        std::cout);
  if (std::cout.good()) return ExitCode::kOk;
  PrintError("cannot write to standard output", options_.color);
  return ExitCode::kFailure;
}

void Session::Remark(const std::string& text) const {
  if (!options_.quiet) std::cerr << text << std::endl;
}

ExitCode Session::Fail(const absl::Status& status) const {
  PrintError(status.message(), options_.color);
  return ExitCodeOf(status.code());
}

ExitCode Session::Fail(const grpc::Status& status) const {
  std::string message = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty()) {
    // gRPC's own: the daemon would have sent details.
    message = absl::StrCat("lost the connection to ", options_.server, ": ", message);
  }
  PrintError(message, options_.color);
  return ExitCodeOf(status);
}

ExitCode Session::UsageError(const std::string& message) const {
  PrintError(message, options_.color);
  return ExitCode::kUsage;
}

}  // namespace tidepool::daemon
