// What tenants, functions and routes may be called.
//
// Errors   InvalidArgument, naming what is wrong with which name.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tidepool::daemon {

inline constexpr size_t kNameBytesMax = 63;

// Letters, digits, '-' and '_', the first a letter or digit: safe in URLs, file and resource names.
// `what` is for the message: "tenant", "function".
absl::Status CheckName(absl::string_view what, absl::string_view name);

struct RouteKey {
  std::string host;  // Lower case, no port, no final dot.
  std::string path;  // "/" or "/a/b": whole segments, no slash at the end.

  friend bool operator==(const RouteKey&, const RouteKey&) = default;
  friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
};

// "Example.org./a/b/" → {"example.org", "/a/b"}.
absl::StatusOr<RouteKey> ParseRoute(absl::string_view text);
// {"example.org", "/a/b"} → "example.org/a/b".
std::string ToString(const RouteKey& route);

struct RouteTarget {
  std::string function;
  uint64_t revision = 0;  // 0: the one that serves.
};

// "f", "f@latest", "f:3".
absl::StatusOr<RouteTarget> ParseRouteTarget(absl::string_view text);

}  // namespace tidepool::daemon
