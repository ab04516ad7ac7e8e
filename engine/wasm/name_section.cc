#include "engine/wasm/name_section.h"

#include <algorithm>

#include "engine/support/byte_reader.h"
#include "engine/wasm/limits.h"
#include "engine/wasm/utf8.h"

namespace tidepool::engine::wasm {
namespace {

constexpr uint8_t kModuleName = 0;
constexpr uint8_t kFunctionNames = 1;

// Empty: damaged, or not fit to be shown.
absl::string_view ReadName(ByteReader& reader) {
  const uint32_t size = reader.VarU32();
  const absl::string_view name = reader.Text(size);
  return name.size() <= kNameBytesMax && IsValidUtf8(name) ? name : absl::string_view();
}

void ReadFunctionNames(ByteReader reader,
                       size_t function_count,
                       std::vector<NameSection::Entry>* functions) {
  const uint32_t count = reader.VarU32();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t index = reader.VarU32();
    const absl::string_view name = ReadName(reader);
    // Names so far are good; nothing behind the damage can be trusted.
    if (reader.failed() || index >= function_count) return;
    if (!functions->empty() && index <= ToInt(functions->back().index)) return;
    if (!name.empty()) functions->push_back({static_cast<FunctionIndex>(index), name});
  }
}

}  // namespace

NameSection NameSection::Read(const Module& module) {
  NameSection names;
  // The first one counts.  More would have to be merged, and nobody writes them.
  const auto section =
      std::find_if(module.custom_sections.begin(),
                   module.custom_sections.end(),
                   [](const CustomSection& candidate) { return candidate.name == "name"; });
  if (section == module.custom_sections.end()) return names;
  ByteReader reader(section->bytes);
  while (!reader.at_end()) {
    const uint8_t id = reader.U8();
    const uint32_t size = reader.VarU32();
    ByteReader contents(reader.Bytes(size));
    if (reader.failed()) break;
    if (id == kModuleName) names.module_name_ = ReadName(contents);
    if (id == kFunctionNames && names.functions_.empty()) {
      ReadFunctionNames(contents, module.functions.size(), &names.functions_);
    }
  }
  return names;
}

absl::string_view NameSection::NameOf(FunctionIndex function) const {
  const auto entry = std::lower_bound(
      functions_.begin(),
      functions_.end(),
      function,
      [](const Entry& candidate, FunctionIndex wanted) { return candidate.index < wanted; });
  if (entry == functions_.end() || entry->index != function) return {};
  return entry->name;
}

}  // namespace tidepool::engine::wasm
