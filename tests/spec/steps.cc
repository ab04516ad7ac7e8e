#include "tests/spec/steps.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "engine/platform/files.h"
#include "engine/support/status_macros.h"
#include "engine/wasi/context.h"
#include "engine/wasi/define.h"
#include "tests/spec/json.h"
#include "tests/spec/session.h"

namespace tidepool::spec {
namespace {

using engine::Instance;
using engine::Value;

constexpr uint64_t kFileBytesMax = uint64_t{256} << 20;

class StepRunner {
 public:
  StepRunner(Session& session, Instance& instance, std::string folder)
      : session_(session), instance_(instance), folder_(std::move(folder)) {}

  absl::Status Run(const json::object& step) {
    if (step.contains("call")) return Call(step);
    if (step.contains("bytes_of") || step.contains("text")) return Place(step);
    if (step.contains("load_u32")) return Load(step);
    if (step.contains("output")) return Output(ArrayOf(step, "output"));
    return absl::InvalidArgumentError("is not a step that is known");
  }

 private:
  // A number, or what a variable ("$name") stands for.
  absl::StatusOr<uint64_t> Evaluate(const json::value& value) const {
    if (value.is_int64()) return static_cast<uint64_t>(value.get_int64());
    const json::string* text = value.if_string();
    if (text == nullptr || text->empty() || (*text)[0] != '$') {
      return absl::InvalidArgumentError("has an argument that is neither number nor variable");
    }
    const auto found = variables_.find(std::string(text->begin() + 1, text->end()));
    if (found == variables_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("uses an unknown variable ", text->c_str()));
    }
    return found->second;
  }

  // The only result; 0 without one.
  absl::StatusOr<uint64_t> CallFunction(const std::string& name,
                                        const std::vector<Value>& arguments) {
    TP_ASSIGN_OR_RETURN(const engine::CallResult result, session_.Call(instance_, name, arguments));
    if (const auto* trap = std::get_if<engine::Trap>(&result)) {
      return absl::FailedPreconditionError(absl::StrCat(name, ": ", engine::ToString(*trap)));
    }
    const engine::Values& values = std::get<engine::Values>(result);
    return values.empty() ? 0 : values[0].low;
  }

  absl::Status Call(const json::object& step) {
    std::vector<Value> arguments;
    for (const json::value& argument : ArrayOf(step, "args")) {
      TP_ASSIGN_OR_RETURN(const uint64_t value, Evaluate(argument));
      arguments.push_back(Value::I32(static_cast<uint32_t>(value)));
    }
    const std::string name(StringOf(step, "call"));
    TP_ASSIGN_OR_RETURN(const uint64_t result, CallFunction(name, arguments));
    if (const json::value* returns = step.if_contains("returns")) {
      TP_ASSIGN_OR_RETURN(const uint64_t expected, Evaluate(*returns));
      if (static_cast<uint32_t>(expected) != static_cast<uint32_t>(result)) {
        return absl::FailedPreconditionError(
            absl::StrCat(name, " returned ", result, ", not ", expected));
      }
    }
    Keep(step, "", result);
    return absl::OkStatus();
  }

  // Brings a file's bytes or a text into the guest's memory.
  absl::Status Place(const json::object& step) {
    std::vector<uint8_t> bytes;
    if (step.contains("bytes_of")) {
      TP_ASSIGN_OR_RETURN(
          bytes,
          ReadFile(absl::StrCat(folder_, "/", std::string(StringOf(step, "bytes_of"))),
                   kFileBytesMax));
    } else {
      const std::string_view text = StringOf(step, "text");
      bytes.assign(text.begin(), text.end());
    }
    const uint64_t length = bytes.size();
    if (BoolOf(step, "then_zero_byte")) bytes.push_back(0);
    TP_ASSIGN_OR_RETURN(const uint64_t pointer,
                        CallFunction(std::string(StringOf(step, "allocate_with")),
                                     {Value::I32(static_cast<uint32_t>(bytes.size()))}));
    TP_ASSIGN_OR_RETURN(const absl::Span<uint8_t> to, MemoryAt(pointer, bytes.size()));
    if (!bytes.empty()) std::memcpy(to.data(), bytes.data(), bytes.size());
    Keep(step, ".pointer", pointer);
    Keep(step, ".length", length);
    return absl::OkStatus();
  }

