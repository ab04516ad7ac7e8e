#include "tests/spec/script_runner.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "engine/support/status_macros.h"
#include "tests/spec/base64.h"
#include "tests/spec/spectest.h"
#include "tests/spec/trap_class.h"
#include "tests/spec/values.h"

namespace tidepool::spec {
namespace {

using engine::Instance;
using engine::Trap;
using engine::Value;

absl::Status Differs(absl::string_view expected, absl::string_view came) {
  return absl::InternalError(absl::StrCat(expected, ", ", came));
}

std::string Text(std::string_view text) {
  return std::string(text);
}

std::string DescribeStatus(const absl::Status& status) {
  return absl::StrCat(absl::StatusCodeToString(status.code()),
                      ": ",
                      Text({status.message().data(), status.message().size()}));
}

absl::StatusOr<std::vector<uint8_t>> BytesOf(const json::object& command) {
  if (BoolOf(command, "component")) {
    return absl::UnimplementedError("components are not supported");
  }
  std::optional<std::vector<uint8_t>> bytes = DecodeBase64(StringOf(command, "wasm"));
  if (!bytes.has_value()) return absl::InternalError("the script's base64 is damaged");
  return *std::move(bytes);
}

std::string DescribeValues(const std::vector<engine::wasm::ValueType>& types,
                           const engine::Values& values) {
  if (values.empty()) return "nothing came";
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : " ", Describe(types[i], values[i]));
  }
  return text + " came";
}

std::string DescribeExpected(const json::object& command) {
  return absl::StrCat("expected ", json::serialize(ArrayOf(command, "expected")));
}

}  // namespace

struct ScriptRunner::Row {
  std::string_view type;
  Handler handler;
};

const ScriptRunner::Row* ScriptRunner::FindRow(std::string_view type) {
  static constexpr Row kRows[] = {
      {"module", &ScriptRunner::Module},
      {"module_definition", &ScriptRunner::ModuleDefinition},
      {"module_instance", &ScriptRunner::ModuleInstance},
      {"register", &ScriptRunner::Register},
      {"action", &ScriptRunner::Action},
      {"assert_return", &ScriptRunner::AssertReturn},
      {"assert_trap", &ScriptRunner::AssertTrap},
      {"assert_exhaustion", &ScriptRunner::AssertTrap},
      {"assert_exception", &ScriptRunner::AssertException},
      {"assert_invalid", &ScriptRunner::AssertRefused},
      {"assert_malformed", &ScriptRunner::AssertRefused},
      {"assert_unlinkable", &ScriptRunner::AssertUnlinkable},
      {"assert_uninstantiable", &ScriptRunner::AssertUninstantiable},
      {"thread", &ScriptRunner::Unsupported},
      {"wait", &ScriptRunner::Unsupported},
  };
  for (const Row& row : kRows) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

ScriptRunner::ScriptRunner(Environment& environment, const std::set<int64_t>& skipped_lines)
    : environment_(environment), skipped_lines_(skipped_lines), session_(environment) {}

ScriptResult ScriptRunner::Run(const json::object& script) {
  const absl::Status defined = DefineSpectest(environment_, session_);
  if (!defined.ok()) {
    ++result_.failed;
    result_.failures.push_back("0 spectest expected success, " + DescribeStatus(defined));
  }
  for (const json::value& command : ArrayOf(script, "commands")) {
    if (command.is_object()) RunCommand(command.get_object());
  }
  const absl::Status clean = session_.Finish();
  if (!clean.ok()) {
    ++result_.failed;
    result_.failures.push_back("0 reset expected clean storage, " + DescribeStatus(clean));
  }
  return std::move(result_);
}

// Checks about the text format, or about what custom sections hold.
bool ScriptRunner::IsSkipped(const json::object& command) {
  const std::string_view type = StringOf(command, "type");
  return StringOf(command, "module_type") == "text" || type == "assert_malformed_custom" ||
         type == "assert_invalid_custom";
}

void ScriptRunner::RunCommand(const json::object& command) {
  const int64_t line = IntOf(command, "line");
  if (IsSkipped(command) || skipped_lines_.contains(line)) {
    ++result_.skipped;
    return;
  }
  const std::string_view type = StringOf(command, "type");
  const Row* row = FindRow(type);
  const Outcome outcome = row == nullptr ? Differs("expected a known command", "it is not")
                                         : (this->*row->handler)(command);
  if (outcome.ok()) {
    ++result_.passed;
    return;
  }
  ++result_.failed;
  result_.failures.push_back(absl::StrCat(line,
                                          " ",
                                          Text(type),
                                          " ",
                                          outcome.code() == absl::StatusCode::kInternal
                                              ? std::string(outcome.message())
                                              : "expected success, " + DescribeStatus(outcome)));
}

absl::StatusOr<Instance*> ScriptRunner::FindInstance(std::string_view name) const {
  if (name.empty()) {
    if (current_ == nullptr) return absl::NotFoundError("there is no current instance");
    return current_;
  }
  const auto found = instances_.find(std::string(name));
  if (found == instances_.end()) {
    return absl::NotFoundError(absl::StrCat("there is no instance ", Text(name)));
  }
  return found->second;
}

void ScriptRunner::SetCurrent(Instance* instance, std::string_view name) {
  current_ = instance;
  if (!name.empty()) instances_[std::string(name)] = instance;
}

absl::StatusOr<std::shared_ptr<const engine::Module>> ScriptRunner::Compile(
    const json::object& command) {
  TP_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, BytesOf(command));
  return environment_.Compile(bytes, std::string(StringOf(command, "filename")));
}

