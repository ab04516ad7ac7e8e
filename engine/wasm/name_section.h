// NameSection: the names that a module gives itself, for messages and backtraces.
//
// Life     Views into the module's bytes, which must outlive it.
// Threads  Immutable once made.
// Errors   None: names are decoration.  What is damaged, out of order, not UTF-8 or about things
//          that do not exist is left out.
// Source   wasm core, appendix "Custom Sections", 7.4.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"

#include "engine/wasm/module.h"

namespace tidepool::engine::wasm {

class NameSection {
 public:
  struct Entry {
    FunctionIndex index;
    absl::string_view name;
  };

  // Memory in proportion to the names that are there.
  static NameSection Read(const Module& module);

  // Empty if it has none.
  absl::string_view NameOf(FunctionIndex function) const;
  absl::string_view module_name() const { return module_name_; }
  // In order of the indexes, each once.
  const std::vector<Entry>& functions() const { return functions_; }

 private:
  absl::string_view module_name_;
  std::vector<Entry> functions_;
};

}  // namespace tidepool::engine::wasm
