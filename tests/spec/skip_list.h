// SkipList: checks that a skip.tsv (file, line, …) says to leave out.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tidepool::spec {

class SkipList {
 public:
  // InvalidArgument: a line that does not begin with a file and a number.
  static absl::StatusOr<SkipList> Read(const std::string& path);

  // Lines of the script at `path`, whose last components are the list's file.
  std::set<int64_t> LinesOf(const std::string& path) const;

 private:
  std::vector<std::pair<std::string, int64_t>> rows_;
};

}  // namespace tidepool::spec
