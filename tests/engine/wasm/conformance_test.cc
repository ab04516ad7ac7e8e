// Verdicts of decoder and validator on the material that nobody here wrote.

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/engine/wasm/conformance_files.h"
#include "tests/engine/wasm/module_checks.h"

namespace tidepool::test {
namespace {

using engine::wasm::Features;

class Conformance : public testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::string> folder = FindConformanceFolder();
    if (!folder.has_value()) GTEST_SKIP() << "no conformance material (set TIDEPOOL_SHARED)";
    folder_ = *folder;
  }

  // Checks every module of a script, but those at the lines `skip`; returns how many there were.
  int CheckScript(const std::string& file,
                  const Features& features,
                  const std::set<int64_t>& skip = {}) {
    int checks = 0;
    for (const ModuleCommand& command : ReadModuleCommands(folder_ + "/" + file)) {
      if (absl::EndsWith(command.type, "_custom")) continue;  // Contents of custom sections.
      if (skip.contains(command.line)) continue;
      const absl::Status verdict = Verdict(command.bytes, features);
      const bool refuse = command.type == "assert_invalid" || command.type == "assert_malformed";
      EXPECT_NE(verdict.ok(), refuse)
          << file << ":" << command.line << " " << command.module << " " << command.type << " \""
          << command.text << "\"\n  " << verdict;
      if (!verdict.ok()) {
        EXPECT_EQ(verdict.code(), absl::StatusCode::kInvalidArgument);
      }
      ++checks;
    }
    return checks;
  }

  std::string folder_;
};

TEST_F(Conformance, AgreesWithTheScriptsOf2Point0) {
  int scripts = 0;
  int checks = 0;
  for (const SpecScript& script : ReadSpecScripts(folder_)) {
    if ((script.needs != "1.0" && script.needs != "2.0") || script.feature == "simd") continue;
    checks += CheckScript("spec/" + script.file, Features());
    ++scripts;
  }
  EXPECT_EQ(scripts, 81);
  EXPECT_GT(checks, 2500);
}

// Modules with types of the gc feature, in scripts of other features.
std::set<int64_t> LinesWithGcTypes(const std::string& file) {
  if (file == "ref_null.json") return {1, 23};
  if (file == "table_init.json") return {2272};
  if (file == "table_init64.json") return {2457};
  if (file == "tag.json") return {30, 40, 48};
  return {};
}

TEST_F(Conformance, AgreesWithTheScriptsOfEveryFeature) {
  const std::set<std::string> not_built = {"gc", "legacy-exceptions", "custom-descriptors"};
  std::map<std::string, std::set<int64_t>> skip;
  for (const std::vector<std::string>& row : ReadTable(folder_ + "/spec/skip.tsv")) {
    skip[row[0]].insert(std::stoll(row[1]));
  }
  int scripts = 0;
  int checks = 0;
  for (const SpecScript& script : ReadSpecScripts(folder_)) {
    if (not_built.contains(script.feature)) continue;
    Features features = EveryFeature();
    features.custom_page_sizes = script.feature == "custom-page-sizes";
    std::set<int64_t> lines = LinesWithGcTypes(script.file);
    lines.merge(skip[script.file]);
    checks += CheckScript("spec/" + script.file, features, lines);
    ++scripts;
  }
  EXPECT_GT(scripts, 240);
  EXPECT_GT(checks, 6000);
}

TEST_F(Conformance, AgreesWithTheScriptsOfThreads) {
  int checks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/threads")) {
    if (entry.path().extension() != ".json") continue;
    checks += CheckScript("threads/" + entry.path().filename().string(), EveryFeature());
  }
  EXPECT_GT(checks, 100);
}

TEST_F(Conformance, RefusesDamagedModulesWithFeaturesOnAndOff) {
  int checks = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string file = absl::StrCat("fuzz/verdicts/invalid-0", i, ".json");
    checks += CheckScript(file, Features());
    CheckScript(file, EveryFeature());
  }
  EXPECT_EQ(checks, 1000);
}

// `needs` is a release.  A module of 2.0 may use vectors, which tests leave off by default; what it
// is refused for then says so.
TEST_F(Conformance, AcceptsRandomModules) {
  int accepted = 0;
  for (int i = 0; i < 10; ++i) {
    for (const ModuleCommand& command :
         ReadModuleCommands(absl::StrCat(folder_, "/fuzz/verdicts/valid-0", i, ".json"))) {
      if (command.needs != "1.0" && command.needs != "2.0") continue;
      Features features;
      features.simd = command.needs == "2.0";
      EXPECT_EQ(Verdict(command.bytes, features), absl::OkStatus()) << command.module;
      ++accepted;
    }
  }
  EXPECT_EQ(accepted, 96);
}

TEST_F(Conformance, AcceptsRandomModulesOf3Point0WithoutGcTypes) {
  int accepted = 0;
  int with_gc_types = 0;
  for (int i = 0; i < 10; ++i) {
    for (const ModuleCommand& command :
         ReadModuleCommands(absl::StrCat(folder_, "/fuzz/verdicts/valid-0", i, ".json"))) {
      const absl::Status verdict = Verdict(command.bytes, EveryFeature());
      const bool gc_type = absl::StrContains(verdict.message(), "unknown form of type") ||
                           absl::StrContains(verdict.message(), "malformed value type") ||
                           absl::StrContains(verdict.message(), "malformed heap type");
      EXPECT_TRUE(verdict.ok() || gc_type) << command.module << ": " << verdict;
      ++(verdict.ok() ? accepted : with_gc_types);
    }
  }
  EXPECT_GE(accepted, 155);
  EXPECT_EQ(accepted + with_gc_types, 1000);
}

// 0.1 s + 2 s per MB (security.md, D), in an unoptimized build too.
TEST_F(Conformance, StressModulesStayWithinTheBudget) {
  int checks = 0;
  for (const std::vector<std::string>& row : ReadTable(folder_ + "/dos/verdicts.tsv")) {
    // Types of the gc feature.
    if (row[0] == "array-new-const-len-minus1.wasm" || row[0] == "subtype-chain-63.wasm") continue;
    const std::vector<uint8_t> bytes = ReadFileBytes(folder_ + "/dos/" + row[0]);
    const double start = CpuSeconds();
    const absl::Status verdict = Verdict(bytes, Features());
    const double seconds = CpuSeconds() - start;
    EXPECT_EQ(verdict.ok(), row[2] == "valid") << row[0] << ": " << verdict;
    EXPECT_LT(seconds, 0.1 + 2e-6 * static_cast<double>(bytes.size())) << row[0];
    ++checks;
  }
  EXPECT_EQ(checks, 6);
}

TEST_F(Conformance, AcceptsRealPrograms) {
  Features features;
  features.simd = true;
  int checks = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ + "/modules")) {
    if (entry.path().extension() != ".wasm") continue;
    if (entry.path().filename() == "splay.wasm") continue;  // gc.
    EXPECT_EQ(Verdict(ReadFileBytes(entry.path().string()), features), absl::OkStatus())
        << entry.path();
    ++checks;
  }
  EXPECT_GE(checks, 17);
}

}  // namespace
}  // namespace tidepool::test
