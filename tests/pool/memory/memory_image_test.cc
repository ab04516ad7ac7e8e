#include "pool/memory/memory_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/support/units.h"
#include "tests/pool/support/failing_memory_ops.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class MemoryImageTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const MemoryImage>> Create(uint64_t initial_bytes,
                                                            std::vector<ImageExtent> extents) {
    return MemoryImage::Create(ops_, initial_bytes, extents);
  }
  FailingMemoryOps ops_;
  std::vector<uint8_t> page_ = std::vector<uint8_t>(4096, 0xAB);
};

TEST_F(MemoryImageTest, WithoutBytesItHasNoFile) {
  TP_ASSERT_OK_AND_ASSIGN(auto image, Create(3 * kWasmPageBytes, {}));
  EXPECT_FALSE(image->has_file());
  EXPECT_EQ(image->mapped_bytes(), 3 * kWasmPageBytes);
  EXPECT_EQ(image->present_bytes(), 0u);
  EXPECT_EQ(ops_.Counts().Total(), 0u);
}

// P15: the cost follows the bytes that are present, and bytes behind the last one are zero.
TEST_F(MemoryImageTest, IsSparseAndZeroBehindTheLastByteOfAPage) {
  const std::vector<uint8_t> few(10, 0xCD);
  TP_ASSERT_OK_AND_ASSIGN(auto image, Create(4 * kGiB, {{0, page_}, {4 * kGiB - 4096, few}}));
  struct stat file{};
  ASSERT_EQ(::fstat(image->fd(), &file), 0);
  EXPECT_EQ(static_cast<uint64_t>(file.st_size), 4 * kGiB);
  EXPECT_EQ(file.st_blocks * 512, 8192);
  EXPECT_EQ(image->present_bytes(), 8192u);
  ASSERT_EQ(image->extents().size(), 2u);
  const absl::Span<const uint8_t> last = image->extents()[1].bytes;
  ASSERT_EQ(last.size(), 4096u);
  EXPECT_EQ(last[9], 0xCD);
  for (size_t i = 10; i < 4096; ++i) ASSERT_EQ(last[i], 0);
}

TEST_F(MemoryImageTest, CannotBeChangedByAnyone) {
  TP_ASSERT_OK_AND_ASSIGN(auto image, Create(kWasmPageBytes, {{0, page_}}));
  EXPECT_LT(::pwrite(image->fd(), "x", 1, 0), 0);
  EXPECT_LT(::ftruncate(image->fd(), 0), 0);
  EXPECT_LT(::ftruncate(image->fd(), 1 << 20), 0);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, image->fd(), 0), MAP_FAILED);
  EXPECT_LT(::fcntl(image->fd(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
}

TEST_F(MemoryImageTest, RefusesExtentsThatDoNotFit) {
  EXPECT_THAT(Create(kWasmPageBytes, {{1, page_}}), StatusIs(kInvalid, HasSubstr("extent at 1 ")));
  EXPECT_THAT(Create(kWasmPageBytes, {{kWasmPageBytes, page_}}), StatusIs(kInvalid));
  EXPECT_THAT(Create(0, {{0, page_}}), StatusIs(kInvalid));
  EXPECT_THAT(Create(kWasmPageBytes, {{0, {}}}), StatusIs(kInvalid));
  EXPECT_THAT(Create(kWasmPageBytes, {{4096, page_}, {0, page_}}), StatusIs(kInvalid));
  EXPECT_THAT(Create(kWasmPageBytes, {{4096, page_}, {4096, page_}}), StatusIs(kInvalid));
  EXPECT_THAT(Create(UINT64_MAX, {}), StatusIs(kInvalid));
  EXPECT_THAT(Create(kWasmPageBytes, {{UINT64_MAX - 4095, page_}}), StatusIs(kInvalid));
}

TEST_F(MemoryImageTest, AFailedFileIsAnErrorAndLeavesNothing) {
  ops_.FailNext(MemoryCall::kCreateSealedFile, EMFILE);
  EXPECT_THAT(Create(kWasmPageBytes, {{0, page_}}),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace tidepool::pool
