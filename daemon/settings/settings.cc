#include "daemon/settings/settings.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "daemon/settings/settings_internal.h"
#include "daemon/tenants/nearest_word.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr absl::string_view kEnvironmentPrefix = "TIDEPOOL_";
constexpr char kDefaultFile[] = "/etc/tidepool/tidepool.toml";
constexpr char kDefaultFolder[] = "/etc/tidepool/conf.d";

const SettingRow* FindRow(absl::string_view key) {
  for (const SettingRow& row : SettingsTable()) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

absl::Status UnknownKey(const Assignment& assignment) {
  std::vector<absl::string_view> known;
  for (const SettingRow& row : SettingsTable()) known.push_back(row.key);
  std::string hint = DidYouMean(assignment.key, known);
  // The whole table is too long for one line; --print-config shows it.
  if (!absl::StrContains(hint, "did you mean")) hint = "; --print-config lists all keys";
  return absl::InvalidArgumentError(
      absl::StrCat(assignment.from, ": unknown key \"", assignment.key, "\"", hint));
}

absl::Status Apply(Settings& settings, const Assignment& assignment) {
  const SettingRow* row = FindRow(assignment.key);
  if (row == nullptr) return UnknownKey(assignment);
  const absl::Status status = row->set(settings, assignment.value);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(assignment.from, ": ", assignment.key, ": ", status.message()));
  }
  for (Settings::Origin& origin : settings.origins) {
    if (origin.key == assignment.key) origin.from = assignment.from;
  }
  return absl::OkStatus();
}

absl::Status ApplyFile(Settings& settings, const std::string& path) {
  TP_ASSIGN_OR_RETURN(const std::vector<Assignment> assignments, ReadSettingsFile(path));
  for (const Assignment& assignment : assignments) {
    TP_RETURN_IF_ERROR(Apply(settings, assignment));
  }
  return absl::OkStatus();
}

// conf.d/*.toml in the order of their names, as systemd and others do.
absl::Status ApplyDefaultPlaces(Settings& settings) {
  std::error_code error;
  if (std::filesystem::exists(kDefaultFile, error)) {
    TP_RETURN_IF_ERROR(ApplyFile(settings, kDefaultFile));
  }
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kDefaultFolder, error)) {
    if (entry.path().extension() == ".toml") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) TP_RETURN_IF_ERROR(ApplyFile(settings, path));
  return absl::OkStatus();
}

// TIDEPOOL_LISTEN__HTTP → listen.http.  Names without "__" belong to others (TIDEPOOL_SERVER), but
// for the one key without a section.
absl::Status ApplyEnvironment(Settings& settings, absl::string_view variable) {
  const size_t equals = variable.find('=');
  if (!absl::StartsWith(variable, kEnvironmentPrefix) || equals == absl::string_view::npos) {
    return absl::OkStatus();
  }
  const absl::string_view name = variable.substr(0, equals);
  const absl::string_view path = name.substr(kEnvironmentPrefix.size());
  if (!absl::StrContains(path, "__") && path != "WORKERS") return absl::OkStatus();
  return Apply(settings, {absl::StrReplaceAll(absl::AsciiStrToLower(path), {{"__", "."}}),
                          std::string(variable.substr(equals + 1)), std::string(name)});
}

absl::Status ApplyAssignmentText(Settings& settings, absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--set ", text, ": write --set section.key=value"));
  }
  return Apply(settings, {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)),
                          "--set"});
}

}  // namespace

absl::StatusOr<Settings> LoadSettings(const SettingsSources& sources) {
  Settings settings;
  for (const SettingRow& row : SettingsTable()) {
    settings.origins.push_back({std::string(row.key), "", "default"});
  }
  if (sources.config_file.empty()) {
    TP_RETURN_IF_ERROR(ApplyDefaultPlaces(settings));
  } else {
    TP_RETURN_IF_ERROR(ApplyFile(settings, sources.config_file));
  }
  for (const std::string& variable : sources.environment) {
    TP_RETURN_IF_ERROR(ApplyEnvironment(settings, variable));
  }
  if (!sources.state_dir.empty()) {
    TP_RETURN_IF_ERROR(Apply(settings, {"state.dir", sources.state_dir, "--state-dir"}));
    TP_RETURN_IF_ERROR(Apply(settings, {"listen.admin",
                                        absl::StrCat("unix:", sources.state_dir, "/admin.sock"),
                                        "--state-dir"}));
  }
  for (const std::string& text : sources.assignments) {
    TP_RETURN_IF_ERROR(ApplyAssignmentText(settings, text));
  }
  for (Settings::Origin& origin : settings.origins) origin.value = FindRow(origin.key)->get(settings);
  return settings;
}

std::string PrintSettings(const Settings& settings) {
  std::string text;
  for (const Settings::Origin& origin : settings.origins) {
    absl::StrAppend(&text, origin.key, " = \"", origin.value, "\"  # ", origin.from, "\n");
  }
  return text;
}

}  // namespace tidepool::daemon