absl::StatusOr<Instance*> ScriptRunner::InstantiateWhole(
    const std::shared_ptr<const engine::Module>& module) {
  TP_ASSIGN_OR_RETURN(InstanceOrTrap instance, session_.Instantiate(module));
  if (const Trap* trap = std::get_if<Trap>(&instance)) {
    return Differs("expected success", "trap: " + trap->message);
  }
  return std::get<Instance*>(instance);
}

ScriptRunner::Outcome ScriptRunner::Module(const json::object& command) {
  // Should it fail, what follows must not run on an older one.
  current_ = nullptr;
  TP_ASSIGN_OR_RETURN(const auto module, Compile(command));
  TP_ASSIGN_OR_RETURN(Instance * instance, InstantiateWhole(module));
  SetCurrent(instance, StringOf(command, "name"));
  return absl::OkStatus();
}

ScriptRunner::Outcome ScriptRunner::ModuleDefinition(const json::object& command) {
  TP_ASSIGN_OR_RETURN(last_definition_, BytesOf(command));
  const std::string_view name = StringOf(command, "name");
  if (!name.empty()) definitions_[std::string(name)] = last_definition_;
  return environment_.Check(last_definition_);
}

ScriptRunner::Outcome ScriptRunner::ModuleInstance(const json::object& command) {
  current_ = nullptr;
  const std::string definition(StringOf(command, "module"));
  const std::vector<uint8_t>* bytes = &last_definition_;
  if (!definition.empty()) {
    const auto found = definitions_.find(definition);
    if (found == definitions_.end()) {
      return absl::NotFoundError("there is no definition " + definition);
    }
    bytes = &found->second;
  }
  TP_ASSIGN_OR_RETURN(const auto module, environment_.Compile(*bytes, definition));
  TP_ASSIGN_OR_RETURN(Instance * instance, InstantiateWhole(module));
  SetCurrent(instance, StringOf(command, "instance"));
  return absl::OkStatus();
}

ScriptRunner::Outcome ScriptRunner::Register(const json::object& command) {
  TP_ASSIGN_OR_RETURN(Instance * instance, FindInstance(StringOf(command, "name")));
  session_.linker().DefineInstance(std::string(StringOf(command, "as")), *instance);
  return absl::OkStatus();
}

absl::StatusOr<ScriptRunner::ActionResult> ScriptRunner::Perform(const json::object& action) {
  TP_ASSIGN_OR_RETURN(Instance * instance, FindInstance(StringOf(action, "module")));
  const std::string field(StringOf(action, "field"));
  const std::optional<engine::Extern> found = instance->FindExport(field);
  if (!found.has_value()) return absl::NotFoundError(absl::StrCat("no export \"", field, "\""));
  if (StringOf(action, "type") == "get") {
    if (found->global == nullptr) return absl::NotFoundError(absl::StrCat(field, " is no global"));
    return ActionResult{{found->global_type.value},
                        engine::Values{{found->global->low, found->global->high}}};
  }
  if (found->function_type == nullptr) {
    return absl::NotFoundError(absl::StrCat(field, " is no function"));
  }
  std::vector<Value> arguments;
  for (const json::value& argument : ArrayOf(action, "args")) {
    const std::optional<Value> value =
        argument.is_object() ? ParseValue(argument.get_object()) : std::nullopt;
    if (!value.has_value()) {
      return absl::UnimplementedError(
          absl::StrCat("an argument of the form ", json::serialize(argument)));
    }
    arguments.push_back(*value);
  }
  TP_ASSIGN_OR_RETURN(engine::CallResult result, session_.Call(*instance, field, arguments));
  return ActionResult{found->function_type->results, std::move(result)};
}

