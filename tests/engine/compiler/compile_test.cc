#include "engine/compiler/compile.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/artifact/elf_reader.h"
#include "engine/platform/memfd.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::engine {
namespace {

using ::testing::HasSubstr;
using test::Code;
using test::WasmBuilder;

// Every function is `ret`; or the status it is told to give.
class FakeBackend : public Backend {
 public:
  absl::StatusOr<CompiledModule> Compile(const wasm::ValidatedModule& module,
                                         const CompileOptions& options) override {
    ++calls;
    if (!status.ok()) return status;
    CompiledModule compiled;
    for (uint32_t i = 0; i < module.module().bodies.size(); ++i) {
      compiled.functions.push_back({i * 16, 1});
      compiled.text.push_back(0xC3);
      compiled.text.resize((i + 1) * 16, 0xCC);
    }
    return compiled;
  }
  int calls = 0;
  absl::Status status;
};

std::vector<uint8_t> TwoFunctions() {
  WasmBuilder module;
  module.Function({}, {}, Code());
  module.ExportFunction("f", module.Function({}, {}, Code()));
  return module.Build();
}

TEST(Compile, MakesAnArtifactAndTellsWhatItTook) {
  FakeBackend backend;
  const std::vector<uint8_t> module = TwoFunctions();
  const absl::StatusOr<Artifact> artifact = Compile(module, {}, backend);
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  const FileExtent extent{0, artifact->bytes};
  const UniqueFd fd =
      CreateSealedMemfd("artifact", artifact->bytes.size(), {&extent, 1}).value();
  const auto mapped = MappedArtifact::FromFd(fd.get(), "artifact", {.verify = true});
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  EXPECT_NE(mapped->info().FindExport("f"), nullptr);

  const CompileTimings& timings = artifact->timings;
  EXPECT_EQ(timings.module_bytes, module.size());
  EXPECT_EQ(timings.artifact_bytes, artifact->bytes.size());
  EXPECT_EQ(timings.text_bytes, 32u);
  EXPECT_EQ(timings.function_count, 2u);
  EXPECT_GT(timings.code_section_bytes, 0u);
  EXPECT_GT(timings.memory_peak_bytes, 0u);
  for (const PhaseTime& phase :
       {timings.decode, timings.validate, timings.compile, timings.write}) {
    EXPECT_GE(phase.wall, absl::ZeroDuration());
    EXPECT_LT(phase.cpu, absl::Seconds(10));
  }
}

TEST(Compile, GivesTheSameBytesEveryTime) {
  FakeBackend backend;
  const std::vector<uint8_t> module = TwoFunctions();
  EXPECT_EQ(Compile(module, {}, backend)->bytes, Compile(module, {}, backend)->bytes);
}

TEST(Compile, NeverAsksTheBackendForBadModules) {
  FakeBackend backend;
  std::vector<uint8_t> malformed = TwoFunctions();
  malformed.pop_back();
  EXPECT_EQ(Compile(malformed, {}, backend).status().code(), absl::StatusCode::kInvalidArgument);
  WasmBuilder builder;
  builder.Function({}, {wasm::ValueType::I32()}, Code());
  const std::vector<uint8_t> invalid = builder.Build();
  EXPECT_EQ(Compile(invalid, {}, backend).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(backend.calls, 0);
}

TEST(Compile, PassesTheBackendsErrorOn) {
  FakeBackend backend;
  backend.status = absl::ResourceExhaustedError("too much code");
  const std::vector<uint8_t> module = TwoFunctions();
  EXPECT_EQ(Compile(module, {}, backend).status(), backend.status);
}

}  // namespace
}  // namespace tidepool::engine
