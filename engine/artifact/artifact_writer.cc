#include "engine/artifact/artifact_writer.h"

#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/abi/abi_version.h"
#include "engine/artifact/artifact_meta.h"
#include "engine/artifact/block_table_writer.h"
#include "engine/artifact/eh_frame_writer.h"
#include "engine/artifact/elf_writer.h"
#include "engine/artifact/image_builder.h"
#include "engine/artifact/info_writer.h"
#include "engine/artifact/name_table_writer.h"
#include "engine/artifact/trap_table_writer.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"

namespace tidepool::engine {
namespace {

// What the reader would refuse must not be written.
absl::Status CheckCode(const wasm::Module& module, const CompiledModule& compiled) {
  TP_RETURN_IF_ERROR(CheckTextBytes(compiled.text.size()));
  TP_CHECK(compiled.functions.size() == module.bodies.size());
  uint64_t end = 0;
  for (const CompiledFunction& function : compiled.functions) {
    TP_CHECK(function.text_offset >= end);
    end = uint64_t{function.text_offset} + function.text_bytes;
  }
  TP_CHECK(end <= compiled.text.size());
  return absl::OkStatus();
}

MetaRecord MetaOf(const CompileOptions& options) {
  MetaRecord meta{};
  meta.abi_version = abi::kAbiVersion;
  static_assert(sizeof(kCompilerVersion) <= sizeof(meta.compiler_version));
  std::memcpy(meta.compiler_version, kCompilerVersion, sizeof(kCompilerVersion));
  meta.cpu_features = options.cpu_features.bits;
  meta.wasm_features = FeatureBits(options.wasm_features);
  meta.padding_bytes = options.padding_bytes;
  meta.tier = static_cast<uint8_t>(options.tier);
  meta.bounds = static_cast<uint8_t>(options.bounds);
  meta.address_map = options.address_map ? 1 : 0;
  meta.names = options.names ? 1 : 0;
  return meta;
}

absl::Span<const uint8_t> BytesOf(const std::vector<uint32_t>& numbers) {
  return {reinterpret_cast<const uint8_t*>(numbers.data()), numbers.size() * sizeof(uint32_t)};
}

void CopyPieces(const std::vector<absl::Span<const uint8_t>>& pieces, absl::Span<uint8_t> out) {
  size_t at = 0;
  for (absl::Span<const uint8_t> piece : pieces) {
    std::memcpy(out.subspan(at, piece.size()).data(), piece.data(), piece.size());
    at += piece.size();
  }
}

}  // namespace

absl::Status CheckTextBytes(uint64_t text_bytes) {
  if (text_bytes <= kTextBytesMax) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("the module's machine code is ", text_bytes,
                                                   " bytes long; the limit is ", kTextBytesMax,
                                                   " bytes"));
}

absl::StatusOr<MappedRegion> WriteArtifact(const wasm::ValidatedModule& module,
                                           const CompiledModule& compiled,
                                           const CompileOptions& options) {
  TP_RETURN_IF_ERROR(CheckCode(module.module(), compiled));

  const InstanceImagePlan image(module.module());
  const EncodedInfo info = EncodeInfo(module, compiled, image);
  const std::vector<uint8_t> traps = EncodeTrapTable(compiled);
  std::vector<uint8_t> addresses;
  if (options.address_map) {
    addresses = EncodeBlockTable(compiled.address_map, [](const AddressMapEntry& entry) {
      return BlockTableEntry{entry.text_offset, entry.wasm_offset};
    });
  }
  std::vector<uint8_t> names;
  if (options.names) names = EncodeNameTable(module.module());

  ElfWriter elf;
  elf.Set(SectionId::kInfo, info.info);
  elf.Set(SectionId::kText, compiled.text);
  elf.Reserve(SectionId::kEhFrame, EhFrameBytes(compiled));
  elf.Set(SectionId::kLists, BytesOf(info.lists));
  elf.Set(SectionId::kTraps, traps);
  elf.Set(SectionId::kAddressMap, addresses);
  elf.Set(SectionId::kNames, names);
  elf.Reserve(SectionId::kData, info.data_bytes);
  elf.Reserve(SectionId::kImage, image.image_bytes());

  TP_RETURN_IF_ERROR(elf.LayOut());
  WriteEhFrame(compiled, elf.Offset(SectionId::kText), elf.Offset(SectionId::kEhFrame),
               elf.Contents(SectionId::kEhFrame));
  CopyPieces(info.data, elf.Contents(SectionId::kData));
  image.WriteImage(elf.Contents(SectionId::kImage));
  return std::move(elf).Finish(MetaOf(options));
}

}  // namespace tidepool::engine
