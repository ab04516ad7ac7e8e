#include "engine/artifact/eh_frame_writer.h"

#include <cstring>

#include "engine/support/check.h"

namespace tidepool::engine {
namespace {

// DWARF numbers of registers.
constexpr uint8_t kRbp = 6;
constexpr uint8_t kRsp = 7;
constexpr uint8_t kReturnAddress = 16;

// Call frame instructions.
constexpr uint8_t kDefCfa = 0x0C;          // register, offset
constexpr uint8_t kDefCfaRegister = 0x0D;  // register
constexpr uint8_t kDefCfaOffset = 0x0E;    // offset
constexpr uint8_t kNop = 0x00;
constexpr uint8_t Advance(uint8_t bytes) { return static_cast<uint8_t>(0x40 | bytes); }
// `dwarf_register` was saved; its place follows, in units of -8 from the CFA.
constexpr uint8_t Saved(uint8_t dwarf_register) {
  return static_cast<uint8_t>(0x80 | dwarf_register);
}

constexpr uint8_t kCie[] = {
    20, 0, 0, 0,                // Length of what follows.
    0, 0, 0, 0,                 // A CIE.
    1,                          // Version.
    'z', 'R', 0,                // Augmentation data follow: the form of addresses.
    1, 0x78, kReturnAddress,    // Code in units of 1, data in units of -8.
    1, 0x1B,                    // pc-relative, signed, four bytes.
    kDefCfa, kRsp, 8,           // At a function's entry.
    Saved(kReturnAddress), 1,
    kNop, kNop,
};
static_assert(sizeof(kCie) == 24);

// push rbp; mov rbp, rsp
constexpr uint8_t kPrologueInstructions[] = {
    Advance(1), kDefCfaOffset, 16, Saved(kRbp), 2, Advance(3), kDefCfaRegister, kRbp,
    kNop, kNop, kNop,
};
// Any other entry: true wherever the frame stands.
constexpr uint8_t kFrameInstructions[] = {
    kDefCfa, kRbp, 16, Saved(kRbp), 2, kNop, kNop, kNop, kNop, kNop, kNop,
};
constexpr uint32_t kFdeBytes = 28;
static_assert(sizeof(kPrologueInstructions) == kFdeBytes - 17);
static_assert(sizeof(kFrameInstructions) == sizeof(kPrologueInstructions));

constexpr uint32_t kTerminatorBytes = 4;

bool HasPrologue(const CompiledModule& compiled, const CompiledFunction& function) {
  constexpr uint8_t kPushMov[] = {0x55, 0x48, 0x89, 0xE5};
  constexpr uint8_t kPushMovOtherForm[] = {0x55, 0x48, 0x8B, 0xEC};
  if (function.text_bytes < sizeof(kPushMov)) return false;
  const uint8_t* code = compiled.text.data() + function.text_offset;
  return std::memcmp(code, kPushMov, sizeof(kPushMov)) == 0 ||
         std::memcmp(code, kPushMovOtherForm, sizeof(kPushMovOtherForm)) == 0;
}

void StoreU32(uint8_t* at, uint64_t value) {
  const uint32_t low = static_cast<uint32_t>(value);
  std::memcpy(at, &low, sizeof(low));
}

}  // namespace

uint64_t EhFrameBytes(const CompiledModule& compiled) {
  if (compiled.functions.empty()) return 0;
  return sizeof(kCie) + uint64_t{kFdeBytes} * compiled.functions.size() + kTerminatorBytes;
}

void WriteEhFrame(const CompiledModule& compiled, uint64_t text_address, uint64_t eh_frame_address,
                  absl::Span<uint8_t> out) {
  TP_CHECK(out.size() == EhFrameBytes(compiled));
  if (out.empty()) return;
  std::memcpy(out.data(), kCie, sizeof(kCie));
  uint64_t offset = sizeof(kCie);
  for (const CompiledFunction& function : compiled.functions) {
    uint8_t* const fde = out.data() + offset;
    const uint64_t code_address = text_address + function.text_offset;
    StoreU32(fde, kFdeBytes - 4);
    StoreU32(fde + 4, offset + 4);  // Back to the CIE, from here.
    StoreU32(fde + 8, code_address - (eh_frame_address + offset + 8));
    StoreU32(fde + 12, function.text_bytes);
    fde[16] = 0;  // No augmentation data.
    std::memcpy(fde + 17, HasPrologue(compiled, function) ? kPrologueInstructions : kFrameInstructions,
                sizeof(kFrameInstructions));
    offset += kFdeBytes;
  }
  StoreU32(out.data() + offset, 0);
}

}  // namespace tidepool::engine
