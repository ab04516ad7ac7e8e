#include "engine/artifact/sections.h"

namespace tidepool::engine {

const char* SectionName(SectionId id) {
  switch (id) {
    case SectionId::kNull: return "";
    case SectionId::kMeta: return ".tidepool.meta";
    case SectionId::kNameStrings: return ".shstrtab";
    case SectionId::kInfo: return ".tidepool.info";
    case SectionId::kText: return ".text";
    case SectionId::kEhFrame: return ".eh_frame";
    case SectionId::kLists: return ".tidepool.lists";
    case SectionId::kTraps: return ".tidepool.traps";
    case SectionId::kAddressMap: return ".tidepool.addrmap";
    case SectionId::kNames: return ".tidepool.names";
    case SectionId::kData: return ".tidepool.data";
    case SectionId::kImage: return ".tidepool.image";
  }
  return "";
}

uint64_t SectionAlignment(SectionId id) {
  switch (id) {
    case SectionId::kText:
    case SectionId::kEhFrame:  // The page behind .text: none of it is executable.
    case SectionId::kImage: return kTextAlignmentBytes;
    case SectionId::kNull:
    case SectionId::kNameStrings: return 1;
    default: return 8;
  }
}

}  // namespace tidepool::engine
