// A page of machine code that loads, stores, divides or is no instruction at all; and a "guest" that
// runs it without any runtime.
#pragma once

#include <cstdint>

#include "engine/abi/trap_code.h"
#include "engine/platform/mapped_region.h"
#include "engine/trap/trap_handler.h"

namespace tidepool::engine::trap {

// Where in the page which instruction lies.
inline constexpr uint32_t kLoadOffset = 0;          // mov eax, [rdi]; its trap: out of bounds.
inline constexpr uint32_t kStoreOffset = 16;        // mov [rdi], esi; likewise.
inline constexpr uint32_t kUnlistedOffset = 32;     // mov eax, [rdi], in no trap table.
inline constexpr uint32_t kNullLoadOffset = 48;     // mov eax, [rdi]; its trap: null reference.
inline constexpr uint32_t kDivideOffset = 64;       // div by zero; listed, but never ours.
inline constexpr uint32_t kUndefinedOffset = 80;    // ud2; likewise.

class FaultingCode {
 public:
  FaultingCode();
  uintptr_t begin() const { return reinterpret_cast<uintptr_t>(code_.base()); }
  CodeRegion region() const;

  // Runs the instruction at `offset` with rdi = `address`, rsi = `value`.  Returns what it left in
  // eax; after a fault that was recovered from, FaultResult(code).
  uint64_t Run(uint32_t offset, const void* address, uint32_t value = 0) const;

 private:
  MappedRegion code_;
};

inline constexpr uint64_t FaultResult(TrapCode code) {
  return uint64_t{1} << 32 | static_cast<uint64_t>(code);
}

// Installs the handler with hooks of this file.  What is guest memory, per thread:
void InstallForTest();
void SetGuestMemory(const void* begin, uint64_t bytes);
// What the last recovered fault on this thread reported.
struct LastFault {
  uintptr_t address;
  uintptr_t return_address;
};
LastFault TakeLastFault();

}  // namespace tidepool::engine::trap
