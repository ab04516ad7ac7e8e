// The only TOML reader.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/settings/settings_internal.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

std::string PlaceOf(const std::string& path, const toml::node& node) {
  return absl::StrCat(path, ":", node.source().begin.line);
}

absl::StatusOr<std::string> TextOf(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return absl::StrCat(number->get());
  if (const auto* number = node.as_floating_point()) return absl::StrCat(number->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  return absl::InvalidArgumentError("must be a text, a number or true/false");
}

absl::Status Flatten(const std::string& path, const toml::table& table, const std::string& prefix,
                     std::vector<Assignment>& assignments) {
  for (const auto& [name, node] : table) {
    const std::string key = absl::StrCat(prefix, absl::string_view(name.str().data(), name.str().size()));
    if (const toml::table* section = node.as_table()) {
      TP_RETURN_IF_ERROR(Flatten(path, *section, key + ".", assignments));
      continue;
    }
    absl::StatusOr<std::string> text = TextOf(node);
    if (!text.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(PlaceOf(path, node), ": ", key, " ", text.status().message()));
    }
    assignments.push_back({key, *std::move(text), PlaceOf(path, node)});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Assignment>> ReadSettingsFile(const std::string& path) {
  const toml::parse_result result = toml::parse_file(path);
  if (!result) {
    const toml::parse_error& error = result.error();
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", error.source().begin.line, ": ",
                     absl::string_view(error.description().data(), error.description().size())));
  }
  std::vector<Assignment> assignments;
  TP_RETURN_IF_ERROR(Flatten(path, result.table(), "", assignments));
  return assignments;
}

}  // namespace tidepool::daemon
