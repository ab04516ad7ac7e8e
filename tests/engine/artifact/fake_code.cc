#include "tests/engine/artifact/fake_code.h"

#include <elf.h>

#include <cstring>

#include "engine/artifact/artifact_writer.h"
#include "engine/platform/memfd.h"
#include "engine/support/byte_reader.h"
#include "engine/support/byte_writer.h"
#include "engine/support/check.h"
#include "engine/support/sha256.h"
#include "engine/wasm/decoder.h"
#include "engine/wasm/validator.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::test {

using engine::CompiledModule;
using engine::CompileOptions;
using engine::kDigestBytes;
using engine::kSectionHeadersOffset;
using engine::MappedArtifact;
using engine::MetaRecord;
using engine::SectionId;
using engine::TrapCode;
namespace wasm = engine::wasm;

wasm::ValidatedModule Validated(absl::Span<const uint8_t> bytes) {
  absl::StatusOr<wasm::Module> module = wasm::Decode(bytes, wasm::Features());
  TP_CHECK(module.ok());
  absl::StatusOr<wasm::ValidatedModule> valid =
      wasm::Validate(*std::move(module), wasm::Features());
  TP_CHECK(valid.ok());
  return *std::move(valid);
}

CompiledModule FakeCode(const wasm::ValidatedModule& module) {
  CompiledModule compiled;
  const auto& bodies = module.module().bodies;
  for (uint32_t i = 0; i < bodies.size(); ++i) {
    const uint32_t begin = static_cast<uint32_t>(compiled.text.size());
    const uint8_t number[4] = {static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8),
                               static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 24)};
    const uint8_t code[] = {
        0x55,                                                    // push rbp
        0x48, 0x89, 0xE5,                                        // mov rbp, rsp
        0xB8, number[0], number[1], number[2], number[3],        // mov eax, number
        0x5D,                                                    // pop rbp
        0xC3,                                                    // ret
    };
    compiled.text.insert(compiled.text.end(), std::begin(code), std::end(code));
    compiled.functions.push_back({begin, sizeof(code)});
    compiled.trap_sites.push_back({begin + 4, TrapCode::kMemoryOutOfBounds});
    compiled.address_map.push_back({begin, bodies[i].offset});
    compiled.address_map.push_back({begin + 4, bodies[i].offset + 1});
    compiled.text.resize((compiled.text.size() + 15) & ~size_t{15}, 0xCC);
  }
  return compiled;
}

std::vector<uint8_t> EverythingModule() {
  WasmBuilder module;
  const FunctionIndex log = module.ImportFunction("env", "log", {ValueType::I32()}, {});
  module.ImportGlobal("env", "base", ValueType::I32(), false);
  const FunctionIndex first =
      module.Function({ValueType::I32()}, {ValueType::I32()}, Code().LocalGet(0));
  const FunctionIndex second =
      module.Function({}, {ValueType::I64()}, Code().I64Const(-1), {{3, ValueType::F64()}});
  const FunctionIndex hidden = module.Function({}, {}, Code());
  const MemoryIndex memory = module.Memory(2, 65536);
  const TableIndex table = module.Table(10, 20);
  module.Global(ValueType::I32(), true, Code().I32Const(-7));
  module.Global(ValueType::F64(), false, Code().F64Const(2.5));
  module.Global(ValueType::FuncRef(), false, Code().RefFunc(first));
  module.ExportFunction("second", second);
  module.ExportFunction("first", first);
  module.ExportMemory("memory", memory);
  module.Export("table", ExternalKind::kTable, ToInt(table));
  module.Start(hidden);
  const FunctionIndex entries[] = {first, log, second};
  module.ActiveElements(table, Code().I32Const(4), entries);
  module.PassiveElements(entries);
  module.PassiveElements(ValueType::FuncRef(),
                         std::vector<Code>{Code().RefNull(wasm::HeapType::kFunc),
                                           Code().RefFunc(second)});
  module.ActiveData(Code().I32Const(10), "in the image");
  module.PassiveData("passive");
  module.ActiveData(Code().GlobalGet(GlobalIndex{0}), "known at instantiation");
  module.NameFunction(log, "log");
  module.NameFunction(second, "the second");
  return module.Build();
}

std::vector<uint8_t> WithoutDataCount(absl::Span<const uint8_t> wasm_bytes) {
  constexpr uint8_t kDataCount = 12;
  ByteReader reader(wasm_bytes);
  ByteWriter out;
  out.Bytes(reader.Bytes(8));
  while (!reader.at_end()) {
    const uint8_t id = reader.U8();
    const absl::Span<const uint8_t> contents = reader.Bytes(reader.VarU32());
    if (id == kDataCount) continue;
    out.U8(id);
    out.VarU64(contents.size());
    out.Bytes(contents);
  }
  return std::move(out).Take();
}

std::vector<uint8_t> ArtifactOf(absl::Span<const uint8_t> wasm_bytes,
                                const CompileOptions& options) {
  const wasm::ValidatedModule module = Validated(wasm_bytes);
  const absl::StatusOr<MappedRegion> artifact = WriteArtifact(module, FakeCode(module), options);
  TP_CHECK(artifact.ok());
  return std::vector<uint8_t>(artifact->span().begin(), artifact->span().end());
}

UniqueFd SealedFile(absl::Span<const uint8_t> bytes) {
  const FileExtent extent{0, bytes};
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("artifact", bytes.size(), {&extent, 1});
  TP_CHECK(fd.ok());
  return *std::move(fd);
}

absl::StatusOr<MappedArtifact> Map(absl::Span<const uint8_t> bytes,
                                   const MappedArtifact::Options& options) {
  return MappedArtifact::FromFd(SealedFile(bytes).get(), "test.tpa", options);
}

SectionPlace PlaceOf(absl::Span<const uint8_t> artifact, SectionId id) {
  Elf64_Shdr header;
  std::memcpy(&header,
              artifact.data() + kSectionHeadersOffset + static_cast<uint32_t>(id) * sizeof(header),
              sizeof(header));
  return {header.sh_offset, header.sh_size};
}

void FixDigests(std::vector<uint8_t>* artifact, uint64_t meta) {
  const absl::Span<const uint8_t> file(*artifact);
  const Sha256Digest rest = Sha256(file.subspan(meta + sizeof(MetaRecord)));
  std::memcpy(artifact->data() + meta + offsetof(MetaRecord, rest_digest), rest.data(), kDigestBytes);
  const uint64_t head_digest = meta + offsetof(MetaRecord, head_digest);
  const Sha256Digest head = Sha256(file.first(head_digest));
  std::memcpy(artifact->data() + head_digest, head.data(), kDigestBytes);
}

}  // namespace tidepool::test
