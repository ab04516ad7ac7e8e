#include "daemon/catalogue/names.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr size_t kHostBytesMax = 253;  // RFC 1035, 2.3.4.
constexpr size_t kPathBytesMax = 1024;

absl::StatusOr<std::string> ParseHost(absl::string_view text, absl::string_view route) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("route \"", route, "\": ", why));
  };
  std::string host = absl::AsciiStrToLower(text);
  if (absl::EndsWith(host, ".")) host.pop_back();
  if (host.empty()) return refuse("it needs a host, as in \"example.org/path\"");
  if (host.size() > kHostBytesMax) {
    return refuse(absl::StrCat("its host is longer than ", kHostBytesMax, " bytes"));
  }
  if (absl::StrContains(host, ":")) return refuse("a route's host has no port");
  for (const absl::string_view label : absl::StrSplit(host, '.')) {
    if (label.empty()) return refuse("its host has an empty label");
    const bool good = std::all_of(label.begin(), label.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
    });
    if (!good) return refuse("a host consists of letters, digits, '-', '_' and '.'");
  }
  return host;
}

absl::StatusOr<std::string> ParsePath(absl::string_view text, absl::string_view route) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("route \"", route, "\": ", why));
  };
  if (text.size() > kPathBytesMax) {
    return refuse(absl::StrCat("its path is longer than ", kPathBytesMax, " bytes"));
  }
  // Compared with a request's decoded path: what would need encoding could match in two ways.
  constexpr absl::string_view kSafe = "-._~!$&'()*+,;=:@/";
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        kSafe.find(c) == absl::string_view::npos) {
      return refuse("its path has a character that would need percent-encoding");
    }
  }
  std::vector<absl::string_view> segments = absl::StrSplit(text, '/');
  if (!segments.empty() && segments.back().empty()) segments.pop_back();
  for (const absl::string_view segment : segments) {
    if (segment.empty()) return refuse("its path has an empty segment");
    if (segment == "." || segment == "..") return refuse("its path has a \".\" or \"..\" segment");
  }
  return absl::StrCat("/", absl::StrJoin(segments, "/"));
}

}  // namespace

absl::Status CheckName(absl::string_view what, absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError(absl::StrCat("the ", what, " has no name"));
  if (name.size() > kNameBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " name \"", name, "\" has ", name.size(), " bytes; at most ", kNameBytesMax));
  }
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
  if (!good || !absl::ascii_isalnum(static_cast<unsigned char>(name.front()))) {
    return absl::InvalidArgumentError(
        absl::StrCat(what,
                     " name \"",
                     name,
                     "\" must begin with a letter or digit and consist of these, '-' and '_'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<RouteKey> ParseRoute(absl::string_view text) {
  const size_t slash = text.find('/');
  const absl::string_view host = text.substr(0, slash);
  const absl::string_view path =
      slash == absl::string_view::npos ? absl::string_view() : text.substr(slash + 1);
  RouteKey key;
  TP_ASSIGN_OR_RETURN(key.host, ParseHost(host, text));
  TP_ASSIGN_OR_RETURN(key.path, ParsePath(path, text));
  return key;
}

std::string ToString(const RouteKey& route) {
  return route.host + route.path;
}

absl::StatusOr<RouteTarget> ParseRouteTarget(absl::string_view text) {
  RouteTarget target;
  const size_t mark = text.find_first_of("@:");
  target.function = std::string(text.substr(0, mark));
  TP_RETURN_IF_ERROR(CheckName("function", text.substr(0, mark)));
  if (mark == absl::string_view::npos) return target;
  const absl::string_view version = text.substr(mark + 1);
  if (text[mark] == '@') {
    if (version == "latest") return target;
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\": there are no aliases yet, except @latest"));
  }
  if (!absl::SimpleAtoi(version, &target.revision) || target.revision == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\": \"", version, "\" is not the number of a revision"));
  }
  return target;
}

}  // namespace tidepool::daemon