  absl::Status Load(const json::object& step) {
    TP_ASSIGN_OR_RETURN(const uint64_t pointer, Evaluate(step.at("load_u32")));
    TP_ASSIGN_OR_RETURN(const absl::Span<uint8_t> from, MemoryAt(pointer, sizeof(uint32_t)));
    uint32_t word = 0;
    std::memcpy(&word, from.data(), sizeof(word));
    Keep(step, "", word);
    return absl::OkStatus();
  }

  absl::Status Output(const json::array& pointer_and_length) {
    if (pointer_and_length.size() != 2) {
      return absl::InvalidArgumentError("needs a pointer and a length");
    }
    TP_ASSIGN_OR_RETURN(const uint64_t pointer, Evaluate(pointer_and_length[0]));
    TP_ASSIGN_OR_RETURN(const uint64_t length, Evaluate(pointer_and_length[1]));
    TP_ASSIGN_OR_RETURN(const absl::Span<uint8_t> from, MemoryAt(pointer, length));
    std::fwrite(from.data(), 1, from.size(), stdout);
    return absl::OkStatus();
  }

  absl::StatusOr<absl::Span<uint8_t>> MemoryAt(uint64_t pointer, uint64_t bytes) const {
    const absl::Span<uint8_t> memory = instance_.Memory();
    if (bytes > memory.size() || pointer > memory.size() - bytes) {
      return absl::FailedPreconditionError(
          absl::StrCat("names ", bytes, " bytes at ", pointer, ", outside of memory"));
    }
    return memory.subspan(pointer, bytes);
  }

  void Keep(const json::object& step, absl::string_view member, uint64_t value) {
    const std::string name(StringOf(step, "as"));
    if (!name.empty()) variables_[absl::StrCat(name, member)] = value;
  }

  Session& session_;
  Instance& instance_;
  const std::string folder_;
  absl::flat_hash_map<std::string, uint64_t> variables_;
};

absl::StatusOr<json::value> ReadSteps(const std::string& path) {
  TP_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, ReadFile(path, kFileBytesMax));
  boost::system::error_code error;
  json::value value = json::parse(
      json::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), error);
  if (error || !value.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " holds no steps: ", error.message()));
  }
  return value;
}

}  // namespace

absl::Status RunSteps(Environment& environment,
                      const std::string& steps_path,
                      const std::string& module_path) {
  TP_ASSIGN_OR_RETURN(const json::value steps, ReadSteps(steps_path));
  TP_ASSIGN_OR_RETURN(const std::vector<uint8_t> wasm, ReadFile(module_path, kFileBytesMax));
  TP_ASSIGN_OR_RETURN(const auto module, environment.Compile(wasm, module_path));

  engine::wasi::SystemHost host;
  engine::wasi::FdOutput output(STDOUT_FILENO);
  engine::wasi::FdOutput error(STDERR_FILENO);
  engine::wasi::WasiContext context(
      {.args = {module_path}, .output = &output, .error = &error, .host = &host});
  Session session(environment);
  TP_RETURN_IF_ERROR(engine::wasi::DefineWasi(session.linker()));
  session.store().set_host_data(&context);
  engine::Linker::ResolveOptions imports;
  imports.wildcards = {{"env.*", engine::UnknownImports::kZero}};
  TP_ASSIGN_OR_RETURN(const InstanceOrTrap instance, session.Instantiate(module, imports));
  if (const auto* trap = std::get_if<engine::Trap>(&instance)) {
    return absl::FailedPreconditionError("the start function: " + engine::ToString(*trap));
  }

  StepRunner runner(session,
                    *std::get<Instance*>(instance),
                    std::filesystem::path(steps_path).parent_path().string());
  size_t number = 0;
  for (const json::value& step : ArrayOf(steps.get_object(), "steps")) {
    ++number;
    const absl::Status status = step.is_object() ? runner.Run(step.get_object())
                                                 : absl::InvalidArgumentError("is not an object");
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat(steps_path, ": step ", number, " ", status.message()));
    }
  }
  std::fflush(stdout);
  return session.Finish();
}

}  // namespace tidepool::spec
