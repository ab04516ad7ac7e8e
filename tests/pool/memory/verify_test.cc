#include "pool/memory/verify.h"

#include <sys/mman.h>

#include "tests/pool/memory/slot_fixture.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

// Each way of reading /proc: as this kernel allows, and as 6.1 does.
class VerifyTest : public ::testing::TestWithParam<bool> {
 protected:
  VerifyTest()
      : features_(GetParam() ? MaskKernelFeatures(ProbeKernelFeatures(), 6, 1)
                             : ProbeKernelFeatures()) {}

  void Start(Strategy strategy) {
    world_ = std::make_unique<SlotWorld>(strategy, 2, features_);
    slot_ = world_->pool().Take();
    ASSERT_THAT(slot_->Prepare(world_->Image(4 * kWasmPageBytes, {{0, 5000, 0x10},
                                                                 {kWasmPageBytes, 4096, 0x20}}),
                               8 * kWasmPageBytes),
                IsOk());
  }
  absl::Status Verify() { return world_->Verify(*slot_); }
  void TearDown() override {
    if (slot_ == nullptr) return;
    if (slot_->state() == SlotState::kLeased) slot_->Condemn();
    if (slot_->state() == SlotState::kClean) slot_->Condemn();
    EXPECT_THAT(slot_->Remap(), IsOk());
    world_->pool().Return(slot_);
    slot_ = nullptr;
  }

  KernelFeatures features_;
  std::unique_ptr<SlotWorld> world_;
  Slot* slot_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Features, VerifyTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "of_6_1" : "probed"; });

TEST_P(VerifyTest, NamesEveryChangedByteOfEachRegion) {
  struct Case {
    uint64_t byte;
    const char* text;
  };
  const Case cases[] = {
      {0, "image byte 0 is 0x55, expected is 0x10"},
      {4999, "image byte 4999 is 0x55, expected is 0x10"},
      {5000, "image byte 5000 is 0x55, expected is 0x00"},  // The cut-off last page of an extent.
      {8191, "image byte 8191 is 0x55"},
      {8192, "heap byte 8192 is 0x55, expected is 0x00"},
      {kWasmPageBytes - 1, "heap byte 65535 is 0x55"},
      {kWasmPageBytes + 4095, "image byte 69631 is 0x55, expected is 0x20"},
      {kWasmPageBytes + 4096, "heap byte 69632 is 0x55"},
      {4 * kWasmPageBytes - 1, "heap byte 262143 is 0x55"},
  };
  Start({GrowthKind::kFtruncate, ResetKind::kMadvise});
  for (const Case& c : cases) {
    ASSERT_THAT(Verify(), IsOk()) << c.text;
    slot_->base()[c.byte] = 0x55;  // Behind everybody's back.
    EXPECT_THAT(Verify(), StatusIs(kDataLoss, HasSubstr(c.text)));
    slot_->Lend();
    ASSERT_THAT(world_->Reset(*slot_), IsOk());
  }
}

TEST_P(VerifyTest, FindsADirtyPageThatWasSwappedOutOrPushedTowardsIt) {
  Start({GrowthKind::kFtruncate, ResetKind::kMadvise});
  slot_->base()[3 * kWasmPageBytes] = 1;
  constexpr int kMadvPageout = 21;
  ::madvise(slot_->base(), 4 * kWasmPageBytes, kMadvPageout);  // Without swap the page stays.
  EXPECT_THAT(Verify(), StatusIs(kDataLoss, HasSubstr("heap byte 196608 is 0x01")));
}

