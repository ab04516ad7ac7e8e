// RuntimeFixture: an engine, a linker, a store over its own storage and an activation on the test's
// stack; what each test adds is modules.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "engine/compiler/backend.h"
#include "engine/runtime/call.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/guest_thread.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/runtime/owned_storage.h"
#include "engine/runtime/store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/runtime/assembled_backend.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::test {

using engine::Activation;
using engine::Instance;
using engine::Module;
using engine::Store;
using engine::Trap;
using engine::Value;
using engine::Values;

// Counts, and ends the guest call with `answer` unless that is kNone.
class CountingHandler final : public engine::InterruptHandler {
 public:
  TrapCode OnInterrupt() noexcept override {
    count.fetch_add(1);
    return answer;
  }
  std::atomic<int> count{0};
  TrapCode answer = TrapCode::kNone;
};

// Writes an artifact of `wasm` and loads it; dies when that fails.
std::shared_ptr<const Module> LoadModule(engine::Engine& engine,
                                         const WasmBuilder& wasm,
                                         engine::Backend& backend,
                                         const engine::CompileOptions& options = {},
                                         const engine::LoadOptions& load_options = {});

// A body that is valid whatever the function's type; the backend does not look at it.
inline Code AnyBody() { return Code().Op(Opcode::kUnreachable); }

class RuntimeFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kGuestStackBytes = 256 * 1024;

  std::shared_ptr<const Module> Load(const WasmBuilder& wasm, engine::Backend& backend) {
    return LoadModule(engine_, wasm, backend);
  }
  // Resolves against linker_ and instantiates in store_; neither may fail.
  Instance& Instantiate(std::shared_ptr<const Module> module);
  absl::StatusOr<std::variant<Instance*, Trap>> TryInstantiate(
      std::shared_ptr<const Module> module);
  // The trap that instantiating ends with; kNone if it does not.
  TrapCode TrapOfInstantiation(std::shared_ptr<const Module> module);

  // Calls an export; the call must take place.
  engine::CallResult Call(Instance& instance, absl::string_view name, const Values& arguments = {});
  Values MustReturn(Instance& instance, absl::string_view name, const Values& arguments = {});
  Trap MustTrap(Instance& instance, absl::string_view name, const Values& arguments = {});

  engine::Engine engine_;
  engine::Linker linker_{engine_};
  engine::OwnedStorage storage_;
  Store store_{storage_};
  CountingHandler handler_;
  Activation activation_{Activation::LimitOnCurrentStack(kGuestStackBytes), &handler_};
};

}  // namespace tidepool::test
