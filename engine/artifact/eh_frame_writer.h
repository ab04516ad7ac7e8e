// WriteEhFrame: how gdb, perf and dwarfdump walk our frames.  Nothing of ours reads it: guest frames
// form a chain through rbp, which is quicker and enough.
//
// Shape    One CIE, one FDE per function, a terminator; all FDEs have one size.
// Source   System V ABI, AMD64 supplement 3.7; LSB 5.0, "Exception Frames"; DWARF 4, 6.4.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "engine/compiler/compiled_module.h"

namespace tidepool::engine {

uint64_t EhFrameBytes(const CompiledModule& compiled);
// Fills `out`, of EhFrameBytes; the addresses are those of the section headers.
void WriteEhFrame(const CompiledModule& compiled, uint64_t text_address, uint64_t eh_frame_address,
                  absl::Span<uint8_t> out);

}  // namespace tidepool::engine
