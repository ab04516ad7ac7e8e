// Modules: loaded, registered for the trap handler, gone.
#include "engine/runtime/module.h"

#include <algorithm>

#include "engine/compiler/compile.h"
#include "engine/platform/memfd.h"
#include "engine/trap/trap_handler.h"
#include "tests/engine/runtime/runtime_fixture.h"

namespace tidepool::test {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Ne;

class ModuleTest : public RuntimeFixture {
 protected:
  WasmBuilder OneFunction() {
    WasmBuilder wasm;
    wasm.Memory(1, 2);
    const FunctionIndex f = wasm.Function({}, {}, AnyBody());
    wasm.ExportFunction("f", f);
    wasm.NameFunction(f, "name of f");
    return wasm;
  }
  static void Return(FunctionText& text) {
    text.Enter();
    text.Leave();
  }
};

TEST_F(ModuleTest, TellsWhatItIs) {
  AssembledBackend backend;
  backend.Add(&Return);
  const auto module = Load(OneFunction(), backend);
  EXPECT_THAT(module->name(), Eq("test.wasm"));
  EXPECT_THAT(module->FunctionName(0), Eq("name of f"));
  EXPECT_THAT(module->FunctionName(1), Eq(""));
  EXPECT_FALSE(module->needs_initialization());
  ASSERT_THAT(module->shape().memories.size(), Eq(1u));
  EXPECT_THAT(module->shape().memories[0].initial_bytes, Eq(65536u));
  EXPECT_THAT(module->shape().memories[0].bytes_max, Eq(2 * 65536u));
  EXPECT_TRUE(module->shape().memories[0].guarded);
  const auto range = module->ImageRange();
  EXPECT_TRUE(module->CodeOf(0) >= range.data() && module->CodeOf(0) < range.data() + range.size());
  EXPECT_THAT(Load(OneFunction(), backend)->id(), Ne(module->id()));
}

TEST_F(ModuleTest, NeedsNoGuardWithExplicitBounds) {
  AssembledBackend backend;
  backend.Add(&Return);
  const auto module =
      LoadModule(engine_, OneFunction(), backend, {.bounds = engine::Bounds::kExplicit});
  EXPECT_FALSE(module->shape().memories[0].guarded);
}

TEST_F(ModuleTest, IsKnownToTheTrapHandlerWhileItLives) {
  AssembledBackend backend;
  backend.Add(&Return);
  auto module = Load(OneFunction(), backend);
  const auto pc = reinterpret_cast<uintptr_t>(module->CodeOf(0));
  engine::trap::CodeRegion region;
  EXPECT_TRUE(engine::trap::FindCode(pc, &region));
  module.reset();
  EXPECT_FALSE(engine::trap::FindCode(pc, &region));
}

TEST_F(ModuleTest, GivesItsTypesBack) {
  const size_t before = engine_.types().type_count();
  AssembledBackend backend;
  backend.Add(&Return);
  auto module = Load(OneFunction(), backend);
  EXPECT_THAT(engine_.types().type_count(), Eq(before + 1));
  auto again = Load(OneFunction(), backend);
  EXPECT_THAT(engine_.types().type_count(), Eq(before + 1));
  EXPECT_THAT(again->type_ids()[0], Eq(module->type_ids()[0]));
  module.reset();
  again.reset();
  EXPECT_THAT(engine_.types().type_count(), Eq(before));
}

TEST_F(ModuleTest, LoadsNothingThatIsNoArtifact) {
  TP_ASSERT_OK_AND_ASSIGN(UniqueFd empty, CreateMemfd("empty", 0));
  EXPECT_FALSE(Module::LoadFd(engine_, empty.get(), "empty").ok());
  EXPECT_THAT(Module::Load(engine_, "/nonexistent.tpa").status().message(),
              HasSubstr("/nonexistent.tpa"));
}

TEST_F(ModuleTest, VerifiesWhenAsked) {
  AssembledBackend backend;
  backend.Add(&Return);
  TP_ASSERT_OK_AND_ASSIGN(engine::Artifact artifact,
                          engine::Compile(OneFunction().Build(), {}, backend));
  // Its code: digests of the head do not cover it.
  const auto module = Load(OneFunction(), backend);
  const uint8_t* text = static_cast<const uint8_t*>(module->CodeOf(0));
  std::vector<uint8_t> bytes(artifact.bytes.begin(), artifact.bytes.end());
  const auto found = std::search(bytes.begin(), bytes.end(), text, text + 8);
  ASSERT_NE(found, bytes.end());
  *found ^= 1;
  TP_ASSERT_OK_AND_ASSIGN(
      UniqueFd fd, CreateSealedMemfd("altered", bytes.size(), {{{0, bytes}}}));
  EXPECT_THAT(Module::LoadFd(engine_, fd.get(), "altered", {.verify = true}),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ModuleTest, HasNoCodeWithoutFunctions) {
  AssembledBackend backend;
  WasmBuilder wasm;
  wasm.Memory(1);
  EXPECT_THAT(Instantiate(Load(wasm, backend)).Memory().size(), Eq(65536u));
}

}  // namespace
}  // namespace tidepool::test
