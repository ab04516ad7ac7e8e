#include "engine/abi/calling_convention.h"

#include "gtest/gtest.h"

namespace tidepool::engine::abi {
namespace {

using Kind = Location::Kind;

TEST(CallingConvention, ParametersTakeRegistersFirstAndSlotsInOrder) {
  ParameterAssigner assigner;
  for (uint32_t i = 0; i < kIntegerParameterCount; ++i) {
    const Location location = assigner.Next(RegisterClass::kInteger);
    EXPECT_EQ(location.kind, Kind::kIntegerRegister);
    EXPECT_EQ(location.number, i);
  }
  const Location first_slot = assigner.Next(RegisterClass::kInteger);
  EXPECT_EQ(first_slot.kind, Kind::kArgumentArea);
  EXPECT_EQ(first_slot.number, 0u);
  for (uint32_t i = 0; i < kVectorParameterCount; ++i) {
    EXPECT_EQ(assigner.Next(RegisterClass::kVector).kind, Kind::kVectorRegister) << i;
  }
  EXPECT_EQ(assigner.Next(RegisterClass::kVector).number, 1u) << "slots are shared by both classes";
  EXPECT_EQ(assigner.area_slots(), 2u);
}

TEST(CallingConvention, ResultsTakeOneRegisterOfEachClass) {
  ResultAssigner assigner;
  EXPECT_EQ(assigner.Next(RegisterClass::kVector).kind, Kind::kVectorRegister);
  EXPECT_EQ(assigner.Next(RegisterClass::kInteger).kind, Kind::kIntegerRegister);
  EXPECT_EQ(assigner.Next(RegisterClass::kInteger).kind, Kind::kArgumentArea);
  EXPECT_EQ(assigner.Next(RegisterClass::kVector).number, 1u);
}

}  // namespace
}  // namespace tidepool::engine::abi