TEST_P(VerifyTest, NamesGrownMemoryThatIsStillAccessible) {
  for (GrowthKind growth : {GrowthKind::kFtruncate, GrowthKind::kMprotect}) {
    Start({growth, ResetKind::kMadvise});
    slot_->Lend();
    ASSERT_THAT(slot_->Grow(5 * kWasmPageBytes), IsOk());
    // As if a reset had forgotten all about growth: the claim is that of the image alone.
    const MemoryClaim claim{.base = slot_->base(),
                            .reservation_bytes = slot_->reservation_bytes(),
                            .open_bytes = slot_->image()->mapped_bytes(),
                            .image = slot_->image()};
    EXPECT_THAT(VerifyMemory(world_->map(), claim),
                StatusIs(kDataLoss, HasSubstr(growth == GrowthKind::kFtruncate
                                                  ? "grown bytes from 262144 on are still accessible"
                                                  : "bytes 262144 to 327680 are mapped rw-p")));
    TearDown();
  }
}

TEST_P(VerifyTest, NamesGrownBytesThatAreNotZeroWhereGrowthIsOpen) {
  Start({GrowthKind::kNone, ResetKind::kMadvise});
  ASSERT_THAT(Verify(), IsOk());
  slot_->base()[7 * kWasmPageBytes + 3] = 9;
  EXPECT_THAT(Verify(), StatusIs(kDataLoss, HasSubstr("grown byte 458755 is 0x09")));
}

TEST_P(VerifyTest, NamesAMappingOfAnotherFileEvenWhenEveryByteIsEqual) {
  Start({GrowthKind::kFtruncate, ResetKind::kMadvise});
  const auto twin = world_->Image(4 * kWasmPageBytes, {{0, 5000, 0x10}, {kWasmPageBytes, 4096, 0x20}});
  ASSERT_THAT(world_->ops().MapFile(slot_->base(), 4 * kWasmPageBytes, Access::kReadWrite,
                                    Sharing::kPrivate, twin->fd()),
              IsOk());
  EXPECT_THAT(Verify(), StatusIs(kDataLoss, AllOf(HasSubstr("bytes 0 to 262144"),
                                                  HasSubstr("expected is the module's image"))));
}

TEST_P(VerifyTest, NamesAccessThatIsMissingOrTooMuch) {
  Start({GrowthKind::kFtruncate, ResetKind::kMadvise});
  ASSERT_THAT(world_->ops().Protect(slot_->base() + 4096, 4096, Access::kRead), IsOk());
  EXPECT_THAT(Verify(), StatusIs(kDataLoss, HasSubstr("bytes 4096 to 8192 are mapped r--p")));
  ASSERT_THAT(world_->ops().Protect(slot_->base() + 4096, 4096, Access::kReadWrite), IsOk());
  ASSERT_THAT(Verify(), IsOk());
  const uint64_t last = slot_->reservation_bytes() - 4096;
  ASSERT_THAT(world_->ops().Protect(slot_->base() + last, 4096, Access::kReadWrite), IsOk());
  EXPECT_THAT(Verify(), StatusIs(kDataLoss, HasSubstr("expected is no access")));
}

TEST_P(VerifyTest, NamesAHoleInTheReservation) {
  Start({GrowthKind::kFtruncate, ResetKind::kMadvise});
  ASSERT_EQ(::munmap(slot_->base() + kMiB, 8192), 0);
  EXPECT_THAT(Verify(), StatusIs(kDataLoss, HasSubstr("nothing is mapped at byte 1048576")));
}

TEST_P(VerifyTest, DoesNotFillTheHolesOfASparseImage) {
  Start({GrowthKind::kFtruncate, ResetKind::kMadvise});
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Verify(), IsOk());
  uint64_t pages = 0;
  const auto base = reinterpret_cast<uintptr_t>(slot_->base());
  ASSERT_THAT(world_->map().ForEachPopulated(base, base + 4 * kWasmPageBytes, true,
                                             [&](uint64_t begin, uint64_t end) {
                                               pages += (end - begin) / kHostPageBytes;
                                               return absl::OkStatus();
                                             }),
              IsOk());
  EXPECT_EQ(pages, 0u) << "a proof makes no private page";
}

}  // namespace
}  // namespace tidepool::pool
