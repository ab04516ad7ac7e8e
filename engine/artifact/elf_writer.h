// ElfWriter: places sections in a file and finishes it with headers and digests.
//
// Life     filling → (LayOut) → laid out → (Finish) → written.  The comment of each method names the
//          state it needs; any other is our bug and dies.
// Cost     One buffer for the file, each byte copied into it once.  Fresh pages are zero, so gaps cost
//          nothing.
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "engine/artifact/sections.h"
#include "engine/platform/mapped_region.h"

namespace tidepool::engine {

class ElfWriter {
 public:
  ElfWriter();

  // Filling.  The contents of a section, copied at LayOut: they must live until then.
  void Set(SectionId id, absl::Span<const uint8_t> bytes);
  // Filling.  Room, zeroed, for contents that can only be made once places are known.
  void Reserve(SectionId id, uint64_t bytes_count);

  // Filling → laid out.  Internal when there is no memory for the file.
  absl::Status LayOut();

  // Laid out.  Where the section lies in the file, which is also its address.
  uint64_t Offset(SectionId id) const;
  // Laid out.  Its contents.
  absl::Span<uint8_t> Contents(SectionId id);

  // Laid out → written.  Completes `meta` (magic, machine, sizes, digests) and returns the file.
  MappedRegion Finish(MetaRecord meta) &&;

 private:
  enum class State : uint8_t { kFilling, kLaidOut, kWritten };
  struct Section {
    absl::Span<const uint8_t> source;  // Empty when reserved.
    uint64_t bytes_count = 0;
    uint64_t offset = 0;
    uint32_t name = 0;  // In .shstrtab.
  };

  Section& At(SectionId id) { return sections_[static_cast<uint32_t>(id)]; }
  const Section& At(SectionId id) const { return sections_[static_cast<uint32_t>(id)]; }
  void WriteElfHeader();
  void WriteProgramHeaders();
  void WriteSectionHeaders();

  State state_ = State::kFilling;
  std::vector<uint8_t> name_strings_;
  Section sections_[kSectionCount];
  MappedRegion file_;
};

}  // namespace tidepool::engine
