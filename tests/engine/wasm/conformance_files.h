// Reads the conformance material (../shared/conformance/README.md) for the tests of this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidepool::test {

// One command of a script that carries a binary module.
struct ModuleCommand {
  std::string type;    // "module", "assert_invalid", …
  std::string text;    // Why it is wrong, in the script's words.
  std::string needs;   // fuzz/verdicts only.
  std::string module;  // A name for reports.
  int64_t line = 0;
  std::vector<uint8_t> bytes;
};

// One line of spec/groups.tsv.
struct SpecScript {
  std::string file;
  std::string feature;
  std::string needs;
};

// The folder, from TIDEPOOL_SHARED or `shared` beside or above the working directory; nothing if
// this machine does not have it.
std::optional<std::string> FindConformanceFolder();

std::vector<SpecScript> ReadSpecScripts(const std::string& folder);
// Aborts on a file that is not there: a missing script is not a passed one.
std::vector<ModuleCommand> ReadModuleCommands(const std::string& path);
std::vector<uint8_t> ReadFileBytes(const std::string& path);
// Lines of a .tsv file without its heading, split at tabs.
std::vector<std::vector<std::string>> ReadTable(const std::string& path);

}  // namespace tidepool::test
