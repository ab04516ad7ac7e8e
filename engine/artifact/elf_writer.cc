#include "engine/artifact/elf_writer.h"

#include <elf.h>
#include <sys/mman.h>

#include <cstring>

#include "engine/support/check.h"
#include "engine/support/sha256.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::engine {

namespace {

constexpr uint64_t kHugePageBytes = 2 * kMiB;

}  // namespace

static_assert(sizeof(Elf64_Ehdr) == kElfHeaderBytes);
static_assert(sizeof(Elf64_Phdr) == kProgramHeaderBytes);
static_assert(sizeof(Elf64_Shdr) == kSectionHeaderBytes);

ElfWriter::ElfWriter() {
  name_strings_.push_back(0);
  for (SectionId id : kFileOrder) {
    const char* name = SectionName(id);
    At(id).name = static_cast<uint32_t>(name_strings_.size());
    name_strings_.insert(name_strings_.end(), name, name + std::strlen(name) + 1);
  }
  Set(SectionId::kNameStrings, name_strings_);
  Reserve(SectionId::kMeta, sizeof(MetaRecord));
}

void ElfWriter::Set(SectionId id, absl::Span<const uint8_t> bytes) {
  TP_CHECK(state_ == State::kFilling);
  At(id).source = bytes;
  At(id).bytes_count = bytes.size();
}

void ElfWriter::Reserve(SectionId id, uint64_t bytes_count) {
  TP_CHECK(state_ == State::kFilling);
  At(id).source = {};
  At(id).bytes_count = bytes_count;
}

absl::Status ElfWriter::LayOut() {
  TP_CHECK(state_ == State::kFilling);
  state_ = State::kLaidOut;
  uint64_t at = kSectionHeadersEnd;
  for (SectionId id : kFileOrder) {
    Section& section = At(id);
    section.offset = RoundUp(at, SectionAlignment(id));
    at = section.offset + section.bytes_count;
  }
  TP_ASSIGN_OR_RETURN(file_, MappedRegion::Anonymous(at, PROT_READ | PROT_WRITE));
  // All of it is filled at once.  Without huge pages it takes a page fault for every 4 KiB.
  if (at >= kHugePageBytes) (void)::madvise(file_.base(), at, MADV_HUGEPAGE);
  for (SectionId id : kFileOrder) {
    const Section& section = At(id);
    if (section.source.empty()) continue;
    std::memcpy(file_.base() + section.offset, section.source.data(), section.source.size());
  }
  const uint64_t text_end = At(SectionId::kText).offset + At(SectionId::kText).bytes_count;
  std::memset(file_.base() + text_end, kTextFill, At(SectionId::kEhFrame).offset - text_end);
  return absl::OkStatus();
}

uint64_t ElfWriter::Offset(SectionId id) const {
  TP_CHECK(state_ == State::kLaidOut);
  return At(id).offset;
}

absl::Span<uint8_t> ElfWriter::Contents(SectionId id) {
  TP_CHECK(state_ == State::kLaidOut);
  return {file_.base() + At(id).offset, At(id).bytes_count};
}

MappedRegion ElfWriter::Finish(MetaRecord meta) && {
  WriteElfHeader();
  WriteProgramHeaders();
  WriteSectionHeaders();

  std::memcpy(meta.magic, kArtifactMagic, sizeof(meta.magic));
  meta.machine = EM_X86_64;
  meta.file_bytes = file_.bytes();
  const uint64_t meta_offset = Offset(SectionId::kMeta);
  const uint64_t head_end = meta_offset + sizeof(MetaRecord);
  const absl::Span<const uint8_t> file = file_.span();
  const Sha256Digest rest = Sha256(file.subspan(head_end));
  std::memcpy(meta.rest_digest, rest.data(), rest.size());
  std::memcpy(file_.base() + meta_offset, &meta, sizeof(meta));
  // Last, as it covers all else.
  const Sha256Digest head = Sha256(file.first(head_end - kDigestBytes));
  std::memcpy(file_.base() + head_end - kDigestBytes, head.data(), head.size());
  state_ = State::kWritten;
  return std::move(file_);
}

void ElfWriter::WriteElfHeader() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_entry = Offset(SectionId::kText);  // There is none, but gdb misses it.
  header.e_phoff = kElfHeaderBytes;
  header.e_shoff = kSectionHeadersOffset;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = kProgramHeaderCount;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSectionCount;
  header.e_shstrndx = static_cast<uint16_t>(SectionId::kNameStrings);
  std::memcpy(file_.base(), &header, sizeof(header));
}

void ElfWriter::WriteProgramHeaders() {
  const uint64_t text = Offset(SectionId::kText);
  const uint64_t behind_text = Offset(SectionId::kEhFrame);
  const struct {
    uint64_t begin, end;
    uint32_t flags;
  } parts[kProgramHeaderCount] = {
      {0, text, PF_R}, {text, behind_text, PF_R | PF_X}, {behind_text, file_.bytes(), PF_R}};
  uint64_t at = kElfHeaderBytes;
  for (const auto& part : parts) {
    Elf64_Phdr header{};
    header.p_type = PT_LOAD;
    header.p_flags = part.flags;
    header.p_offset = header.p_vaddr = header.p_paddr = part.begin;
    header.p_filesz = header.p_memsz = part.end - part.begin;
    header.p_align = kTextAlignmentBytes;
    std::memcpy(file_.base() + at, &header, sizeof(header));
    at += sizeof(header);
  }
}

void ElfWriter::WriteSectionHeaders() {
  for (SectionId id : kFileOrder) {
    const Section& section = At(id);
    Elf64_Shdr header{};
    header.sh_name = section.name;
    header.sh_type = id == SectionId::kNameStrings ? SHT_STRTAB : SHT_PROGBITS;
    if (id == SectionId::kText) header.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    if (id == SectionId::kEhFrame) header.sh_flags = SHF_ALLOC;
    // Only what tools look at as memory has an address.
    if (header.sh_flags != 0) header.sh_addr = section.offset;
    header.sh_offset = section.offset;
    header.sh_size = section.bytes_count;
    header.sh_addralign = SectionAlignment(id);
    std::memcpy(file_.base() + kSectionHeadersOffset + static_cast<uint32_t>(id) * sizeof(header),
                &header, sizeof(header));
  }
}

}  // namespace tidepool::engine
