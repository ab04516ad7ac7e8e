// Router: which function a request is for.
//
//   host and path  /f/{tenant}/{function}[@latest|:revision]/…      any host
//                  routes of the host, the longest prefix of whole segments
//   by name        tenants/{tenant}/functions/{function}[@latest|:revision]
//
// Threads  Pure functions of a snapshot.
// Errors   ROUTE, FUNCTION, REVISION when there is none; BAD_REQUEST for a path that can be read in
//          two ways ("..", an encoded slash, a broken escape).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "daemon/catalogue/routing_snapshot.h"
#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

struct Route {
  std::shared_ptr<const TenantEntry> tenant;
  std::shared_ptr<const FunctionRevision> revision;
  std::shared_ptr<const Limits> limits;  // Effective for the revision.
  std::string path_prefix;               // What the route took off the path; no slash at the end.
  bool is_function_origin = false;       // Came by /f/…: an origin that tenants share.
};

using RouteResult = std::variant<Route, Failure>;

// `host` as NormalizeHost gives it; `target` in origin form, as the client sent it.
RouteResult RouteRequest(const RoutingSnapshot& snapshot, absl::string_view host,
                         absl::string_view target);
RouteResult RouteReference(const RoutingSnapshot& snapshot, const FunctionReference& reference);

struct HostAndPort {
  std::string host;  // Lower case, no final dot; an IPv6 address keeps its brackets.
  std::string port;  // Empty when not given.
};
// Nothing: not a host that RFC 9110, 4.2.1 allows.
std::optional<HostAndPort> NormalizeHost(absl::string_view text);

// Decodes %XX; nothing when an escape is broken or would give NUL.
std::optional<std::string> PercentDecode(absl::string_view text);

}  // namespace tidepool::daemon
