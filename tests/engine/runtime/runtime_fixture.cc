#include "tests/engine/runtime/runtime_fixture.h"

#include <utility>

#include "engine/compiler/compile.h"
#include "engine/platform/memfd.h"
#include "engine/support/check.h"

namespace tidepool::test {

using engine::CallResult;

std::shared_ptr<const Module> LoadModule(engine::Engine& engine,
                                         const WasmBuilder& wasm,
                                         engine::Backend& backend,
                                         const engine::CompileOptions& options,
                                         const engine::LoadOptions& load_options) {
  const absl::StatusOr<engine::Artifact> artifact =
      engine::Compile(wasm.Build(), options, backend);
  EXPECT_THAT(artifact, IsOk());
  TP_CHECK(artifact.ok());
  const absl::StatusOr<UniqueFd> fd =
      CreateSealedMemfd("artifact", artifact->bytes.size(), {{{0, artifact->bytes}}});
  TP_CHECK(fd.ok());
  absl::StatusOr<std::shared_ptr<const Module>> module =
      Module::LoadFd(engine, fd->get(), "test.wasm", load_options);
  EXPECT_THAT(module, IsOk());
  TP_CHECK(module.ok());
  return *std::move(module);
}

absl::StatusOr<std::variant<Instance*, Trap>> RuntimeFixture::TryInstantiate(
    std::shared_ptr<const Module> module) {
  const absl::StatusOr<engine::ImportBindings> imports = linker_.Resolve(*module);
  if (!imports.ok()) return imports.status();
  return store_.Instantiate(std::move(module), *imports, activation_);
}

Instance& RuntimeFixture::Instantiate(std::shared_ptr<const Module> module) {
  const absl::StatusOr<std::variant<Instance*, Trap>> result = TryInstantiate(std::move(module));
  EXPECT_THAT(result, IsOk());
  TP_CHECK(result.ok() && std::holds_alternative<Instance*>(*result));
  return *std::get<Instance*>(*result);
}

TrapCode RuntimeFixture::TrapOfInstantiation(std::shared_ptr<const Module> module) {
  const absl::StatusOr<std::variant<Instance*, Trap>> result = TryInstantiate(std::move(module));
  EXPECT_THAT(result, IsOk());
  if (!result.ok() || std::holds_alternative<Instance*>(*result)) return TrapCode::kNone;
  return std::get<Trap>(*result).code;
}

CallResult RuntimeFixture::Call(Instance& instance,
                                absl::string_view name,
                                const Values& arguments) {
  absl::StatusOr<CallResult> result =
      engine::CallExport(instance, name, arguments, activation_);
  EXPECT_THAT(result, IsOk());
  TP_CHECK(result.ok());
  return *std::move(result);
}

Values RuntimeFixture::MustReturn(Instance& instance,
                                  absl::string_view name,
                                  const Values& arguments) {
  CallResult result = Call(instance, name, arguments);
  if (const Trap* trap = std::get_if<Trap>(&result)) {
    ADD_FAILURE() << "trapped: " << ToString(*trap);
    return Values(16);
  }
  return std::get<Values>(std::move(result));
}

Trap RuntimeFixture::MustTrap(Instance& instance,
                              absl::string_view name,
                              const Values& arguments) {
  CallResult result = Call(instance, name, arguments);
  if (Trap* trap = std::get_if<Trap>(&result)) return std::move(*trap);
  ADD_FAILURE() << name << " returned";
  return {};
}

}  // namespace tidepool::test
