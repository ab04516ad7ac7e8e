#include "engine/artifact/name_table_writer.h"

#include <cstring>

#include "engine/artifact/name_table.h"
#include "engine/wasm/name_section.h"

namespace tidepool::engine {

std::vector<uint8_t> EncodeNameTable(const wasm::Module& module) {
  const wasm::NameSection section = wasm::NameSection::Read(module);
  const std::vector<wasm::NameSection::Entry>& names = section.functions();
  if (names.empty()) return {};
  size_t strings_bytes = 0;
  for (const wasm::NameSection::Entry& name : names) strings_bytes += name.name.size();

  const uint32_t name_count = static_cast<uint32_t>(names.size());
  const size_t strings_at = sizeof(name_count) + names.size() * sizeof(NameTable::Entry);
  std::vector<uint8_t> result(strings_at + strings_bytes);
  std::memcpy(result.data(), &name_count, sizeof(name_count));
  uint8_t* entry_at = result.data() + sizeof(name_count);
  uint32_t offset = 0;
  for (const wasm::NameSection::Entry& name : names) {
    const uint32_t name_bytes = static_cast<uint32_t>(name.name.size());
    const NameTable::Entry entry{ToInt(name.index), offset, name_bytes};
    std::memcpy(entry_at, &entry, sizeof(entry));
    entry_at += sizeof(entry);
    if (name_bytes != 0) {
      std::memcpy(result.data() + strings_at + offset, name.name.data(), name_bytes);
    }
    offset += name_bytes;
  }
  return result;
}

}  // namespace tidepool::engine
