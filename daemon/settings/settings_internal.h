// The two halves of loading: the table of keys, and the TOML files.  Not for other folders.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/settings/settings.h"

namespace tidepool::daemon {

// One value as text, with the place it came from ("tidepool.toml:12", "--set", …).
struct Assignment {
  std::string key;
  std::string value;
  std::string from;
};

// One row per key: how it is read, checked and printed.
struct SettingRow {
  absl::string_view key;
  absl::Status (*set)(Settings& settings, absl::string_view value);
  std::string (*get)(const Settings& settings);
};
absl::Span<const SettingRow> SettingsTable();

// All keys of one TOML file, flattened to section.key.  InvalidArgument with file and line.
absl::StatusOr<std::vector<Assignment>> ReadSettingsFile(const std::string& path);

}  // namespace tidepool::daemon
