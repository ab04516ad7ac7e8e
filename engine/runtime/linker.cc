#include "engine/runtime/linker.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/runtime/import_match.h"
#include "engine/runtime/module.h"

namespace tidepool::engine {
namespace {

// Names may hold any character, so the first one's length says where the second begins.
std::string KeyOf(absl::string_view module, absl::string_view name) {
  return absl::StrCat(module.size(), ":", module, name);
}

// '*' stands for any text, every other character for itself.
bool Matches(absl::string_view pattern, absl::string_view text) {
  size_t star = absl::string_view::npos;  // The last one seen,
  size_t retry = 0;                       // and the text it may still take more of.
  size_t p = 0;
  size_t t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

TrapCode MissingFunction(HostCall& call) {
  const auto& function = *static_cast<const HostFunction*>(call.environment);
  call.error = absl::UnimplementedError(
      absl::StrCat("import ", function.name, " is a stub: nobody provides it"));
  return TrapCode::kHostError;
}

// Results are zeros unless written.
TrapCode ZeroFunction(HostCall&) { return TrapCode::kNone; }

}  // namespace

Linker::Linker(Engine& engine) : engine_(engine) {}
Linker::~Linker() = default;

absl::Status Linker::DefineFunction(absl::string_view module,
                                    absl::string_view name,
                                    wasm::FunctionType type,
                                    HostCallback callback,
                                    void* environment) {
  const auto [at, inserted] = definitions_.try_emplace(KeyOf(module, name));
  if (!inserted) {
    return absl::AlreadyExistsError(absl::StrCat(module, ".", name, " is already defined"));
  }
  at->second.host_function =
      std::make_unique<HostFunction>(HostFunction{.name = absl::StrCat(module, ".", name),
                                                  .type = std::move(type),
                                                  .callback = callback,
                                                  .environment = environment});
  return absl::OkStatus();
}

void Linker::Define(absl::string_view module, absl::string_view name, const Extern& external) {
  Definition& definition = definitions_[KeyOf(module, name)];
  // A host function that stores may already use stays alive, though its name is another's now.
  if (definition.host_function != nullptr) stubs_.push_back(std::move(definition.host_function));
  definition.external = external;
}

void Linker::DefineInstance(absl::string_view module, const Instance& instance) {
  for (const wasm::Export& exported : instance.module().info().exports) {
    Define(module, exported.name, *instance.FindExport(exported.name));
  }
}

bool Linker::BindStub(const Module& module,
                      const wasm::Import& import,
                      const ResolveOptions& options,
                      ImportBinding* binding) {
  if (import.kind != wasm::ExternalKind::kFunction) return false;
  const std::string name = ImportName(import);
  UnknownImports treatment = options.unknown;
  for (const auto& [pattern, wanted] : options.wildcards) {
    if (!Matches(pattern, name)) continue;
    treatment = wanted;
    break;
  }
  if (treatment == UnknownImports::kRefuse) return false;
  const uint32_t type = module.info().function_types[import.index];
  auto stub = std::make_unique<HostFunction>(
      HostFunction{.name = name, .type = module.info().types[type]});
  stub->callback = treatment == UnknownImports::kTrap ? &MissingFunction : &ZeroFunction;
  stub->environment = stub.get();
  binding->host_function = stub.get();
  stubs_.push_back(std::move(stub));
  return true;
}

absl::StatusOr<ImportBindings> Linker::Resolve(const Module& module,
                                               const ResolveOptions& options) {
  if (&module.engine() != &engine_) {
    return absl::FailedPreconditionError(
        absl::StrCat(module.name(), " belongs to another engine than the linker"));
  }
  ImportBindings resolved;
  std::vector<std::string> errors;
  const std::vector<wasm::Import>& imports = module.info().imports;
  resolved.bindings.reserve(imports.size());
  for (size_t i = 0; i < imports.size(); ++i) {
    ImportBinding binding;
    const auto found = definitions_.find(KeyOf(imports[i].module, imports[i].name));
    if (found != definitions_.end()) {
      binding.host_function = found->second.host_function.get();
      binding.external = found->second.external;
      std::string mismatch = ImportMismatch(module, i, binding);
      if (!mismatch.empty()) errors.push_back(std::move(mismatch));
    } else if (!BindStub(module, imports[i], options, &binding)) {
      errors.push_back(absl::StrCat(ImportName(imports[i]), ": unknown import"));
    }
    resolved.bindings.push_back(std::move(binding));
  }
  if (!errors.empty()) return absl::FailedPreconditionError(absl::StrJoin(errors, "; "));
  return resolved;
}

absl::StatusOr<ImportBindings> Linker::Resolve(const Module& module) {
  return Resolve(module, ResolveOptions{});
}

}  // namespace tidepool::engine
