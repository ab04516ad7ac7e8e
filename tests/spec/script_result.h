// What came of one script.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidepool::spec {

struct ScriptResult {
  uint32_t passed = 0;
  uint32_t failed = 0;
  uint32_t skipped = 0;
  std::vector<std::string> failures;  // "line type what was expected, what came".
};

}  // namespace tidepool::spec
