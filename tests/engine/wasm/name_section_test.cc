#include "engine/wasm/name_section.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/engine/wasm/module_checks.h"

namespace tidepool::test {
namespace {

using wasm::NameSection;

// Three functions, and a name section with these contents.
NameSection NamesOf(absl::Span<const uint8_t> contents, std::vector<uint8_t>* bytes) {
  WasmBuilder builder;
  for (int i = 0; i < 3; ++i) builder.Function({}, {}, Code());
  builder.Custom("name", contents);
  *bytes = builder.Build();
  const absl::StatusOr<wasm::Module> module = wasm::Decode(*bytes, {});
  EXPECT_TRUE(module.ok()) << module.status();
  return NameSection::Read(*module);
}

FunctionIndex At(uint32_t index) {
  return static_cast<FunctionIndex>(index);
}

TEST(NameSection, FindsNamesByIndex) {
  WasmBuilder builder;
  for (int i = 0; i < 3; ++i) builder.Function({}, {}, Code());
  builder.NameFunction(At(0), "first");
  builder.NameFunction(At(2), "third");
  const std::vector<uint8_t> bytes = builder.Build();
  const absl::StatusOr<wasm::Module> module = wasm::Decode(bytes, {});
  ASSERT_TRUE(module.ok());
  const NameSection names = NameSection::Read(*module);
  EXPECT_EQ(names.NameOf(At(0)), "first");
  EXPECT_EQ(names.NameOf(At(1)), "");
  EXPECT_EQ(names.NameOf(At(2)), "third");
  EXPECT_EQ(names.NameOf(At(3)), "");
}

TEST(NameSection, ReadsTheModulesNameAndSkipsWhatItDoesNotKnow) {
  std::vector<uint8_t> bytes;
  const NameSection names =
      NamesOf({0, 3, 2, 'm', 'e', 9, 2, 0xFF, 0xFF, 1, 4, 1, 1, 1, 'g'}, &bytes);
  EXPECT_EQ(names.module_name(), "me");
  EXPECT_EQ(names.NameOf(At(1)), "g");
}

TEST(NameSection, KeepsWhatComesBeforeTheDamage) {
  std::vector<uint8_t> bytes;
  // Claims 2^28 names and has one and a half.
  const NameSection names =
      NamesOf({1, 11, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, 'f', 1, 200, 1, 'g'}, &bytes);
  EXPECT_EQ(names.functions().size(), 1u);
  EXPECT_EQ(names.NameOf(At(0)), "f");
}

TEST(NameSection, LeavesOutUnknownRepeatedAndIllFormed) {
  std::vector<uint8_t> bytes;
  EXPECT_EQ(NamesOf({1, 4, 1, 7, 1, 'x'}, &bytes).functions().size(), 0u) << "no function 7";
  EXPECT_EQ(NamesOf({1, 7, 2, 1, 1, 'x', 1, 1, 'y'}, &bytes).NameOf(At(1)), "x");
  EXPECT_EQ(NamesOf({1, 4, 1, 1, 1, 0xFF}, &bytes).NameOf(At(1)), "") << "not UTF-8";
  EXPECT_EQ(NamesOf({}, &bytes).functions().size(), 0u);
  EXPECT_EQ(NamesOf({1}, &bytes).functions().size(), 0u);
  EXPECT_EQ(NamesOf({1, 100, 1, 0, 1, 'x'}, &bytes).functions().size(), 0u)
      << "the subsection is cut off";
}

}  // namespace
}  // namespace tidepool::test
