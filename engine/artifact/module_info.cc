#include "engine/artifact/module_info.h"

#include <algorithm>

namespace tidepool::engine {

const wasm::Export* ModuleInfo::FindExport(absl::string_view name) const {
  const auto at = std::lower_bound(
      exports_by_name.begin(), exports_by_name.end(), name,
      [this](uint32_t index, absl::string_view wanted) { return exports[index].name < wanted; });
  if (at == exports_by_name.end() || exports[*at].name != name) return nullptr;
  return &exports[*at];
}

}  // namespace tidepool::engine
