// StateView: an instance's state by index, for C++ as machine code reads it.
//
// Shape    `contents` is where the bytes are read and written, `address` where the state lies for
//          those who point into it.  They differ only while a copy is built for comparison.
// Threads  The store's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/abi/vm_context.h"
#include "engine/runtime/host_record.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/module_internal.h"

namespace tidepool::engine {

class StateView {
 public:
  StateView(const ModuleImpl& module, uint8_t* contents, const uint8_t* address)
      : module_(module), contents_(contents), address_(const_cast<uint8_t*>(address)) {}
  explicit StateView(const Instance& instance)
      : StateView(ImplOf(instance.module()),
                  reinterpret_cast<uint8_t*>(instance.context()),
                  reinterpret_cast<uint8_t*>(instance.context())) {}

  const ModuleImpl& module() const { return module_; }
  const ModuleInfo& info() const { return module_.info(); }
  const abi::VmContextLayout& layout() const { return module_.layout.context; }

  // The T at `offset`, in the contents; and its address for others.
  template <typename T>
  T& At(uint64_t offset) const {
    return *reinterpret_cast<T*>(contents_ + offset);
  }
  template <typename T>
  T* AddressOf(uint64_t offset) const {
    return reinterpret_cast<T*>(address_ + offset);
  }

  // By index in the space that holds imports first.
  abi::MemoryRecord& Memory(uint32_t memory) const {
    return *At<abi::MemoryReference>(layout().MemoryReference(memory)).record;
  }
  abi::TableRecord& Table(uint32_t table) const {
    return *At<abi::TableRecord*>(layout().TableReference(table));
  }
  abi::GlobalCell& Global(uint32_t global) const {
    const uint32_t imported = info().counts.imported_globals;
    if (global < imported) return *At<abi::GlobalCell*>(layout().ImportedGlobal(global));
    return At<abi::GlobalCell>(layout().Global(global - imported));
  }
  // What a reference to the function is.  Null for one that never escapes: nobody can ask for it.
  const abi::FunctionRecord* Function(uint32_t function) const {
    if (function < info().counts.imported_functions) {
      return At<abi::FunctionImport>(layout().FunctionImport(function)).record;
    }
    const absl::Span<const uint32_t> escaping = info().escaping_functions;
    const auto* found = std::lower_bound(escaping.begin(), escaping.end(), function);
    if (found == escaping.end() || *found != function) return nullptr;
    const auto ordinal = static_cast<uint32_t>(found - escaping.begin());
    return AddressOf<abi::FunctionRecord>(layout().FunctionRecord(ordinal));
  }
  uint8_t& ElementDropped(uint32_t segment) const {
    return At<uint8_t>(layout().ElementDropped(segment));
  }
  uint8_t& DataDropped(uint32_t segment) const {
    return At<uint8_t>(layout().DataDropped(segment));
  }

 private:
  const ModuleImpl& module_;
  uint8_t* contents_;
  uint8_t* address_;
};

}  // namespace tidepool::engine
