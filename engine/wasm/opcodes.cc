#include "engine/wasm/opcodes.h"

#include <algorithm>
#include <iterator>

namespace tidepool::engine::wasm {
namespace {

constexpr OpcodeInfo kOpcodes[] = {
#define TP_OPCODE(code, name, text, immediate, signature, feature) \
  {Opcode::k##name, text, Immediate::k##immediate, ParseSignature(#signature), Feature::k##feature},
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE
};

constexpr bool IsSorted() {
  for (size_t i = 1; i < std::size(kOpcodes); ++i) {
    if (kOpcodes[i - 1].opcode >= kOpcodes[i].opcode) return false;
  }
  return true;
}
static_assert(IsSorted(), "opcodes.def is ordered by code, each code once");

}  // namespace

const OpcodeInfo* FindOpcode(uint32_t code) {
  const OpcodeInfo* info = std::lower_bound(
      std::begin(kOpcodes), std::end(kOpcodes), code, [](const OpcodeInfo& row, uint32_t wanted) {
        return static_cast<uint32_t>(row.opcode) < wanted;
      });
  if (info == std::end(kOpcodes) || static_cast<uint32_t>(info->opcode) != code) return nullptr;
  return info;
}

absl::string_view ToString(Opcode opcode) {
  const OpcodeInfo* info = FindOpcode(static_cast<uint32_t>(opcode));
  return info == nullptr ? "(no operator)" : info->text;
}

}  // namespace tidepool::engine::wasm
