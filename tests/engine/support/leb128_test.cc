#include "engine/support/leb128.h"

#include <limits>
#include <vector>

#include "engine/support/byte_writer.h"
#include "gtest/gtest.h"

namespace tidepool {
namespace {

template <int kBits>
bool Unsigned(const std::vector<uint8_t>& bytes, uint64_t* value) {
  return ReadUnsignedLeb128<kBits>(bytes.data(), bytes.data() + bytes.size(), value) ==
         bytes.data() + bytes.size();
}
template <int kBits>
bool Signed(const std::vector<uint8_t>& bytes, int64_t* value) {
  return ReadSignedLeb128<kBits>(bytes.data(), bytes.data() + bytes.size(), value) ==
         bytes.data() + bytes.size();
}

TEST(Leb128, ReadsBackWhatAWriterWrites) {
  for (int shift = 0; shift < 64; ++shift) {
    for (int64_t delta : {-1, 0, 1}) {
      const uint64_t value = (uint64_t{1} << shift) + static_cast<uint64_t>(delta);
      ByteWriter unsigned_writer;
      unsigned_writer.VarU64(value);
      uint64_t read = 0;
      EXPECT_TRUE(Unsigned<64>(std::move(unsigned_writer).Take(), &read));
      EXPECT_EQ(read, value);
      for (const int64_t number : {static_cast<int64_t>(value), -static_cast<int64_t>(value / 2)}) {
        ByteWriter signed_writer;
        signed_writer.VarS64(number);
        int64_t read_signed = 0;
        EXPECT_TRUE(Signed<64>(std::move(signed_writer).Take(), &read_signed));
        EXPECT_EQ(read_signed, number);
      }
    }
  }
}

TEST(Leb128, TakesPaddingUpToTheLastByteThatFits) {
  uint64_t value = 1;
  EXPECT_TRUE(Unsigned<32>({0x80, 0x80, 0x80, 0x80, 0x00}, &value));
  EXPECT_EQ(value, 0u);
  EXPECT_FALSE(Unsigned<32>({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, &value));
  int64_t number = 0;
  EXPECT_TRUE(Signed<32>({0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, &number));
  EXPECT_EQ(number, -1);
}

TEST(Leb128, RefusesBitsBeyondTheType) {
  uint64_t value = 0;
  EXPECT_FALSE(Unsigned<32>({0xFF, 0xFF, 0xFF, 0xFF, 0x1F}, &value));
  EXPECT_TRUE(Unsigned<32>({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, &value));
  int64_t number = 0;
  EXPECT_FALSE(Signed<32>({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, &number)) << "sign bit and unused bits differ";
  EXPECT_FALSE(Signed<32>({0x80, 0x80, 0x80, 0x80, 0x70}, &number)) << "unused bits without the sign bit";
  EXPECT_TRUE(Signed<32>({0x80, 0x80, 0x80, 0x80, 0x78}, &number));
  EXPECT_EQ(number, std::numeric_limits<int32_t>::min());
  EXPECT_FALSE(Signed<33>({0xFF, 0xFF, 0xFF, 0xFF, 0x2F}, &number));
}

TEST(Leb128, RefusesWhatIsCutOff) {
  uint64_t value = 0;
  const uint8_t bytes[] = {0x80, 0x80};
  EXPECT_EQ(ReadUnsignedLeb128<64>(bytes, bytes + 2, &value), nullptr);
  EXPECT_EQ(ReadUnsignedLeb128<64>(bytes, bytes, &value), nullptr);
}

}  // namespace
}  // namespace tidepool
