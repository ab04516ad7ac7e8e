#include "engine/runtime/type_registry.h"

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::engine {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Ne;
using ::testing::Not;

wasm::FunctionType Type(std::vector<wasm::ValueType> params, std::vector<wasm::ValueType> results) {
  return {std::move(params), std::move(results)};
}
const wasm::ValueType kI32 = wasm::ValueType::I32();
const wasm::ValueType kI64 = wasm::ValueType::I64();

TEST(TypeRegistry, GivesEqualTypesOfAllModulesTheSameNumber) {
  TypeRegistry registry;
  const auto first = registry.Register({Type({kI32}, {}), Type({}, {kI32}), Type({kI32}, {})});
  EXPECT_THAT(first[0], Eq(first[2]));
  EXPECT_THAT(first[0], Ne(first[1]));
  const auto second = registry.Register({Type({}, {kI32}), Type({kI64}, {})});
  EXPECT_THAT(second[0], Eq(first[1]));
  EXPECT_THAT(first, Not(Contains(second[1])));
  EXPECT_THAT(first, Not(Contains(0u))) << "0 is no type";
}

TEST(TypeRegistry, TellsParametersFromResults) {
  TypeRegistry registry;
  const auto ids = registry.Register({Type({kI32, kI32}, {}), Type({kI32}, {kI32}),
                                      Type({}, {kI32, kI32})});
  EXPECT_THAT(ids[0], Ne(ids[1]));
  EXPECT_THAT(ids[1], Ne(ids[2]));
  EXPECT_THAT(ids[0], Ne(ids[2]));
}

TEST(TypeRegistry, KeepsANumberUntilItsLastReferenceGoes) {
  TypeRegistry registry;
  const auto first = registry.Register({Type({kI32}, {})});
  const auto second = registry.Register({Type({kI32}, {})});
  registry.Release(first);
  EXPECT_THAT(registry.type_count(), Eq(1u));
  EXPECT_THAT(registry.Register({Type({kI32}, {})}), Eq(second));
  registry.Release(second);
  registry.Release(second);
  EXPECT_THAT(registry.type_count(), Eq(0u));
}

TEST(TypeRegistryStress, AgreesWithItselfUnderThreads) {
  TypeRegistry registry;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        const auto ids = registry.Register({Type({kI32}, {}), Type({kI64}, {}), Type({kI32}, {})});
        ASSERT_THAT(ids[0], Eq(ids[2]));
        ASSERT_THAT(ids[0], Ne(ids[1]));
        registry.Release(ids);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(registry.type_count(), Eq(0u));
}

}  // namespace
}  // namespace tidepool::engine
