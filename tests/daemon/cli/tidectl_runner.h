// Runs the real tidectl against a daemon in this process.
#pragma once

#include <string>
#include <vector>

namespace tidepool::test {

struct ToolResult {
  int exit_code = -1;  // Or 128 + signal.
  std::string out;
  std::string err;
};

// `environment`: NAME=VALUE beside what this process has.  `input` is its standard input.
ToolResult RunTidectl(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment,
                      const std::string& input = "");

// Where the build put its programs.
std::string BinPath(const std::string& program);

}  // namespace tidepool::test
