#include "pool/memory/process_map.h"

#include <sys/mman.h>

#include "engine/platform/mapped_region.h"
#include "engine/support/units.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::tidepool::test::IsOk;

class ProcessMapTest : public ::testing::TestWithParam<bool> {
 protected:
  ProcessMapTest()
      : map_(*ProcessMap::Open(GetParam() ? KernelFeatures{} : ProbeKernelFeatures())) {}
  static uint64_t AddressOf(const MappedRegion& region) {
    return reinterpret_cast<uintptr_t>(region.base());
  }
  ProcessMap map_;
};

INSTANTIATE_TEST_SUITE_P(Features, ProcessMapTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "text" : "probed"; });

TEST_P(ProcessMapTest, TellsAccessOfEachMapping) {
  TP_ASSERT_OK_AND_ASSIGN(MappedRegion region, MappedRegion::Anonymous(3 * 4096, PROT_NONE));
  ASSERT_EQ(::mprotect(region.base() + 4096, 4096, PROT_READ | PROT_WRITE), 0);
  const uint64_t begin = AddressOf(region);
  TP_ASSERT_OK_AND_ASSIGN(const auto mappings, map_.MappingsOf(begin, begin + 3 * 4096));
  ASSERT_EQ(mappings.size(), 3u);
  EXPECT_FALSE(mappings[0].accessible());
  EXPECT_TRUE(mappings[1].readable && mappings[1].writable && !mappings[1].executable);
  EXPECT_FALSE(mappings[1].shared);
  EXPECT_EQ(mappings[1].inode, 0u);
  EXPECT_EQ(mappings[1].begin, begin + 4096);
  EXPECT_EQ(mappings[1].end, begin + 8192);
  EXPECT_FALSE(mappings[2].accessible());
}

TEST_P(ProcessMapTest, ShowsExactlyThePagesThatHoldSomething) {
  constexpr uint64_t kPages = 9000;  // More than one read of the pagemap.
  TP_ASSERT_OK_AND_ASSIGN(MappedRegion region,
                          MappedRegion::Anonymous(kPages * 4096, PROT_READ | PROT_WRITE));
  ASSERT_EQ(::madvise(region.base(), kPages * 4096, MADV_NOHUGEPAGE), 0);
  for (uint64_t page : {0, 1, 4095, 4096, 8999}) region.base()[page * 4096] = 1;
  std::vector<std::pair<uint64_t, uint64_t>> runs;
  const uint64_t begin = AddressOf(region);
  ASSERT_THAT(map_.ForEachPopulated(begin, begin + kPages * 4096, true,
                                    [&](uint64_t from, uint64_t to) {
                                      runs.emplace_back((from - begin) / 4096, (to - begin) / 4096);
                                      return absl::OkStatus();
                                    }),
              IsOk());
  EXPECT_EQ(runs, (std::vector<std::pair<uint64_t, uint64_t>>{{0, 2}, {4095, 4097}, {8999, 9000}}));
}

TEST(IsReadable, TellsWithoutFaulting) {
  TP_ASSERT_OK_AND_ASSIGN(MappedRegion closed, MappedRegion::Anonymous(4096, PROT_NONE));
  const uint8_t byte = 0;
  EXPECT_TRUE(IsReadable(&byte));
  EXPECT_FALSE(IsReadable(closed.base()));
}

}  // namespace
}  // namespace tidepool::pool
