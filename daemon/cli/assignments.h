// NAME=VALUE, as options of the command line take it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tidepool::daemon {

// InvalidArgument, naming `option`, when there is no '=' or no name before it.
inline absl::StatusOr<std::pair<std::string, std::string>> SplitAssignment(
    absl::string_view option, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat(option, " ", text, ": expected NAME=VALUE"));
  }
  return std::make_pair(text.substr(0, equals), text.substr(equals + 1));
}

template <typename Map>
absl::Status PutAssignments(absl::string_view option,
                            const std::vector<std::string>& texts,
                            Map& map) {
  for (const std::string& text : texts) {
    absl::StatusOr<std::pair<std::string, std::string>> split = SplitAssignment(option, text);
    if (!split.ok()) return split.status();
    map[split->first] = split->second;
  }
  return absl::OkStatus();
}

}  // namespace tidepool::daemon
