#include "engine/support/byte_reader.h"

#include <vector>

#include "engine/support/byte_writer.h"
#include "gtest/gtest.h"

namespace tidepool {
namespace {

TEST(ByteReader, ReadsBackWhatAByteWriterWrote) {
  ByteWriter writer;
  writer.U8(7);
  writer.Fixed<uint32_t>(0x01020304);
  writer.VarU64(300);
  writer.VarS64(-5);
  writer.Text("abc");
  writer.Align(16);
  const std::vector<uint8_t> bytes = std::move(writer).Take();
  EXPECT_EQ(bytes.size() % 16, 0u);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.U8(), 7);
  EXPECT_EQ(reader.Fixed<uint32_t>(), 0x01020304u);
  EXPECT_EQ(reader.VarU32(), 300u);
  EXPECT_EQ(reader.VarS32(), -5);
  EXPECT_EQ(reader.Text(3), "abc");
  EXPECT_FALSE(reader.failed());
}

TEST(ByteReader, StaysFailedAfterTheFirstReadThatDoesNotFit) {
  const uint8_t bytes[] = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.U8(), 1);
  EXPECT_EQ(reader.Fixed<uint32_t>(), 0u);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.U8(), 0) << "bytes after a failed read must not be taken for the next field";
  EXPECT_EQ(reader.offset(), 1u);
  EXPECT_TRUE(reader.Bytes(1).empty());
}

TEST(ByteReader, ALengthLargerThanWhatIsThereDoesNotWrap) {
  const uint8_t bytes[] = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.Bytes(SIZE_MAX).empty());
  EXPECT_TRUE(reader.failed());
}

}  // namespace
}  // namespace tidepool
