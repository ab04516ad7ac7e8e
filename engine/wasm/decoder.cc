#include "engine/wasm/decoder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "engine/support/status_macros.h"
#include "engine/wasm/decoder_internal.h"
#include "engine/wasm/limits.h"
#include "engine/wasm/utf8.h"

namespace tidepool::engine::wasm {
namespace {

constexpr uint32_t kMagic = 0x6D736100;  // "\0asm"
constexpr uint32_t kVersion = 1;

enum SectionId : uint8_t {
  kCustom,
  kTypes,
  kImports,
  kFunctions,
  kTables,
  kMemories,
  kGlobals,
  kExports,
  kStart,
  kElements,
  kCode,
  kData,
  kDataCount,
  kTags,
  kSectionIdCount,
};

// Place of each section in a module, by id; the ids came to be in another order.
constexpr uint8_t kPlace[kSectionIdCount] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};

}  // namespace

absl::StatusOr<Module> Decode(absl::Span<const uint8_t> bytes, const Features& features) {
  return Decoder(bytes, features).Decode();
}

absl::StatusOr<Module> Decoder::Decode() {
  if (features_.gc) {
    return absl::UnimplementedError("feature gc: struct, array and recursive types");
  }
  if (bytes_.size() > kModuleBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "module of ", bytes_.size(), " bytes is larger than the limit of ", kModuleBytesMax));
  }
  TP_RETURN_IF_ERROR(ReadHeader());
  TP_RETURN_IF_ERROR(ReadSections());
  TP_RETURN_IF_ERROR(CheckWhole());
  return std::move(module_);
}

absl::Status Decoder::ReadHeader() {
  if (bytes_.size() < 4 || cursor_.Fixed<uint32_t>() != kMagic) {
    return ErrorAt(0, "not a WebAssembly module: the magic number \\0asm is missing");
  }
  const uint32_t version = cursor_.Fixed<uint32_t>();
  if (cursor_.failed()) return ErrorAt(4, "unexpected end in the version number");
  if (version != kVersion) {
    return ErrorAt(4, absl::StrFormat("unknown binary version 0x%x, expected 1", version));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadSections() {
  uint8_t last_place = 0;
  while (!cursor_.at_end()) {
    const uint32_t start = offset();
    const uint8_t id = cursor_.U8();
    const uint32_t size = cursor_.VarU32();
    TP_RETURN_IF_ERROR(Check());
    if (id >= kSectionIdCount || (id == kTags && !features_.exceptions)) {
      return ErrorAt(start, absl::StrCat("unknown section id ", id));
    }
    if (size > remaining()) {
      return ErrorAt(
          start,
          absl::StrCat("section ", id, " claims ", size, " bytes, ", remaining(), " are left"));
    }
    if (id != kCustom) {
      if (kPlace[id] <= last_place) {
        return ErrorAt(start, absl::StrCat("section ", id, " is repeated or out of order"));
      }
      last_place = kPlace[id];
    }
    BodyCursor<true> behind = cursor_;
    behind.Skip(size);
    cursor_ = BodyCursor<true>(absl::MakeConstSpan(cursor_.position(), size), features_);
    TP_RETURN_IF_ERROR(ReadSection(id));
    TP_RETURN_IF_ERROR(Check());
    if (!cursor_.at_end()) {
      return Error(
          absl::StrCat("section ", id, " has ", remaining(), " bytes behind its contents"));
    }
    cursor_ = behind;
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadSection(uint8_t id) {
  switch (id) {
    case kCustom:
      return ReadCustomSection();
    case kTypes:
      return ReadTypes();
    case kImports:
      return ReadImports();
    case kFunctions:
      return ReadFunctions();
    case kTables:
      return ReadTables();
    case kMemories:
      return ReadMemories();
    case kGlobals:
      return ReadGlobals();
    case kExports:
      return ReadExports();
    case kStart:
      return ReadStart();
    case kElements:
      return ReadElements();
    case kCode:
      return ReadBodies();
    case kData:
      return ReadData();
    case kDataCount:
      return ReadDataCount();
    default:
      return ReadTags();
  }
}

absl::Status Decoder::ReadCustomSection() {
  if (module_.custom_sections.size() >= kCustomSectionCountMax) {
    return Error(absl::StrCat("more than ", kCustomSectionCountMax, " custom sections"));
  }
  CustomSection section;
  TP_ASSIGN_OR_RETURN(section.name, ReadName("custom section name"));
  const size_t size = remaining();
  section.bytes = absl::MakeConstSpan(cursor_.Skip(size), size);
  module_.custom_sections.push_back(section);
  return absl::OkStatus();
}

// What only the whole module shows.
absl::Status Decoder::CheckWhole() const {
  if (module_.bodies.size() != declared_function_count_) {
    return ErrorAt(static_cast<uint32_t>(bytes_.size()),
                   absl::StrCat("function section declares ",
                                declared_function_count_,
                                " functions, code section has ",
                                module_.bodies.size()));
  }
  if (module_.data_count.has_value() && *module_.data_count != module_.data.size()) {
    return ErrorAt(static_cast<uint32_t>(bytes_.size()),
                   absl::StrCat("data count section declares ",
                                *module_.data_count,
                                " segments, data section has ",
                                module_.data.size()));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> Decoder::ReadCount(const char* what,
                                            uint64_t count_max,
                                            uint32_t entry_bytes_min) {
  const uint32_t start = offset();
  const uint32_t count = cursor_.VarU32();
  TP_RETURN_IF_ERROR(Check());
  if (count > count_max) {
    return ErrorAt(start, absl::StrCat(count, " ", what, ", the limit is ", count_max));
  }
  if (uint64_t{count} * entry_bytes_min > remaining()) {
    return ErrorAt(
        start,
        absl::StrCat(
            "unexpected end: ", count, " ", what, " do not fit in ", remaining(), " bytes"));
  }
  return count;
}

absl::StatusOr<absl::string_view> Decoder::ReadName(const char* what) {
  const uint32_t start = offset();
  const uint32_t size = cursor_.VarU32();
  const uint8_t* at = cursor_.Skip(size);
  TP_RETURN_IF_ERROR(Check());
  if (size > kNameBytesMax) {
    return ErrorAt(start, absl::StrCat(what, " of ", size, " bytes, the limit is ", kNameBytesMax));
  }
  const absl::string_view name(reinterpret_cast<const char*>(at), size);
  if (!IsValidUtf8(name)) return ErrorAt(start, absl::StrCat(what, " is not UTF-8"));
  return name;
}

absl::Status Decoder::Check() const {
  if (!cursor_.failed()) return absl::OkStatus();
  return Error(cursor_.failure());
}

absl::Status Decoder::ErrorAt(uint32_t offset, const std::string& message) {
  return absl::InvalidArgumentError(absl::StrFormat("at offset 0x%x: %s", offset, message));
}

}  // namespace tidepool::engine::wasm
