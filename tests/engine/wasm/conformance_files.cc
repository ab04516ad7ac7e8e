#include "tests/engine/wasm/conformance_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include <boost/json.hpp>

#include "engine/support/check.h"

namespace tidepool::test {
namespace {

std::string TextOf(const boost::json::object& command, const char* key) {
  const boost::json::value* value = command.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

bool IsFlagged(const boost::json::object& command, const char* key) {
  const boost::json::value* value = command.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

void AppendCommands(const boost::json::array& commands, std::vector<ModuleCommand>* found) {
  for (const boost::json::value& value : commands) {
    const boost::json::object& object = value.get_object();
    if (const boost::json::value* inner = object.if_contains("commands")) {
      AppendCommands(inner->get_array(), found);
    }
    const std::string encoded = TextOf(object, "wasm");
    if (!object.contains("wasm") || TextOf(object, "module_type") != "binary") continue;
    if (IsFlagged(object, "component")) continue;
    ModuleCommand command;
    command.type = TextOf(object, "type");
    command.text = TextOf(object, "text");
    command.needs = TextOf(object, "needs");
    command.module = TextOf(object, "filename");
    command.line = object.at("line").to_number<int64_t>();
    std::string bytes;
    TP_CHECK(absl::Base64Unescape(encoded, &bytes));
    command.bytes.assign(bytes.begin(), bytes.end());
    found->push_back(std::move(command));
  }
}

}  // namespace

std::optional<std::string> FindConformanceFolder() {
  namespace fs = std::filesystem;
  if (const char* shared = std::getenv("TIDEPOOL_SHARED")) {
    const fs::path folder = fs::path(shared) / "conformance";
    return fs::exists(folder) ? std::optional(folder.string()) : std::nullopt;
  }
  for (fs::path at = fs::current_path();; at = at.parent_path()) {
    const fs::path folder = at / "shared" / "conformance";
    if (fs::exists(folder)) return folder.string();
    if (at == at.parent_path()) return std::nullopt;
  }
}

std::vector<uint8_t> ReadFileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  TP_CHECK(file.good());
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::vector<std::string>> ReadTable(const std::string& path) {
  std::ifstream file(path);
  TP_CHECK(file.good());
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(file, line);  // The heading.
  while (std::getline(file, line)) rows.push_back(absl::StrSplit(line, '\t'));
  return rows;
}

std::vector<SpecScript> ReadSpecScripts(const std::string& folder) {
  std::vector<SpecScript> scripts;
  for (const std::vector<std::string>& row : ReadTable(folder + "/spec/groups.tsv")) {
    scripts.push_back({row[0], row[2], row[3]});
  }
  return scripts;
}

std::vector<ModuleCommand> ReadModuleCommands(const std::string& path) {
  const std::vector<uint8_t> text = ReadFileBytes(path);
  const boost::json::value script =
      boost::json::parse({reinterpret_cast<const char*>(text.data()), text.size()});
  std::vector<ModuleCommand> found;
  AppendCommands(script.at("commands").as_array(), &found);
  return found;
}

}  // namespace tidepool::test
