// The limits on what one module may claim.
//
// Each is at least what the WebAssembly JavaScript interface promises to programs ("Limits"), so
// that no module that runs in browsers fails here; the error that a limit causes names it.  They
// bound *meaning* that few bytes can have (locals, results of blocks, table sizes); everything else
// is bounded by the bytes present.
//
// Source   wasm-js-api "Limits"; ../shared/conformance/security.md, D1 to D8.
#pragma once

#include <cstdint>

#include "engine/support/units.h"

namespace tidepool::engine::wasm {

inline constexpr uint64_t kModuleBytesMax = kGiB;

// Entries of index spaces, imports included.
inline constexpr uint32_t kTypeCountMax = 1'000'000;  // Members of recursive groups each count.
inline constexpr uint32_t kFunctionCountMax = 1'000'000;
inline constexpr uint32_t kImportCountMax = 1'000'000;
inline constexpr uint32_t kExportCountMax = 1'000'000;
inline constexpr uint32_t kGlobalCountMax = 1'000'000;
inline constexpr uint32_t kTagCountMax = 1'000'000;
inline constexpr uint32_t kTableCountMax = 100'000;
inline constexpr uint32_t kMemoryCountMax = 100;
inline constexpr uint32_t kDataSegmentCountMax = 1'000'000;
inline constexpr uint32_t kElementSegmentCountMax = 10'000'000;
inline constexpr uint32_t kElementSegmentEntryCountMax = 10'000'000;  // Of one segment.
inline constexpr uint32_t kCustomSectionCountMax = 1'000'000;

inline constexpr uint32_t kNameBytesMax = 100'000;  // Of an import, export or custom section.

// One function.
inline constexpr uint32_t kParamCountMax = 1'000;
inline constexpr uint32_t kResultCountMax = 1'000;
inline constexpr uint32_t kLocalCountMax = 50'000;  // Parameters included.
inline constexpr uint32_t kFunctionBodyBytesMax = 7'654'321;
inline constexpr uint32_t kBrTableTargetCountMax = 65'520;  // Without the default.
// Deeper than any body of kFunctionBodyBytesMax can nest: nesting costs heap, never native stack.
inline constexpr uint32_t kNestingDepthMax = kFunctionBodyBytesMax;
// Values that the bodies of a module declare or move as a whole: locals and parameters of
// functions, operands of calls, blocks and branches.  Few bytes can mean very many of them (a call
// of a wide type has 2 bytes), and every stage behind the validator works per value, so their sum
// is held to kMovedValueCountBase + kMovedValuesPerCodeByte × bytes of the code section (D3).
// Compilers produce about 1 per byte.
inline constexpr uint64_t kMovedValueCountBase = 10'000'000;
inline constexpr uint64_t kMovedValuesPerCodeByte = 32;

// Operands on the stack at once: kOperandCountBase + bytes of the body.  Operators that push one
// value have a byte each, so only calls and blocks with very many results can pass it.
inline constexpr uint32_t kOperandCountBase = 1'000'000;

// Memories and tables.  A definition may claim more than a host can provide and still be valid;
// instantiating it then fails (D5).
inline constexpr uint64_t kMemory32WasmPagesMax = 65'536;
inline constexpr uint64_t kMemory64WasmPagesMax = uint64_t{1} << 48;
inline constexpr uint64_t kTableElementCountMax = 10'000'000;  // At instantiation.

// References and GC.
inline constexpr uint32_t kStructFieldCountMax = 10'000;
inline constexpr uint32_t kArrayNewFixedOperandCountMax = 10'000;
inline constexpr uint32_t kSubtypeDepthMax = 63;
inline constexpr uint32_t kRecursiveGroupTypeCountMax = 1'000'000;

}  // namespace tidepool::engine::wasm
