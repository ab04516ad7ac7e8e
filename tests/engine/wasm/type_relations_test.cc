#include "engine/wasm/type_relations.h"

#include "gtest/gtest.h"

namespace tidepool::engine::wasm {
namespace {

ValueType Concrete(uint32_t type, bool nullable) {
  return ValueType::Ref(ConcreteHeapType(TypeIndex{type}), nullable);
}

TEST(TypeRelations, NumbersFitOnlyThemselves) {
  const TypeRelations relations({}, false);
  const ValueType types[] = {ValueType::I32(),
                             ValueType::I64(),
                             ValueType::F32(),
                             ValueType::F64(),
                             ValueType::V128(),
                             ValueType::FuncRef(),
                             ValueType::ExternRef()};
  for (const ValueType actual : types) {
    for (const ValueType expected : types) {
      EXPECT_EQ(relations.IsSubtype(actual, expected), actual == expected)
          << ToString(actual) << " as " << ToString(expected);
    }
    EXPECT_TRUE(relations.IsSubtype(ValueType::Bottom(), actual));
  }
}

TEST(TypeRelations, EqualDefinitionsAreOneType) {
  const std::vector<FunctionType> types = {
      {{ValueType::I32()}, {}},    // 0
      {{ValueType::I64()}, {}},    // 1
      {{ValueType::I32()}, {}},    // 2: as 0.
      {{Concrete(0, true)}, {}},   // 3
      {{Concrete(2, true)}, {}},   // 4: as 3.
      {{Concrete(2, false)}, {}},  // 5
      {{}, {Concrete(6, true)}},   // 6: names itself.
      {{}, {Concrete(7, true)}},   // 7: as 6.
      {{}, {Concrete(6, true)}},   // 8: names another.
      {{}, {ValueType::I32()}},    // 9: not as 0.
  };
  const TypeRelations relations(types, true);
  const auto same = [&](uint32_t a, uint32_t b) {
    return relations.IsSameType(TypeIndex{a}, TypeIndex{b});
  };
  EXPECT_TRUE(same(0, 2));
  EXPECT_FALSE(same(0, 1));
  EXPECT_TRUE(same(3, 4));
  EXPECT_FALSE(same(4, 5));
  EXPECT_TRUE(same(6, 7));
  EXPECT_FALSE(same(7, 8));
  EXPECT_FALSE(same(0, 9));
}

TEST(TypeRelations, ReferencesFollowNullabilityAndHierarchy) {
  const TypeRelations relations({{{ValueType::I32()}, {}}, {{ValueType::I32()}, {}}, {{}, {}}},
                                true);
  const auto fits = [&](ValueType actual, ValueType expected) {
    return relations.IsSubtype(actual, expected);
  };
  EXPECT_TRUE(fits(Concrete(0, false), Concrete(1, true)));
  EXPECT_FALSE(fits(Concrete(0, true), Concrete(1, false)));
  EXPECT_FALSE(fits(Concrete(0, true), Concrete(2, true)));
  EXPECT_TRUE(fits(Concrete(0, true), ValueType::FuncRef()));
  EXPECT_FALSE(fits(ValueType::FuncRef(), Concrete(0, true)));
  EXPECT_FALSE(fits(Concrete(0, true), ValueType::ExternRef()));
  EXPECT_TRUE(fits(ValueType::Ref(HeapType::kNoFunc, true), Concrete(2, true)));
  EXPECT_TRUE(fits(ValueType::Ref(HeapType::kNoExtern, true), ValueType::ExternRef()));
  EXPECT_TRUE(fits(ValueType::Ref(HeapType::kI31, false), ValueType::Ref(HeapType::kAny, true)));
  EXPECT_FALSE(fits(ValueType::Ref(HeapType::kAny, true), ValueType::Ref(HeapType::kEq, true)));
}

TEST(Types, AreWrittenAsInTheTextFormat) {
  EXPECT_EQ(ToString(ValueType::FuncRef()), "funcref");
  EXPECT_EQ(ToString(Concrete(3, true)), "(ref null 3)");
  EXPECT_EQ(ToString(ValueType::Ref(HeapType::kExtern, false)), "(ref extern)");
  EXPECT_EQ(ToString(FunctionType{{ValueType::I32(), ValueType::V128()}, {ValueType::F64()}}),
            "[i32 v128] -> [f64]");
  FunctionType wide;
  wide.params.assign(1000, ValueType::I32());
  EXPECT_LT(ToString(wide).size(), 200u);
}

}  // namespace
}  // namespace tidepool::engine::wasm
