// Every section of a Tidepool artifact (`.tpa`): an ELF64 file, little-endian, mapped and run in place.
//
//   section            holds                                   written by          read by
//   ┌ ELF header, program headers, section headers, .shstrtab  ElfWriter           Load
//   │ .tidepool.info   types, imports, exports, segments       InfoWriter          Load
//   └ .tidepool.meta   ABI, target, options, digests           ElfWriter           Load, checked first
//   .text              machine code, page-aligned at both ends CompiledModule      MappedArtifact (R+X)
//   .eh_frame          on the page behind .text                WriteEhFrame        gdb, perf
//   .tidepool.lists    lists of u32 that .tidepool.info names  InfoWriter          FunctionTable, ModuleInfo
//   .tidepool.traps    ranges; sorted blocks (text, code)      EncodeTrapTable     TrapTable, on a fault
//   .tidepool.addrmap  sorted blocks (text, wasm)              EncodeBlockTable    AddressMap, on a backtrace
//   .tidepool.names    sorted index, strings                   EncodeNameTable     NameTable, when asked
//   .tidepool.data     bytes of segments not in the image      InfoWriter          memory.init
//   .tidepool.image    page-aligned extents of memories        InstanceImagePlan   MemoryExtent
//
// The sections lie in the file in this order, always all of them, absent ones empty.  The bracketed
// part, the head, is what Load reads and all it reads: `head_digest` covers it up to itself, and
// `rest_digest`, inside the head, covers every byte behind it.  So each byte is covered once.
//
// Compatibility: none across kAbiVersion or kCompilerVersion.  An artifact is a cache entry; on any
// mismatch Load returns FailedPrecondition and the caller compiles again.  Only what tells versions
// apart stays where it is for ever: kSectionHeadersOffset, the section at index kMetaSection, and
// MetaRecord up to compiler_version.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/support/units.h"

namespace tidepool::engine {

// Indexes in the section header table, which is in file order but for .tidepool.meta.
enum class SectionId : uint32_t {
  kNull = 0,
  kMeta = 1,
  kNameStrings = 2,  // .shstrtab
  kInfo = 3,
  kText = 4,
  kEhFrame = 5,
  kLists = 6,
  kTraps = 7,
  kAddressMap = 8,
  kNames = 9,
  kData = 10,
  kImage = 11,
};
inline constexpr uint32_t kSectionCount = 12;
inline constexpr uint32_t kMetaSection = static_cast<uint32_t>(SectionId::kMeta);
// In the order in which they lie in the file.
inline constexpr SectionId kFileOrder[kSectionCount - 1] = {
    SectionId::kNameStrings, SectionId::kInfo,   SectionId::kMeta,  SectionId::kText,
    SectionId::kEhFrame,     SectionId::kLists,  SectionId::kTraps, SectionId::kAddressMap,
    SectionId::kNames,       SectionId::kData,   SectionId::kImage,
};

// The head begins: ELF header, this many program headers (what is before .text, .text, what is
// behind), the section headers.
inline constexpr uint64_t kElfHeaderBytes = 64;
inline constexpr uint64_t kProgramHeaderBytes = 56;
inline constexpr uint32_t kProgramHeaderCount = 3;
inline constexpr uint64_t kSectionHeaderBytes = 64;
inline constexpr uint64_t kSectionHeadersOffset =
    kElfHeaderBytes + kProgramHeaderCount * kProgramHeaderBytes;
inline constexpr uint64_t kSectionHeadersEnd =
    kSectionHeadersOffset + kSectionCount * kSectionHeaderBytes;

// With the dot.
const char* SectionName(SectionId id);
// A multiple of this in the file is where the section begins.
uint64_t SectionAlignment(SectionId id);

// The largest page size of the target: where .text begins and ends, and the image begins.
inline constexpr uint64_t kTextAlignmentBytes = kHostPageBytes;
// Functions begin at multiples of this in .text.
inline constexpr uint64_t kFunctionAlignmentBytes = 16;
// What fills .text between and behind functions: int3.
inline constexpr uint8_t kTextFill = 0xCC;
// Branches and the pc-relative tables reach this far.
inline constexpr uint64_t kTextBytesMax = (uint64_t{1} << 31) - kMiB;

// Raise with every change that gives other code for the same module: artifacts made by a compiler
// with a known fault must not be run by a runtime that no longer has it.
inline constexpr char kCompilerVersion[] = "tidepool 0.1.0";

inline constexpr char kArtifactMagic[8] = {'T', 'I', 'D', 'E', 'P', 'O', 'O', 'L'};
inline constexpr size_t kDigestBytes = 32;

// The contents of .tidepool.meta, the last bytes of the head.
struct MetaRecord {
  char magic[8];
  uint32_t abi_version;
  uint32_t machine;           // ELF e_machine: 62 = x86-64.
  char compiler_version[32];  // Zero-padded.
  uint64_t file_bytes;
  uint32_t cpu_features;      // Needed to run it; bits of CpuFeature.
  uint32_t wasm_features;     // Bits in the order of wasm::Features.
  uint32_t padding_bytes;
  uint8_t tier;
  uint8_t bounds;
  uint8_t address_map;        // 0 or 1.
  uint8_t names;              // 0 or 1.
  uint8_t rest_digest[kDigestBytes];  // SHA-256 of the file behind the head.
  uint8_t head_digest[kDigestBytes];  // SHA-256 of the file up to here.
};

static_assert(offsetof(MetaRecord, head_digest) + kDigestBytes == sizeof(MetaRecord));
static_assert(sizeof(MetaRecord) == 136);

}  // namespace tidepool::engine
