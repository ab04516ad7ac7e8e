// MappedArtifact: an artifact in memory, its code ready to run where it lies.
//
// Shape    One open, two mmaps: the whole file read-only, then .text read+execute over it.  No byte
//          is ever writable or made executable later, so it works under MemoryDenyWriteExecute.
// Cost     Reads the head of the file (sections.h) and runs once over the lists of function indexes,
//          to check them: independent of the size of code, tables, names and data.
// Life     Open → read by any number → unmapped at the end.  The file must not be changed
//          meanwhile: it comes from our own store, or is a sealed memfd, or is `verify`-ed and left
//          alone.  A move keeps every address.
// Threads  Immutable once made; thread-safe.
// Trust    With a matching head digest everything the head says is still treated as hostile (a
//          compromised compiler can compute digests): every offset is checked to lie inside its
//          section before it is followed.  The code itself is trusted.
// Errors   DataLoss: truncated or altered, where.  FailedPrecondition: not an artifact, or one for
//          another ABI, compiler or CPU (the missing features are named): compile again.
// Source   mmap(2); systemd.exec(5), MemoryDenyWriteExecute.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/artifact/address_map.h"
#include "engine/artifact/artifact_meta.h"
#include "engine/artifact/function_table.h"
#include "engine/artifact/module_info.h"
#include "engine/artifact/name_table.h"
#include "engine/artifact/sections.h"
#include "engine/artifact/trap_table.h"
#include "engine/platform/cpu_features.h"
#include "engine/platform/mapped_region.h"

namespace tidepool::engine {

class [[nodiscard]] MappedArtifact {
 public:
  struct Options {
    // What the CPU that will run the code has.  Without, the artifact is only looked at: any CPU's
    // is accepted and .text is not made executable.
    std::optional<CpuFeatureSet> cpu_features;
    // Verify before returning: for a file that is not from our own store.
    bool verify = false;
  };

  static absl::StatusOr<MappedArtifact> Open(const std::string& path, const Options& options);
  // The descriptor is not kept.  `name` is for messages.
  static absl::StatusOr<MappedArtifact> FromFd(int fd, absl::string_view name,
                                               const Options& options);

  // Reads every byte once and compares digests; DataLoss when one differs.
  absl::Status Verify() const;

  const ArtifactMeta& meta() const { return meta_; }
  const ModuleInfo& info() const { return info_; }
  absl::Span<const uint8_t> file() const { return file_.span(); }
  // Without the fill behind the last function.
  absl::Span<const uint8_t> text() const { return Section(SectionId::kText); }
  // Whole pages: what is mapped executable.
  absl::Span<const uint8_t> text_pages() const;
  absl::Span<const uint8_t> Section(SectionId id) const {
    return sections_[static_cast<uint32_t>(id)];
  }
  uint64_t FileOffset(SectionId id) const {
    return static_cast<uint64_t>(Section(id).data() - file_.base());
  }

  const FunctionTable& functions() const { return functions_; }
  TrapTable traps() const { return TrapTable(Section(SectionId::kTraps)); }
  AddressMap address_map() const { return AddressMap(Section(SectionId::kAddressMap)); }
  NameTable names() const { return NameTable(Section(SectionId::kNames)); }

 private:
  MappedArtifact() = default;
  // In this order; each relies on what those before it have checked.
  absl::Status Map(int fd);
  absl::Status CheckIdentity(const Options& options);
  absl::Status FindSections();
  absl::Status ReadHead();
  absl::Status MapText(int fd);

  std::string name_;  // For messages.
  MappedRegion file_;
  uint64_t head_bytes_ = 0;
  absl::Span<const uint8_t> sections_[kSectionCount];
  ArtifactMeta meta_;
  FunctionTable functions_;
  ModuleInfo info_;
};

}  // namespace tidepool::engine
