#include "engine/artifact/elf_reader.h"

#include <elf.h>
#include <sys/prctl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/artifact/artifact_writer.h"
#include "engine/platform/files.h"
#include "engine/support/units.h"
#include "tests/engine/artifact/fake_code.h"
#include "tests/support/wasm_builder.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

namespace tidepool::engine {
namespace {

using ::testing::HasSubstr;
using test::ArtifactOf;
using test::EverythingModule;
using test::FixDigests;
using test::Map;
using test::PlaceOf;

std::string MessageOf(const absl::StatusOr<MappedArtifact>& artifact) {
  return std::string(artifact.status().message());
}

int CallFunction(const MappedArtifact& artifact, uint32_t defined) {
  const void* code = artifact.text().data() + artifact.functions().TextOffset(defined);
  return reinterpret_cast<int (*)()>(const_cast<void*>(code))();
}

constexpr MappedArtifact::Options kToRun{.cpu_features = CpuFeatureSet()};

TEST(MappedArtifact, RunsItsCodeInPlace) {
  const MappedArtifact artifact = Map(ArtifactOf(EverythingModule()), kToRun).value();
  EXPECT_EQ(CallFunction(artifact, 0), 0);
  EXPECT_EQ(CallFunction(artifact, 2), 2);
}

TEST(MappedArtifact, RunsFromAFileOnDisk) {
  const std::string path = ::testing::TempDir() + "/run.tpa";
  ASSERT_TRUE(WriteFileDurably(path, ArtifactOf(EverythingModule())).ok());
  absl::StatusOr<MappedArtifact> artifact = MappedArtifact::Open(path, kToRun);
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  const MappedArtifact moved = *std::move(artifact);
  EXPECT_EQ(CallFunction(moved, 1), 1);
  ::unlink(path.c_str());
}

TEST(MappedArtifact, RunsUnderMemoryDenyWriteExecute) {
  const UniqueFd file = test::SealedFile(ArtifactOf(EverythingModule()));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) ::_exit(77);
    absl::StatusOr<MappedArtifact> artifact = MappedArtifact::FromFd(file.get(), "x", kToRun);
    ::_exit(artifact.ok() && CallFunction(*artifact, 2) == 2 ? 0 : 1);
  }
  int status;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this kernel has no PR_SET_MDWE";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(MappedArtifact, MakesNothingWritableAndOnlyTextExecutable) {
  const MappedArtifact artifact = Map(ArtifactOf(EverythingModule()), kToRun).value();
  const auto base = reinterpret_cast<uintptr_t>(artifact.file().data());
  const auto end = base + artifact.file().size();
  const auto text = reinterpret_cast<uintptr_t>(artifact.text_pages().data());
  std::ifstream maps("/proc/self/maps");
  std::string line;
  uint64_t executable_bytes = 0;
  while (std::getline(maps, line)) {
    unsigned long from, to;
    char rights[5];
    ASSERT_EQ(std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, rights), 3);
    if (to <= base || from >= end) continue;
    EXPECT_EQ(rights[1], '-') << line;
    if (rights[2] == 'x') {
      executable_bytes += to - from;
      EXPECT_EQ(from, text);
    }
  }
  EXPECT_EQ(executable_bytes, artifact.text_pages().size());
}

TEST(MappedArtifact, IsNotExecutableWhenOnlyLookedAt) {
  const MappedArtifact artifact = Map(ArtifactOf(EverythingModule())).value();
  EXPECT_DEATH(CallFunction(artifact, 0), "");
}

// ---- Refusals ------------------------------------------------------------------------------------

TEST(MappedArtifact, RefusesEveryTruncation) {
  const std::vector<uint8_t> good = ArtifactOf(EverythingModule());
  std::vector<uint64_t> cuts = {0, 1, 3, 4, 63, 64, kSectionHeadersOffset, kSectionHeadersEnd - 1,
                                kSectionHeadersEnd, good.size() - 1};
  for (SectionId id : kFileOrder) {
    const test::SectionPlace place = PlaceOf(good, id);
    for (uint64_t at : {place.offset, place.offset + 1, place.offset + place.bytes_count}) {
      if (at < good.size()) cuts.push_back(at);
    }
  }
  for (uint64_t cut : cuts) {
    const auto artifact = Map(absl::MakeConstSpan(good).first(cut), kToRun);
    EXPECT_EQ(artifact.status().code(), absl::StatusCode::kDataLoss) << cut;
    EXPECT_THAT(MessageOf(artifact), HasSubstr("truncated")) << cut;
  }
}

