#include "engine/platform/memfd.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "engine/platform/mapped_region.h"
#include "gtest/gtest.h"

namespace tidepool {
namespace {

TEST(Memfd, ASealedOneHoldsItsExtentsAndZerosBetweenThem) {
  const std::vector<uint8_t> first(10, 1);
  const std::vector<uint8_t> second(10, 2);
  const FileExtent extents[] = {{4096, first}, {1 << 20, second}};
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("test", 2 << 20, extents);
  ASSERT_TRUE(fd.ok()) << fd.status();
  absl::StatusOr<MappedRegion> region = MappedRegion::File(fd->get(), 2 << 20);
  ASSERT_TRUE(region.ok());
  EXPECT_EQ(region->base()[4096], 1);
  EXPECT_EQ(region->base()[4106], 0);
  EXPECT_EQ(region->base()[(1 << 20) + 9], 2);
  struct stat facts;
  ASSERT_EQ(::fstat(fd->get(), &facts), 0);
  EXPECT_LE(facts.st_blocks * 512, 4 * 4096) << "the gap between the extents costs nothing";
}

TEST(Memfd, NobodyChangesASealedOne) {
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("test", 8192, {});
  ASSERT_TRUE(fd.ok());
  EXPECT_EQ(::pwrite(fd->get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(fd->get(), 4096), -1);
  EXPECT_EQ(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0), MAP_FAILED);
}

}  // namespace
}  // namespace tidepool
