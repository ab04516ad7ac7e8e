#include "engine/artifact/name_table.h"

#include <random>

#include "gtest/gtest.h"

#include "engine/artifact/name_table_writer.h"
#include "tests/engine/artifact/fake_code.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::engine {
namespace {

std::vector<uint8_t> ManyNames(uint32_t count) {
  test::WasmBuilder module;
  for (uint32_t i = 0; i < count; ++i) {
    const wasm::FunctionIndex function = module.Function({}, {}, test::Code());
    if (i % 3 != 0) module.NameFunction(function, "name " + std::to_string(i));
  }
  const std::vector<uint8_t> bytes = module.Build();
  return EncodeNameTable(test::Validated(bytes).module());
}

TEST(NameTable, FindsEveryNameAndNoOther) {
  const std::vector<uint8_t> bytes = ManyNames(100);
  const NameTable names(bytes);
  for (uint32_t i = 0; i < 110; ++i) {
    const bool named = i % 3 != 0 && i < 100;
    EXPECT_EQ(names.Find(i), named ? "name " + std::to_string(i) : "");
  }
}

TEST(NameTable, IsEmptyWithoutNames) {
  EXPECT_TRUE(ManyNames(1).empty());
  EXPECT_EQ(NameTable().Find(0), "");
}

TEST(NameTable, StaysInsideDamagedBytes) {
  const std::vector<uint8_t> good = ManyNames(50);
  std::mt19937 random(4);
  size_t sum = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> bad(good.begin(), good.begin() + random() % (good.size() + 1));
    for (uint32_t flip = random() % 4; flip > 0 && !bad.empty(); --flip) {
      bad[random() % bad.size()] = static_cast<uint8_t>(random());
    }
    for (char c : NameTable(bad).Find(random() % 60)) sum += static_cast<uint8_t>(c);
  }
  EXPECT_GT(sum, 0u);
}

}  // namespace
}  // namespace tidepool::engine