TEST(MappedArtifact, RefusesTrailingBytes) {
  std::vector<uint8_t> longer = ArtifactOf(EverythingModule());
  longer.push_back(0);
  EXPECT_THAT(MessageOf(Map(longer)), HasSubstr("altered: it has"));
}

TEST(MappedArtifact, FindsEveryFlippedByteOfTheHeadAtLoad) {
  const std::vector<uint8_t> good = ArtifactOf(EverythingModule());
  const test::SectionPlace meta = PlaceOf(good, SectionId::kMeta);
  for (uint64_t at = 0; at < meta.offset + meta.bytes_count; ++at) {
    std::vector<uint8_t> bad = good;
    bad[at] ^= static_cast<uint8_t>(1u << (at % 8));
    EXPECT_FALSE(Map(bad).ok()) << "byte " << at;
  }
}

TEST(MappedArtifact, FindsEveryFlippedByteByVerify) {
  const std::vector<uint8_t> good = ArtifactOf(EverythingModule());
  EXPECT_TRUE(Map(good, {.verify = true}).ok());
  // Each byte of the sections, and some of the fill between them.
  std::vector<uint64_t> places;
  for (SectionId id : kFileOrder) {
    const test::SectionPlace place = PlaceOf(good, id);
    const uint64_t step = place.bytes_count > 1024 ? 61 : 1;
    for (uint64_t i = 0; i < place.bytes_count; i += step) places.push_back(place.offset + i);
    if (place.offset + place.bytes_count < good.size()) {
      places.push_back(place.offset + place.bytes_count);
    }
  }
  for (uint64_t at : places) {
    std::vector<uint8_t> bad = good;
    bad[at] ^= static_cast<uint8_t>(1u << (at % 8));
    EXPECT_FALSE(Map(bad, {.verify = true}).ok()) << "byte " << at;
  }
}

TEST(MappedArtifact, TrustsCodeAtLoadAndCatchesItByVerify) {
  std::vector<uint8_t> bad = ArtifactOf(EverythingModule());
  bad[PlaceOf(bad, SectionId::kText).offset + 5] ^= 1;
  const absl::StatusOr<MappedArtifact> artifact = Map(bad);
  ASSERT_TRUE(artifact.ok());
  EXPECT_EQ(artifact->Verify().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(artifact->Verify().message()),
              HasSubstr("test.tpa: altered: code, tables or data"));
}

