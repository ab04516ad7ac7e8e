// ScriptRunner: performs the commands of one script and counts what held.
//
// Life     One per script and run.
// Threads  That of the environment.
// Source   ../shared/conformance/README.md, "Commands".
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "tests/spec/environment.h"
#include "tests/spec/json.h"
#include "tests/spec/script_result.h"
#include "tests/spec/session.h"

namespace tidepool::spec {

class ScriptRunner {
 public:
  // Commands on `skipped_lines` are counted as skipped.
  ScriptRunner(Environment& environment, const std::set<int64_t>& skipped_lines);

  // Once.  The storage is given back and proved clean at the end; that it was not is a failure.
  ScriptResult Run(const json::object& script);

 private:
  // What a command must say: OK, or how it differed.
  using Outcome = absl::Status;
  using Handler = Outcome (ScriptRunner::*)(const json::object& command);
  struct Row;

  static const Row* FindRow(std::string_view type);
  static bool IsSkipped(const json::object& command);
  void RunCommand(const json::object& command);

  Outcome Module(const json::object& command);
  Outcome ModuleDefinition(const json::object& command);
  Outcome ModuleInstance(const json::object& command);
  Outcome Register(const json::object& command);
  Outcome Action(const json::object& command);
  Outcome AssertReturn(const json::object& command);
  Outcome AssertTrap(const json::object& command);
  Outcome AssertException(const json::object& command);
  Outcome AssertRefused(const json::object& command);
  Outcome AssertUnlinkable(const json::object& command);
  Outcome AssertUninstantiable(const json::object& command);
  Outcome Unsupported(const json::object& command);

  struct ActionResult {
    std::vector<engine::wasm::ValueType> types;
    engine::CallResult result;
  };
  absl::StatusOr<ActionResult> Perform(const json::object& action);
  absl::StatusOr<engine::Instance*> FindInstance(std::string_view name) const;
  absl::StatusOr<std::shared_ptr<const engine::Module>> Compile(const json::object& command);
  absl::StatusOr<engine::Instance*> InstantiateWhole(
      const std::shared_ptr<const engine::Module>& module);
  void SetCurrent(engine::Instance* instance, std::string_view name);

  Environment& environment_;
  const std::set<int64_t>& skipped_lines_;
  Session session_;
  ScriptResult result_;
  engine::Instance* current_ = nullptr;  // Null: none, or the last module failed.
  absl::flat_hash_map<std::string, engine::Instance*> instances_;  // By $name.
  std::vector<uint8_t> last_definition_;
  absl::flat_hash_map<std::string, std::vector<uint8_t>> definitions_;  // By $name.
};

}  // namespace tidepool::spec
