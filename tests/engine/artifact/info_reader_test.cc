#include "engine/artifact/info_reader.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/support/byte_writer.h"
#include "engine/support/units.h"
#include "tests/engine/artifact/fake_code.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::engine {
namespace {

using ::testing::HasSubstr;
using test::ArtifactOf;
using test::EverythingModule;
using test::FixDigests;
using test::Map;
using test::PlaceOf;

// What a loader and a runtime do with an artifact: reads everything that info points to and checks
// every promise of ModuleInfo.
uint64_t UseEverything(const MappedArtifact& artifact) {
  const ModuleInfo& info = artifact.info();
  uint64_t sum = 0;
  for (uint32_t type : info.function_types) sum += info.types[type].params.size();
  for (uint32_t function : info.escaping_functions) sum += info.function_types[function];
  for (const wasm::Import& import : info.imports) sum += import.module.size() + import.name.size();
  for (const wasm::Export& each : info.exports) sum += info.FindExport(each.name) != nullptr;
  for (const InfoElementSegment& segment : info.elements) {
    if (segment.mode == wasm::SegmentMode::kActive) sum += info.tables[segment.table].has_init;
    for (uint32_t function : segment.functions) sum += info.function_types[function];
  }
  for (const InfoDataSegment& segment : info.data) {
    if (segment.mode == wasm::SegmentMode::kActive) sum += info.memories[segment.memory].shared;
    for (uint8_t byte : segment.bytes) sum += byte;
  }
  for (const TableExtent& extent : info.table_images) {
    const InfoTable& table = info.tables[info.counts.imported_tables + extent.table];
    EXPECT_LE(extent.first + extent.functions.size(), table.type.limits.min);
    for (uint32_t function : extent.functions) {
      if (function != UINT32_MAX) sum += info.function_types[function];
    }
  }
  for (const MemoryExtent& extent : info.memory_images) {
    EXPECT_LT(extent.memory, info.counts.defined_memories);
    EXPECT_EQ(extent.offset_bytes % 4096, 0u);
    for (uint8_t byte : extent.bytes) sum += byte;
  }
  const TrapTable traps = artifact.traps();
  const AddressMap addresses = artifact.address_map();
  const NameTable names = artifact.names();
  for (uint32_t i = 0; i < artifact.functions().count(); ++i) {
    const uint32_t begin = artifact.functions().TextOffset(i);
    EXPECT_LE(artifact.functions().TextEnd(i), artifact.text().size());
    sum += static_cast<uint32_t>(traps.Find(begin)) + addresses.Find(begin);
    for (char c : names.Find(i)) sum += static_cast<uint8_t>(c);
  }
  return sum;
}

// Someone who controls the compiler writes digests that match: nothing else protects the reader.
TEST(ReadInfo, SurvivesRandomDamageWithMatchingDigests) {
  const std::vector<uint8_t> good = ArtifactOf(EverythingModule());
  const SectionId targets[] = {SectionId::kInfo, SectionId::kInfo, SectionId::kLists,
                               SectionId::kTraps, SectionId::kAddressMap, SectionId::kNames};
  const uint64_t meta = PlaceOf(good, SectionId::kMeta).offset;
  std::mt19937 random(6);
  int refused = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::vector<uint8_t> bad = good;
    const test::SectionPlace place = PlaceOf(good, targets[random() % std::size(targets)]);
    for (uint32_t flips = 1 + random() % 3; flips > 0; --flips) {
      const uint8_t interesting[] = {0, 1, 0x7F, 0x80, 0xFF, static_cast<uint8_t>(random())};
      bad[place.offset + random() % place.bytes_count] =
          interesting[random() % std::size(interesting)];
    }
    FixDigests(&bad, meta);
    const absl::StatusOr<MappedArtifact> artifact = Map(bad, {.cpu_features = CpuFeatureSet()});
    if (artifact.ok()) {
      UseEverything(*artifact);
    } else {
      ++refused;
      EXPECT_EQ(artifact.status().code(), absl::StatusCode::kDataLoss);
    }
  }
  EXPECT_GT(refused, 1'000);
}

absl::Status StatusOf(const ByteWriter& info, absl::Span<const uint32_t> lists = {}) {
  return ReadInfo({.info = info.bytes(), .lists = lists}).status();
}

TEST(ReadInfo, AllocatesNothingForACountWithoutContents) {
  ByteWriter info;
  info.VarU64(UINT32_MAX);
  const absl::Status status = StatusOf(info);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("types: a count beyond the section"));
}

TEST(ReadInfo, RefusesFunctionsOfUnknownTypes) {
  ByteWriter info;
  info.VarU64(0);                          // No types.
  for (uint8_t byte : {0, 0, 0, 1, 0, 0}) info.U8(byte);  // No code, one function.
  const uint32_t lists[] = {0};
  EXPECT_THAT(std::string(StatusOf(info, lists).message()),
              HasSubstr("functions: an index out of range"));
}

TEST(ReadInfo, RefusesListsOutsideTheirSection) {
  ByteWriter info;
  info.VarU64(0);
  info.VarU64(UINT32_MAX);
  info.VarU64(UINT32_MAX);
  EXPECT_THAT(std::string(StatusOf(info).message()), HasSubstr("a list outside its section"));
}

TEST(ReadInfo, AcceptsMemoriesThatNoHostHas) {
  // memory64 of 2^48 pages is valid; only instantiation fails.
  ByteWriter info;
  info.VarU64(0);
  for (int i = 0; i < 6; ++i) info.VarU64(0);  // Three empty lists.
  info.VarU64(0);                              // No tables.
  info.VarU64(1);
  info.U8(2);  // 64-bit addresses.
  info.VarU64(uint64_t{1} << 48);
  info.U8(16);
  for (int i = 0; i < 4; ++i) info.VarU64(0);  // Globals, tags, imports, exports.
  info.VarU64(0);
  info.VarU64(0);                              // Order of the exports.
  for (int i = 0; i < 5; ++i) info.VarU64(0);  // Start, elements, data, images.
  const absl::StatusOr<ReadInfoResult> read = ReadInfo({.info = info.bytes()});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->info.memories[0].limits.min, uint64_t{1} << 48);
}

}  // namespace
}  // namespace tidepool::engine
