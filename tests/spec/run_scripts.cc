#include "tests/spec/run_scripts.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "engine/platform/files.h"
#include "engine/support/status_macros.h"
#include "tests/spec/json.h"
#include "tests/spec/script_runner.h"
#include "tests/spec/skip_list.h"

namespace tidepool::spec {
namespace {

namespace fs = std::filesystem;

struct ScriptFile {
  std::string path;
  std::string name;  // Relative to the folder it was found in.
};

struct Sums {
  uint64_t passed = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;
};

// All *.json beneath a folder that are scripts (manifests are not), in order of name.
absl::Status Collect(const std::string& path, std::vector<ScriptFile>& files) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (!fs::exists(path, error)) return absl::NotFoundError(absl::StrCat(path, " does not exist"));
    files.push_back({path, fs::path(path).filename().string()});
    return absl::OkStatus();
  }
  const size_t first = files.size();
  for (fs::recursive_directory_iterator at(path, error), end; at != end; at.increment(error)) {
    if (error) return absl::UnavailableError(absl::StrCat(path, ": ", error.message()));
    if (at->path().extension() != ".json" || at->path().filename() == "manifest.json") continue;
    files.push_back({at->path().string(), fs::relative(at->path(), path, error).string()});
  }
  std::sort(files.begin() + static_cast<ptrdiff_t>(first),
            files.end(),
            [](const ScriptFile& a, const ScriptFile& b) { return a.name < b.name; });
  return absl::OkStatus();
}

absl::StatusOr<json::value> ReadJson(const std::string& path) {
  constexpr uint64_t kBytesMax = uint64_t{256} << 20;
  TP_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, ReadFile(path, kBytesMax));
  boost::system::error_code error;
  json::value value = json::parse(
      json::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), error);
  if (error || !value.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a script: ", error.message()));
  }
  return value;
}

void Print(const std::string& name, const ScriptResult& result) {
  std::printf("%s %s %u %u %u\n",
              result.failed == 0 ? "ok" : "FAIL",
              name.c_str(),
              result.passed,
              result.failed,
              result.skipped);
  for (const std::string& failure : result.failures) std::printf("  %s\n", failure.c_str());
  // What was printed stands, whatever the next script does to this process.
  std::fflush(stdout);
}

}  // namespace

absl::StatusOr<bool> RunScripts(Environment& environment) {
  const Options& options = environment.options();
  SkipList skip;
  if (!options.skip_path.empty()) {
    TP_ASSIGN_OR_RETURN(skip, SkipList::Read(options.skip_path));
  }
  std::vector<ScriptFile> files;
  for (const std::string& path : options.paths) TP_RETURN_IF_ERROR(Collect(path, files));

  Sums sums;
  for (const ScriptFile& file : files) {
    TP_ASSIGN_OR_RETURN(const json::value script, ReadJson(file.path));
    const std::set<int64_t> lines = skip.LinesOf(file.path);
    for (uint32_t i = 0; i < options.repeat; ++i) {
      const ScriptResult result = ScriptRunner(environment, lines).Run(script.get_object());
      Print(file.name, result);
      sums.passed += result.passed;
      sums.failed += result.failed;
      sums.skipped += result.skipped;
    }
  }
  std::printf("%llu passed, %llu failed, %llu skipped\n",
              static_cast<unsigned long long>(sums.passed),
              static_cast<unsigned long long>(sums.failed),
              static_cast<unsigned long long>(sums.skipped));
  return sums.failed == 0;
}

}  // namespace tidepool::spec
