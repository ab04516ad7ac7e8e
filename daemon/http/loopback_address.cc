#include "daemon/http/loopback_address.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tidepool::daemon {

using boost::asio::ip::tcp;

absl::StatusOr<tcp::endpoint> ParseLoopbackAddress(absl::string_view setting,
                                                   absl::string_view address) {
  const auto bad = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(setting, " = \"", address, "\": ", what));
  };
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return bad("no port; write HOST:PORT");
  absl::string_view host = address.substr(0, colon);
  uint32_t port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port > 65535) {
    return bad("the port is not a number from 0 to 65535");
  }
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(std::string(host), error);
  if (error) return bad("the host is not an address");
  if (!ip.is_loopback()) {
    return bad("not on loopback; put a proxy in front until TLS and tokens are there");
  }
  return tcp::endpoint(ip, static_cast<uint16_t>(port));
}

std::string AddressText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

}  // namespace tidepool::daemon
