#include "engine/artifact/elf_reader.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/abi/abi_version.h"
#include "engine/artifact/info_reader.h"
#include "engine/platform/syscall_error.h"
#include "engine/platform/unique_fd.h"
#include "engine/support/sha256.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::engine {
namespace {

template <typename T>
T LoadAt(absl::Span<const uint8_t> file, uint64_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

// True when [offset, offset + count) lies in the file.
bool Inside(absl::Span<const uint8_t> file, uint64_t offset, uint64_t count) {
  return count <= file.size() && offset <= file.size() - count;
}

absl::Status Foreign(absl::string_view name) {
  return absl::FailedPreconditionError(absl::StrCat(name, ": not a Tidepool artifact"));
}
absl::Status Truncated(absl::string_view name, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(name, ": truncated: ", what));
}
absl::Status Altered(absl::string_view name, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(name, ": altered: ", what));
}

bool Equal(const Sha256Digest& digest, const uint8_t (&recorded)[kDigestBytes]) {
  return std::memcmp(digest.data(), recorded, kDigestBytes) == 0;
}

absl::string_view VersionText(const MetaRecord& meta) {
  return {meta.compiler_version,
          ::strnlen(meta.compiler_version, sizeof(meta.compiler_version))};
}

// The place of .tidepool.meta, by what stays in place for ever (sections.h).
absl::StatusOr<uint64_t> FindMeta(absl::Span<const uint8_t> file, absl::string_view name) {
  const size_t magic_bytes = std::min<size_t>(file.size(), SELFMAG);
  if (std::memcmp(file.data(), ELFMAG, magic_bytes) != 0) return Foreign(name);
  if (file.size() < sizeof(Elf64_Ehdr)) return Truncated(name, "no ELF header");
  const auto header = LoadAt<Elf64_Ehdr>(file, 0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_shoff != kSectionHeadersOffset || header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_shnum <= kMetaSection) {
    return Foreign(name);
  }
  if (file.size() < kSectionHeadersEnd) return Truncated(name, "no section headers");
  const auto section = LoadAt<Elf64_Shdr>(
      file, kSectionHeadersOffset + kMetaSection * sizeof(Elf64_Shdr));
  if (!Inside(file, section.sh_offset, sizeof(MetaRecord))) {
    return Truncated(name, ".tidepool.meta is missing");
  }
  return section.sh_offset;
}

absl::Status CheckVersions(const MetaRecord& meta, absl::string_view name) {
  if (std::memcmp(meta.magic, kArtifactMagic, sizeof(meta.magic)) != 0) return Foreign(name);
  if (meta.abi_version != abi::kAbiVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": made for ABI version ", meta.abi_version, ", this is version ",
                     abi::kAbiVersion, "; compile the module again"));
  }
  if (VersionText(meta) != kCompilerVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": made by another compiler than \"", kCompilerVersion,
                     "\"; compile the module again"));
  }
  if (meta.machine != EM_X86_64) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": made for ELF machine ", meta.machine, ", this is x86-64 (",
                     EM_X86_64, "); compile the module for it"));
  }
  return absl::OkStatus();
}

absl::Status CheckCpu(CpuFeatureSet needed, CpuFeatureSet present, absl::string_view name) {
  if (present.Contains(needed)) return absl::OkStatus();
  const CpuFeatureSet missing{needed.bits & ~present.bits};
  std::string names = ToString(missing);
  // A feature that this version has no name for is missing all the same.
  if (names.empty()) names = absl::StrCat("feature bits ", absl::Hex(missing.bits));
  return absl::FailedPreconditionError(absl::StrCat(
      name, ": made for another CPU: this one lacks ", names, "; compile the module again"));
}

absl::StatusOr<ArtifactMeta> MetaOf(const MetaRecord& record, absl::string_view name) {
  if (record.tier > static_cast<uint8_t>(Tier::kOptimized) ||
      record.bounds > static_cast<uint8_t>(Bounds::kExplicit)) {
    return Altered(name, "unknown options in .tidepool.meta");
  }
  ArtifactMeta meta;
  meta.abi_version = record.abi_version;
  meta.compiler_version = std::string(VersionText(record));
  meta.file_bytes = record.file_bytes;
  meta.options.tier = static_cast<Tier>(record.tier);
  meta.options.bounds = static_cast<Bounds>(record.bounds);
  meta.options.padding_bytes = record.padding_bytes;
  meta.options.address_map = record.address_map != 0;
  meta.options.names = record.names != 0;
  meta.options.cpu_features.bits = record.cpu_features;
  meta.options.wasm_features = FeaturesOf(record.wasm_features);
  return meta;
}

}  // namespace

absl::StatusOr<MappedArtifact> MappedArtifact::Open(const std::string& path,
                                                    const Options& options) {
  // O_NONBLOCK: someone else's FIFO must be refused, not waited for.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
    return SyscallError("open", path);
  }
  return FromFd(fd.get(), path, options);
}

absl::StatusOr<MappedArtifact> MappedArtifact::FromFd(int fd, absl::string_view name,
                                                      const Options& options) {
  MappedArtifact artifact;
  artifact.name_ = std::string(name);
  TP_RETURN_IF_ERROR(artifact.Map(fd));
  TP_RETURN_IF_ERROR(artifact.CheckIdentity(options));
  TP_RETURN_IF_ERROR(artifact.FindSections());
  TP_RETURN_IF_ERROR(artifact.ReadHead());
  if (options.verify) TP_RETURN_IF_ERROR(artifact.Verify());
  if (options.cpu_features.has_value()) TP_RETURN_IF_ERROR(artifact.MapText(fd));
  return artifact;
}

