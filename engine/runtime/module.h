// Module: an artifact, mapped and ready to be instantiated.
//
// Life     Load → shared by all stores that instantiate it → unmapped with the last reference.
// Threads  Immutable; thread-safe.
// Errors   FailedPrecondition: another ABI, CPU, compiler or option: compile again.  DataLoss:
//          truncated or altered.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/artifact/module_info.h"
#include "engine/runtime/store_storage.h"
#include "engine/wasm/limits.h"

namespace tidepool::engine {

class Engine;
struct ModuleImpl;

struct LoadOptions {
  // Read every byte once and compare digests: for a file that is not from our own store.
  bool verify = false;
  // Entries that all tables of an instance have room for together, unless they begin with more;
  // decides the state area's size.  Tables without a declared maximum share what is left.
  uint64_t table_elements_max = wasm::kTableElementCountMax;
};

class Module {
 public:
  // `engine` must outlive the module.
  static absl::StatusOr<std::shared_ptr<const Module>> Load(Engine& engine, const std::string& path,
                                                            const LoadOptions& options = {});
  // The same from a descriptor of a file or sealed memfd, which is not kept.
  static absl::StatusOr<std::shared_ptr<const Module>> LoadFd(Engine& engine, int fd,
                                                              absl::string_view name,
                                                              const LoadOptions& options = {});
  ~Module();

  const ModuleInfo& info() const;
  const StorageShape& shape() const;
  // Different for any two modules ever loaded in this process.
  uint64_t id() const;
  absl::string_view name() const;  // For messages.

  // Machine code of a defined function, by ordinal among them.
  const void* CodeOf(uint32_t defined_function) const;
  absl::Span<const uint32_t> type_ids() const;  // Canonical, by type index.
  // Name of a function, from the name section; empty when it has none.
  absl::string_view FunctionName(uint32_t function) const;
  // Where the code lies, for mlock decisions.
  absl::Span<const uint8_t> ImageRange() const;
  // Whether an instance has work to do before its first call: segments that are not in the image, or
  // a start function.
  bool needs_initialization() const;
  Engine& engine() const;

 private:
  friend const ModuleImpl& ImplOf(const Module& module);  // module_internal.h
  explicit Module(std::unique_ptr<ModuleImpl> impl);
  std::unique_ptr<ModuleImpl> impl_;
};

}  // namespace tidepool::engine
