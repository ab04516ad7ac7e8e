// "127.0.0.1:8080" → an endpoint, on loopback only: without TLS and tokens, no door may be reached
// from other machines.
//
// Errors   InvalidArgument, naming the setting and what is wrong with it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tidepool::daemon {

absl::StatusOr<boost::asio::ip::tcp::endpoint> ParseLoopbackAddress(absl::string_view setting,
                                                                    absl::string_view address);
// "127.0.0.1:8080", "[::1]:8080".
std::string AddressText(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace tidepool::daemon