ScriptRunner::Outcome ScriptRunner::Action(const json::object& command) {
  TP_ASSIGN_OR_RETURN(const ActionResult action, Perform(ObjectOf(command, "action")));
  if (const Trap* trap = std::get_if<Trap>(&action.result)) {
    return Differs("expected no trap", "trap: " + trap->message);
  }
  return absl::OkStatus();
}

ScriptRunner::Outcome ScriptRunner::AssertReturn(const json::object& command) {
  TP_ASSIGN_OR_RETURN(const ActionResult action, Perform(ObjectOf(command, "action")));
  if (const Trap* trap = std::get_if<Trap>(&action.result)) {
    return Differs(DescribeExpected(command), "trap: " + trap->message);
  }
  const engine::Values& values = std::get<engine::Values>(action.result);
  const json::array& expected = ArrayOf(command, "expected");
  bool matches = values.size() == expected.size() && values.size() == action.types.size();
  for (size_t i = 0; matches && i < expected.size(); ++i) {
    matches =
        expected[i].is_object() && Matches(expected[i].get_object(), action.types[i], values[i]);
  }
  if (matches) return absl::OkStatus();
  return Differs(DescribeExpected(command), DescribeValues(action.types, values));
}

ScriptRunner::Outcome ScriptRunner::AssertTrap(const json::object& command) {
  const std::string expected = absl::StrCat("expected trap: ", Text(StringOf(command, "text")));
  TP_ASSIGN_OR_RETURN(const ActionResult action, Perform(ObjectOf(command, "action")));
  const Trap* trap = std::get_if<Trap>(&action.result);
  if (trap == nullptr) {
    return Differs(expected, DescribeValues(action.types, std::get<engine::Values>(action.result)));
  }
  if (TrapIsOfClass(trap->code, StringOf(command, "text"))) return absl::OkStatus();
  return Differs(expected, "trap: " + trap->message);
}

ScriptRunner::Outcome ScriptRunner::AssertException(const json::object& command) {
  // The engine has no exceptions yet, so none can leave a call.
  TP_ASSIGN_OR_RETURN(const ActionResult action, Perform(ObjectOf(command, "action")));
  const Trap* trap = std::get_if<Trap>(&action.result);
  return Differs("expected an exception", trap == nullptr ? "the call returned" : trap->message);
}

ScriptRunner::Outcome ScriptRunner::AssertRefused(const json::object& command) {
  TP_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, BytesOf(command));
  const absl::Status status = environment_.Check(bytes);
  // Another code would say that the module may be right but cannot be had.
  if (status.code() == absl::StatusCode::kInvalidArgument) return absl::OkStatus();
  return Differs(absl::StrCat("expected refusal: ", Text(StringOf(command, "text"))),
                 status.ok() ? "accepted" : DescribeStatus(status));
}

ScriptRunner::Outcome ScriptRunner::AssertUnlinkable(const json::object& command) {
  TP_ASSIGN_OR_RETURN(const auto module, Compile(command));
  const absl::StatusOr<InstanceOrTrap> instance = session_.Instantiate(module);
  if (instance.status().code() == absl::StatusCode::kFailedPrecondition) return absl::OkStatus();
  return Differs(absl::StrCat("expected unlinkable: ", Text(StringOf(command, "text"))),
                 instance.ok() ? "it links" : DescribeStatus(instance.status()));
}

ScriptRunner::Outcome ScriptRunner::AssertUninstantiable(const json::object& command) {
  const std::string expected = absl::StrCat("expected trap: ", Text(StringOf(command, "text")));
  TP_ASSIGN_OR_RETURN(const auto module, Compile(command));
  TP_ASSIGN_OR_RETURN(const InstanceOrTrap instance, session_.Instantiate(module));
  const Trap* trap = std::get_if<Trap>(&instance);
  if (trap == nullptr) return Differs(expected, "it was instantiated");
  if (TrapIsOfClass(trap->code, StringOf(command, "text"))) return absl::OkStatus();
  return Differs(expected, "trap: " + trap->message);
}

ScriptRunner::Outcome ScriptRunner::Unsupported(const json::object&) {
  return absl::UnimplementedError("threads are not supported");
}

}  // namespace tidepool::spec
