#include "engine/wasm/utf8.h"

#include "gtest/gtest.h"

namespace tidepool::engine::wasm {
namespace {

TEST(Utf8, AcceptsEachLength) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("plain ascii, longer than eight bytes"));
  EXPECT_TRUE(IsValidUtf8("\xC2\x80 \xDF\xBF"));
  EXPECT_TRUE(IsValidUtf8("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"));
  EXPECT_TRUE(IsValidUtf8("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesWhatIsNoCharacter) {
  for (const char* text : {"\x80",
                           "\xC0\x80",
                           "\xC1\xBF",
                           "\xE0\x9F\xBF",
                           "\xED\xA0\x80",
                           "\xF0\x8F\xBF\xBF",
                           "\xF4\x90\x80\x80",
                           "\xF5\x80\x80\x80",
                           "\xFF",
                           "\xE2\x28\xA1",
                           "\xE2\x82\x28",
                           "12345678\xC2"}) {
    EXPECT_FALSE(IsValidUtf8(text)) << text;
  }
}

TEST(Utf8, RefusesSequencesThatAreCutOff) {
  EXPECT_FALSE(IsValidUtf8("\xC2"));
  EXPECT_FALSE(IsValidUtf8("\xE2\x82"));
  EXPECT_FALSE(IsValidUtf8("\xF0\x90\x80"));
}

}  // namespace
}  // namespace tidepool::engine::wasm
