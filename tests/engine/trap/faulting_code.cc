#include "tests/engine/trap/faulting_code.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

#include "engine/support/check.h"
#include "engine/support/units.h"

namespace tidepool::engine::trap {
namespace {

constexpr struct {
  uint32_t offset;
  uint8_t bytes[8];
} kInstructions[] = {
    {kLoadOffset, {0x8B, 0x07, 0xC3}},           // mov eax, [rdi]; ret
    {kStoreOffset, {0x89, 0x37, 0xC3}},          // mov [rdi], esi; ret
    {kUnlistedOffset, {0x8B, 0x07, 0xC3}},
    {kNullLoadOffset, {0x8B, 0x07, 0xC3}},
    {kDivideOffset, {0x31, 0xC9, 0xF7, 0xF1, 0xC3}},  // xor ecx, ecx; div ecx; ret
    {kUndefinedOffset, {0x0F, 0x0B, 0xC3}},      // ud2; ret
};

TrapCode FindTrap(const void*, uint32_t text_offset) noexcept {
  switch (text_offset) {
    case kLoadOffset:
    case kStoreOffset: return TrapCode::kMemoryOutOfBounds;
    case kNullLoadOffset: return TrapCode::kNullReference;
    case kDivideOffset + 2: return TrapCode::kIntegerDivideByZero;
    case kUndefinedOffset: return TrapCode::kUnreachable;
    default: return TrapCode::kNone;
  }
}

thread_local uintptr_t t_guest_begin = 0;
thread_local uint64_t t_guest_bytes = 0;
thread_local LastFault t_last_fault{};

bool IsGuestMemory(uintptr_t address) noexcept { return address - t_guest_begin < t_guest_bytes; }

}  // namespace

// Called by RaiseFault below.
extern "C" void NoteFaultForTest(uintptr_t address, uintptr_t return_address) {
  t_last_fault = {.address = address, .return_address = return_address};
}

// Where the "guest" continues: notes the fault and returns to whoever called the guest code, which
// has no frame of its own.  rax = FaultResult(edi).
extern "C" void RaiseFaultForTest();
asm(R"(
        .text
        .globl RaiseFaultForTest
RaiseFaultForTest:
        movl    %edi, %eax
        btsq    $32, %rax
        popq    %rdx
        pushq   %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        call    NoteFaultForTest@PLT
        popq    %rax
        ret
)");

FaultingCode::FaultingCode() : code_(*MappedRegion::Anonymous(kHostPageBytes, PROT_READ | PROT_WRITE)) {
  for (const auto& instruction : kInstructions) {
    std::memcpy(code_.base() + instruction.offset, instruction.bytes, sizeof(instruction.bytes));
  }
  TP_CHECK(::mprotect(code_.base(), code_.bytes(), PROT_READ | PROT_EXEC) == 0);
}

CodeRegion FaultingCode::region() const {
  return {.begin = begin(), .end = begin() + code_.bytes(), .owner = this, .find_trap = &FindTrap};
}

uint64_t FaultingCode::Run(uint32_t offset, const void* address, uint32_t value) const {
  using Function = uint64_t (*)(const void*, uint32_t);
  return reinterpret_cast<Function>(begin() + offset)(address, value);
}

void InstallForTest() {
  InstallTrapHandler({.is_guest_memory = &IsGuestMemory, .raise_fault = &RaiseFaultForTest});
}

void SetGuestMemory(const void* begin, uint64_t bytes) {
  t_guest_begin = reinterpret_cast<uintptr_t>(begin);
  t_guest_bytes = bytes;
}

LastFault TakeLastFault() { return std::exchange(t_last_fault, {}); }

}  // namespace tidepool::engine::trap
