#include "engine/support/sha256.h"

#include "gtest/gtest.h"

namespace tidepool {
namespace {

// FIPS 180-4's example message.
TEST(Sha256, MatchesTheStandardsExample) {
  const uint8_t abc[] = {'a', 'b', 'c'};
  EXPECT_EQ(HexOf(Sha256(abc)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace tidepool