TEST(MappedArtifact, RefusesOtherFiles) {
  for (const std::string& text : {std::string("\0asm\1\0\0\0", 8), std::string("hello"),
                                  std::string(5000, 'x')}) {
    const auto artifact =
        Map({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, kToRun);
    EXPECT_EQ(artifact.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(MessageOf(artifact), HasSubstr("not a Tidepool artifact"));
  }
  const auto program = MappedArtifact::Open("/proc/self/exe", kToRun);
  EXPECT_EQ(program.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(program), HasSubstr("not a Tidepool artifact"));
  const auto folder = MappedArtifact::Open("/tmp", kToRun);
  EXPECT_THAT(MessageOf(folder), HasSubstr("not a Tidepool artifact"));
  EXPECT_EQ(MappedArtifact::Open("/nonexistent.tpa", kToRun).status().code(),
            absl::StatusCode::kNotFound);
}

std::vector<uint8_t> WithMeta(void (*change)(MetaRecord*)) {
  std::vector<uint8_t> bytes = ArtifactOf(EverythingModule());
  const uint64_t at = PlaceOf(bytes, SectionId::kMeta).offset;
  MetaRecord meta;
  std::memcpy(&meta, bytes.data() + at, sizeof(meta));
  change(&meta);
  std::memcpy(bytes.data() + at, &meta, sizeof(meta));
  FixDigests(&bytes, at);
  return bytes;
}

TEST(MappedArtifact, RefusesOtherVersionsAndMachines) {
  const auto abi = Map(WithMeta([](MetaRecord* meta) { meta->abi_version += 1; }));
  EXPECT_EQ(abi.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(abi), HasSubstr("ABI version"));
  const auto compiler = Map(WithMeta([](MetaRecord* meta) { meta->compiler_version[0] = 'T'; }));
  EXPECT_EQ(compiler.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(compiler), HasSubstr("another compiler"));
  const auto machine = Map(WithMeta([](MetaRecord* meta) { meta->machine = EM_AARCH64; }));
  EXPECT_EQ(machine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(machine), HasSubstr("machine 183"));
}

TEST(MappedArtifact, NamesTheFeaturesThatTheCpuLacks) {
  CompileOptions options;
  options.cpu_features.Set(CpuFeature::kAvx, true);
  options.cpu_features.Set(CpuFeature::kBmi2, true);
  const std::vector<uint8_t> bytes = ArtifactOf(EverythingModule(), options);
  MappedArtifact::Options cpu{.cpu_features = CpuFeatureSet()};
  cpu.cpu_features->Set(CpuFeature::kAvx, true);
  const auto refused = Map(bytes, cpu);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(refused), HasSubstr("this one lacks bmi2;"));
  cpu.cpu_features->Set(CpuFeature::kBmi2, true);
  EXPECT_TRUE(Map(bytes, cpu).ok());
  EXPECT_TRUE(Map(bytes).ok()) << "any CPU's artifact can be looked at";
}

TEST(MappedArtifact, RefusesSectionsOutOfPlace) {
  const std::vector<uint8_t> good = ArtifactOf(EverythingModule());
  const uint64_t meta = PlaceOf(good, SectionId::kMeta).offset;
  std::mt19937 random(5);
  int accepted = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::vector<uint8_t> bad = good;
    const uint64_t at =
        kSectionHeadersOffset + random() % (kSectionHeadersEnd - kSectionHeadersOffset);
    bad[at] = static_cast<uint8_t>(random());
    FixDigests(&bad, meta);
    if (Map(bad, kToRun).ok()) ++accepted;
  }
  // Most bytes of a header are ones that nothing of ours reads.
  EXPECT_LT(accepted, 4'500);
}

// ---- Cost ----------------------------------------------------------------------------------------

// Page faults that opening takes; a page of the file that is not touched takes none.  The fewest of
// several times: an allocator, and a sanitizer's more than any, may fault on pages of its own.
long FaultsOfOpening(const std::string& path) {
  long fewest = LONG_MAX;
  for (int i = 0; i < 8; ++i) {
    rusage before, after;
    ::getrusage(RUSAGE_SELF, &before);
    const absl::StatusOr<MappedArtifact> artifact = MappedArtifact::Open(path, kToRun);
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_TRUE(artifact.ok()) << artifact.status();
    fewest = std::min(fewest, after.ru_minflt - before.ru_minflt);
  }
  return fewest;
}

std::string ArtifactWithText(uint64_t text_bytes) {
  const std::vector<uint8_t> bytes = EverythingModule();
  const wasm::ValidatedModule module = test::Validated(bytes);
  CompiledModule compiled = test::FakeCode(module);
  compiled.text.resize(text_bytes, 0x90);
  compiled.functions.back().text_bytes =
      static_cast<uint32_t>(text_bytes - compiled.functions.back().text_offset);
  for (uint32_t i = 100; i < text_bytes; i += 100) {
    compiled.trap_sites.push_back({i, TrapCode::kMemoryOutOfBounds});
    compiled.address_map.push_back({i, i});
  }
  const std::string path =
      ::testing::TempDir() + "/text-" + std::to_string(text_bytes) + ".tpa";
  EXPECT_TRUE(WriteFileDurably(path, WriteArtifact(module, compiled, {}).value().span()).ok());
  return path;
}

TEST(MappedArtifact, TouchesNoMoreOfALargeFileThanOfASmallOne) {
  const std::string small = ArtifactWithText(16 * kKiB);
  const std::string large = ArtifactWithText(64 * kMiB);
  FaultsOfOpening(small);  // The code of the reader itself.
  // 16,384 pages of code and as many entries of tables: a handful is the spread of the indexes.
  EXPECT_LE(FaultsOfOpening(large), FaultsOfOpening(small) + 16);
  ::unlink(small.c_str());
  ::unlink(large.c_str());
}

}  // namespace
}  // namespace tidepool::engine
