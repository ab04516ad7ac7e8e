// Instance: one module instantiated in a store.
//
// Life     Made by Store::Instantiate, kept over leases, gone with its store.  Never touches its state
//          area when it goes: the storage may be gone already.
// Threads  The store's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/abi/vm_context.h"
#include "engine/runtime/value.h"
#include "engine/wasm/module.h"
#include "engine/wasm/types.h"

namespace tidepool::engine {

class Module;
class Store;

// A thing that can be exported by one instance and imported by another; lives in a store or is the
// host's.  Cheap to copy.
struct Extern {
  wasm::ExternalKind kind = wasm::ExternalKind::kFunction;
  const Store* store = nullptr;  // Whose it is; null: the host's, which outlives all its importers.
  const abi::FunctionRecord* function = nullptr;
  abi::TableRecord* table = nullptr;
  abi::MemoryRecord* memory = nullptr;
  abi::GlobalCell* global = nullptr;
  // Its type, for linking; which member counts is told by `kind`.
  const wasm::FunctionType* function_type = nullptr;
  wasm::TableType table_type;    // Limits as declared; the current size is in the record.
  wasm::MemoryType memory_type;
  wasm::GlobalType global_type;
};

class Instance {
 public:
  const Module& module() const { return *module_; }
  Store& store() const { return *store_; }
  abi::VmContext* context() const { return context_; }

  // Nothing when there is no such export.
  std::optional<Extern> FindExport(absl::string_view name) const;
  const abi::FunctionRecord* FindFunction(absl::string_view name) const;  // Null when none.

  // Memory `index` of the index space as it is now; empty when there is none.  Valid until the guest
  // runs again.
  absl::Span<uint8_t> Memory(uint32_t index = 0) const;

 private:
  friend class Store;
  Instance(std::shared_ptr<const Module> module, Store& store, abi::VmContext* context)
      : module_(std::move(module)), store_(&store), context_(context) {}
  std::shared_ptr<const Module> module_;
  Store* store_;
  abi::VmContext* context_;
};

}  // namespace tidepool::engine
