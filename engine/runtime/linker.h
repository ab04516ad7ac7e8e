// Linker: names → things that modules can import.
//
// Life     Definitions are added, then many modules are resolved against them.  Owns its host
//          functions and the records that make them callable; both outlive every store that uses
//          them.
// Threads  Thread-compatible: const calls from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/runtime/host_function.h"
#include "engine/runtime/instance.h"

namespace tidepool::engine {

class Engine;
class Module;

// What to do with an import that no definition satisfies.
enum class UnknownImports : uint8_t {
  kRefuse,  // An error that names all of them.
  kTrap,    // Functions that trap with kHostError when called.
  kZero,    // Functions that return zeros.
};

// One binding per import of a module, in its order.  Host functions are bound as such, so that each
// importing instance gets a record of its own that knows the instance.
struct ImportBinding {
  const HostFunction* host_function = nullptr;  // Or:
  Extern external;
};
struct ImportBindings {
  std::vector<ImportBinding> bindings;
};

class Linker {
 public:
  explicit Linker(Engine& engine);
  ~Linker();

  // AlreadyExists when module.name is taken.
  absl::Status DefineFunction(absl::string_view module, absl::string_view name,
                              wasm::FunctionType type, HostCallback callback,
                              void* environment = nullptr);
  // Later definitions of the same name replace earlier ones (wasm scripts do that).
  void Define(absl::string_view module, absl::string_view name, const Extern& external);
  // Everything the instance exports, under `module`.
  void DefineInstance(absl::string_view module, const Instance& instance);

  // FailedPrecondition naming every import that is missing ("unknown import") or does not fit
  // ("incompatible import type").  `wildcards`: patterns of "module.name" such as "bench.*" (a '*'
  // stands for any text) whose missing functions are treated in that way, whatever `unknown` says;
  // the first that matches counts.
  struct ResolveOptions {
    UnknownImports unknown = UnknownImports::kRefuse;
    std::vector<std::pair<std::string, UnknownImports>> wildcards;
  };
  absl::StatusOr<ImportBindings> Resolve(const Module& module, const ResolveOptions& options);
  absl::StatusOr<ImportBindings> Resolve(const Module& module);

 private:
  struct Definition {
    std::unique_ptr<HostFunction> host_function;
    Extern external;
  };
  // Puts what a missing function import becomes, or returns false: refused.
  bool BindStub(const Module& module, const wasm::Import& import, const ResolveOptions& options,
                ImportBinding* binding);

  Engine& engine_;
  absl::flat_hash_map<std::string, Definition> definitions_;  // By KeyOf(module, name).
  std::vector<std::unique_ptr<HostFunction>> stubs_;
};

}  // namespace tidepool::engine
