#include "daemon/invoke/router.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/invoke/failure.h"

namespace tidepool::daemon {
namespace {

constexpr absl::string_view kFunctionPrefix = "/f/";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The path to route by: decoded, and refused where two readers could disagree about it.
std::variant<std::string, Failure> RoutablePath(absl::string_view target) {
  const absl::string_view raw = target.substr(0, target.find('?'));
  if (raw.empty() || raw[0] != '/') {
    return MakeFailure(Reason::BAD_REQUEST, "the target is not a path");
  }
  if (absl::StrContains(raw, "%2f") || absl::StrContains(raw, "%2F")) {
    return MakeFailure(Reason::BAD_REQUEST, "an encoded slash in the path");
  }
  std::optional<std::string> path = PercentDecode(raw);
  if (!path.has_value()) return MakeFailure(Reason::BAD_REQUEST, "a broken escape in the path");
  for (const absl::string_view segment : absl::StrSplit(*path, '/')) {
    if (segment == "..") return MakeFailure(Reason::BAD_REQUEST, "\"..\" in the path");
  }
  return *std::move(path);
}

RouteResult FindRevision(std::shared_ptr<const TenantEntry> tenant, absl::string_view function,
                         absl::string_view revision) {
  const auto entry = tenant->functions.find(function);
  if (entry == tenant->functions.end()) {
    return MakeFailure(Reason::FUNCTION,
                       absl::StrCat("tenants/", tenant->name, " has no function ", function));
  }
  uint64_t number = entry->second.serving_revision;
  if (!revision.empty() && revision != "latest" && !absl::SimpleAtoi(revision, &number)) {
    return MakeFailure(Reason::REVISION, absl::StrCat("no alias ", revision));
  }
  const auto found = entry->second.revisions.find(number);
  const auto limits = entry->second.limits.find(number);
  if (found == entry->second.revisions.end() || limits == entry->second.limits.end()) {
    return MakeFailure(Reason::REVISION, absl::StrCat("no revision ", number, " of ", function));
  }
  Route route;
  route.revision = found->second;
  route.limits = limits->second;
  route.tenant = std::move(tenant);
  return route;
}

RouteResult FindInTenant(const RoutingSnapshot& snapshot, absl::string_view tenant,
                         absl::string_view function, absl::string_view revision) {
  const auto entry = snapshot.tenants.find(tenant);
  if (entry == snapshot.tenants.end()) {
    // The same reason as for a missing function: who has an account here is nobody's business.
    return MakeFailure(Reason::FUNCTION, absl::StrCat("no tenant ", tenant));
  }
  return FindRevision(entry->second, function, revision);
}

// /f/{tenant}/{function}[@alias|:revision]
RouteResult RouteFunctionPath(const RoutingSnapshot& snapshot, absl::string_view path) {
  absl::string_view rest = absl::StripPrefix(path, kFunctionPrefix);
  const size_t tenant_end = rest.find('/');
  if (tenant_end == absl::string_view::npos) {
    return MakeFailure(Reason::ROUTE, "no function in the path");
  }
  const absl::string_view tenant = rest.substr(0, tenant_end);
  rest.remove_prefix(tenant_end + 1);
  const absl::string_view name = rest.substr(0, rest.find('/'));
  const size_t mark = name.find_first_of("@:");
  const absl::string_view function = name.substr(0, mark);
  const absl::string_view revision =
      mark == absl::string_view::npos ? absl::string_view() : name.substr(mark + 1);
  if (mark != absl::string_view::npos && revision.empty()) {
    return MakeFailure(Reason::REVISION, "no revision behind the mark");
  }
  RouteResult result = FindInTenant(snapshot, tenant, function, revision);
  if (Route* route = std::get_if<Route>(&result)) {
    route->path_prefix = absl::StrCat(kFunctionPrefix, tenant, "/", name);
    route->is_function_origin = true;
  }
  return result;
}

bool IsPrefixOfSegments(absl::string_view prefix, absl::string_view path) {
  prefix = absl::StripSuffix(prefix, "/");
  return absl::StartsWith(path, prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

RouteResult RouteRequest(const RoutingSnapshot& snapshot, absl::string_view host,
                         absl::string_view target) {
  std::variant<std::string, Failure> routable = RoutablePath(target);
  if (Failure* failure = std::get_if<Failure>(&routable)) return std::move(*failure);
  const std::string& path = std::get<std::string>(routable);
  if (absl::StartsWith(path, kFunctionPrefix)) return RouteFunctionPath(snapshot, path);

  const auto routes = snapshot.routes.find(host);
  if (routes == snapshot.routes.end()) {
    return MakeFailure(Reason::ROUTE, absl::StrCat("no routes for host ", host));
  }
  for (const RouteEntry& entry : routes->second) {  // The longest prefix first.
    if (!IsPrefixOfSegments(entry.path_prefix, path)) continue;
    RouteResult result =
        FindInTenant(snapshot, entry.tenant, entry.function,
                     entry.revision == 0 ? std::string() : absl::StrCat(entry.revision));
    if (Route* route = std::get_if<Route>(&result)) {
      route->path_prefix = std::string(absl::StripSuffix(entry.path_prefix, "/"));
    }
    return result;
  }
  return MakeFailure(Reason::ROUTE, absl::StrCat("no route for ", host, path));
}

RouteResult RouteReference(const RoutingSnapshot& snapshot, const FunctionReference& reference) {
  return FindInTenant(snapshot, reference.tenant, reference.function, reference.revision);
}

std::optional<HostAndPort> NormalizeHost(absl::string_view text) {
  HostAndPort result;
  absl::string_view host = text;
  absl::string_view rest;
  if (absl::StartsWith(text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos || end == 1) return std::nullopt;
    host = text.substr(0, end + 1);
    rest = text.substr(end + 1);
  } else if (const size_t colon = text.find(':'); colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (!rest.empty()) {
    if (rest[0] != ':' || rest.size() > 6) return std::nullopt;
    rest.remove_prefix(1);
    for (const char c : rest) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    }
    result.port = std::string(rest);
  }
  host = absl::StripSuffix(host, ".");
  if (host.empty() || host.size() > 255) return std::nullopt;
  for (const char c : host) {
    const bool allowed = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
                         c == '.' || c == '_' || (host[0] == '[' && (c == '[' || c == ']' || c == ':'));
    if (!allowed) return std::nullopt;
  }
  result.host = absl::AsciiStrToLower(host);
  return result;
}

std::optional<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return std::nullopt;
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high * 16 + low == 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

}  // namespace tidepool::daemon