absl::Status MappedArtifact::Map(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return SyscallError("fstat", name_);
  if (!S_ISREG(status.st_mode)) return Foreign(name_);
  if (status.st_size == 0) return Truncated(name_, "the file is empty");
  TP_ASSIGN_OR_RETURN(file_, MappedRegion::File(fd, static_cast<size_t>(status.st_size)));
  return absl::OkStatus();
}

absl::Status MappedArtifact::CheckIdentity(const Options& options) {
  TP_ASSIGN_OR_RETURN(const uint64_t meta_offset, FindMeta(file(), name_));
  const auto meta = LoadAt<MetaRecord>(file(), meta_offset);
  TP_RETURN_IF_ERROR(CheckVersions(meta, name_));
  if (file().size() != meta.file_bytes) {
    const std::string sizes =
        absl::StrCat("it has ", file().size(), " of ", meta.file_bytes, " bytes");
    return file().size() < meta.file_bytes ? Truncated(name_, sizes) : Altered(name_, sizes);
  }
  head_bytes_ = meta_offset + sizeof(MetaRecord);
  if (!Equal(Sha256(file().first(head_bytes_ - kDigestBytes)), meta.head_digest)) {
    return Altered(name_, "the head does not match its digest");
  }
  TP_ASSIGN_OR_RETURN(meta_, MetaOf(meta, name_));
  if (!options.cpu_features.has_value()) return absl::OkStatus();
  return CheckCpu(meta_.options.cpu_features, *options.cpu_features, name_);
}

absl::Status MappedArtifact::FindSections() {
  uint64_t at = kSectionHeadersEnd;
  for (SectionId id : kFileOrder) {
    const uint32_t index = static_cast<uint32_t>(id);
    const auto header =
        LoadAt<Elf64_Shdr>(file(), kSectionHeadersOffset + index * sizeof(Elf64_Shdr));
    // One behind the other: so none overlaps another, and .text has its pages for itself.
    if (header.sh_offset != RoundUp(at, SectionAlignment(id)) ||
        !Inside(file(), header.sh_offset, header.sh_size)) {
      return Altered(name_, absl::StrCat(SectionName(id), " is not where it belongs"));
    }
    sections_[index] = file().subspan(header.sh_offset, header.sh_size);
    at = header.sh_offset + header.sh_size;
  }
  if (at != file().size()) return Altered(name_, "bytes behind the last section");
  if (FileOffset(SectionId::kMeta) + sizeof(MetaRecord) != head_bytes_ ||
      Section(SectionId::kMeta).size() != sizeof(MetaRecord)) {
    return Altered(name_, ".tidepool.meta has another size");
  }
  if (text().size() > kTextBytesMax) return Altered(name_, ".text is too long");
  return absl::OkStatus();
}

absl::Status MappedArtifact::ReadHead() {
  const absl::Span<const uint8_t> lists = Section(SectionId::kLists);
  InfoSections sections;
  sections.info = Section(SectionId::kInfo);
  // Sections begin at multiples of 8.
  sections.lists = {reinterpret_cast<const uint32_t*>(lists.data()),
                    lists.size() / sizeof(uint32_t)};
  sections.data = Section(SectionId::kData);
  sections.image = Section(SectionId::kImage);
  sections.image_file_offset = FileOffset(SectionId::kImage);
  sections.text_bytes = static_cast<uint32_t>(text().size());
  absl::StatusOr<ReadInfoResult> read = ReadInfo(sections);
  if (!read.ok()) return Altered(name_, read.status().message());
  info_ = std::move(read->info);
  functions_ = read->functions;
  return absl::OkStatus();
}

absl::Span<const uint8_t> MappedArtifact::text_pages() const {
  return file().subspan(FileOffset(SectionId::kText),
                        RoundUp(text().size(), kTextAlignmentBytes));
}

absl::Status MappedArtifact::MapText(int fd) {
  if (text().empty()) return absl::OkStatus();
  const uint64_t offset = FileOffset(SectionId::kText);
  // Over the read-only mapping, in one step: there is no moment at which these bytes could be
  // written, and no change of protection that a hardened system would refuse.
  void* const at = ::mmap(file_.base() + offset, text_pages().size(), PROT_READ | PROT_EXEC,
                          MAP_PRIVATE | MAP_FIXED, fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED) return SyscallError("mmap(PROT_EXEC)", name_);
  return absl::OkStatus();
}

absl::Status MappedArtifact::Verify() const {
  const auto meta = LoadAt<MetaRecord>(file(), head_bytes_ - sizeof(MetaRecord));
  if (!Equal(Sha256(file().first(head_bytes_ - kDigestBytes)), meta.head_digest)) {
    return Altered(name_, "the head does not match its digest");
  }
  if (!Equal(Sha256(file().subspan(head_bytes_)), meta.rest_digest)) {
    return Altered(name_, "code, tables or data do not match their digest");
  }
  return absl::OkStatus();
}

}  // namespace tidepool::engine
