// One byte or entry of each region is changed behind everybody's back while storage waits, clean and
// warm; the proof must name it, and the storage must never be lent again.

#include <cstring>

#include "engine/abi/vm_context.h"
#include "engine/runtime/instance.h"
#include "pool/memory/slot_pool.h"
#include "tests/pool/instance/pool_fixture.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

class VerifyStateTest : public PoolModeTest {
 protected:
  // Calls `change` with instance and module after the reset, and expects the proof to say `text`.
  template <typename Change>
  void ExpectNamed(const char* text, Change change) {
    PoolWorld world = Make(1);
    const Guest guest{.initial_wasm_pages = 2, .data = {{0, 9, 5000}}};
    const Module module = world.Compile(guest);
    engine::abi::VmContext* context = nullptr;
    uint8_t* memory = nullptr;
    {
      const Lease lease = world.MustTake(kAlice, module);
      context = lease.instance().context();
      memory = lease.instance().Memory().data();
      world.Scribble(lease, 0xEE);
    }
    ASSERT_THAT(world.pool().VerifyIdle(), IsOk());
    const engine::abi::VmContextLayout layout(module->info().counts);
    change(reinterpret_cast<uint8_t*>(context), layout, memory);
    EXPECT_THAT(world.pool().VerifyIdle(), StatusIs(kDataLoss, HasSubstr(text)));
    const PoolStats stats = world.pool().stats();
    EXPECT_EQ(stats.verifications_failed, 1u);
    EXPECT_EQ(stats.quarantined_by_verify, 1u);
    EXPECT_EQ(stats.slots.quarantined, 1u);
    EXPECT_TRUE(world.Balances());
    const Lease next = world.MustTake(kAlice, module);  // Through a remap.
    EXPECT_FALSE(next.warm());
    EXPECT_TRUE(world.LooksNew(next, guest));
    EXPECT_EQ(world.pool().stats().remaps, 1u);
  }
};

INSTANTIATE_TEST_SUITE_P(Modes, VerifyStateTest, ::testing::ValuesIn(AllModes()), NameOfMode);

using Layout = engine::abi::VmContextLayout;

TEST_P(VerifyStateTest, NamesAnImageByte) {
  ExpectNamed("image byte 4999 is 0x01", [](uint8_t*, const Layout&, uint8_t* memory) {
    memory[4999] = 1;
  });
}

TEST_P(VerifyStateTest, NamesAHeapByte) {
  ExpectNamed("heap byte 131071 is 0x01", [](uint8_t*, const Layout&, uint8_t* memory) {
    memory[131'071] = 1;
  });
}

TEST_P(VerifyStateTest, NamesATableEntry) {
  ExpectNamed("table 0 entry 5", [](uint8_t* state, const Layout& layout, uint8_t*) {
    auto* table = reinterpret_cast<engine::abi::TableRecord*>(state + layout.TableRecord(0));
    table->entries[5] = table->entries[1];
  });
}

TEST_P(VerifyStateTest, NamesATableEntryBehindTheTablesEnd) {
  ExpectNamed("table 0 entry 20", [](uint8_t* state, const Layout& layout, uint8_t*) {
    reinterpret_cast<engine::abi::TableRecord*>(state + layout.TableRecord(0))->entries[20] = 1;
  });
}

TEST_P(VerifyStateTest, NamesATablesSize) {
  ExpectNamed("table 0 record", [](uint8_t* state, const Layout& layout, uint8_t*) {
    ++reinterpret_cast<engine::abi::TableRecord*>(state + layout.TableRecord(0))->count;
  });
}

TEST_P(VerifyStateTest, NamesAGlobal) {
  ExpectNamed("global 0", [](uint8_t* state, const Layout& layout, uint8_t*) {
    ++reinterpret_cast<engine::abi::GlobalCell*>(state + layout.Global(0))->low;
  });
}

TEST_P(VerifyStateTest, NamesTheVmContext) {
  ExpectNamed("VmContext", [](uint8_t* state, const Layout&, uint8_t*) { state[16] ^= 8; });
}

TEST_P(VerifyStateTest, NamesAMemorySize) {
  ExpectNamed("memory 0 size", [](uint8_t* state, const Layout& layout, uint8_t*) {
    reinterpret_cast<engine::abi::MemoryRecord*>(state + layout.MemoryRecord(0))->bytes += 65'536;
  });
}

TEST_P(VerifyStateTest, NamesADataSegmentFlag) {
  ExpectNamed("data segment 0 flag", [](uint8_t* state, const Layout& layout, uint8_t*) {
    state[layout.DataDropped(0)] ^= 1;
  });
}

TEST_P(VerifyStateTest, NamesAnElementSegmentFlag) {
  ExpectNamed("element segment 2 flag", [](uint8_t* state, const Layout& layout, uint8_t*) {
    state[layout.ElementDropped(2)] ^= 1;
  });
}

// The same through the reset's own proof: a kernel whose calls say OK and do nothing.
class LyingOps final : public MemoryOps {
 public:
  explicit LyingOps(MemoryCall lie) : lie_(lie) {}
  bool lying = false;

  absl::StatusOr<uint8_t*> Reserve(uint64_t bytes) override { return kernel_.Reserve(bytes); }
  absl::Status MapFile(uint8_t* at, uint64_t bytes, Access access, Sharing sharing,
                       int fd) override {
    return kernel_.MapFile(at, bytes, access, sharing, fd);
  }
  absl::Status MapAnonymous(uint8_t* at, uint64_t bytes, Access access) override {
    return kernel_.MapAnonymous(at, bytes, access);
  }
  absl::Status Protect(uint8_t* at, uint64_t bytes, Access access) override {
    return Lies(MemoryCall::kProtect) ? absl::OkStatus() : kernel_.Protect(at, bytes, access);
  }
  absl::Status Discard(uint8_t* at, uint64_t bytes) override {
    return Lies(MemoryCall::kDiscard) ? absl::OkStatus() : kernel_.Discard(at, bytes);
  }
  absl::Status Advise(uint8_t* at, uint64_t bytes, int advice) override {
    return kernel_.Advise(at, bytes, advice);
  }
  absl::Status Truncate(int fd, uint64_t bytes) override {
    return Lies(MemoryCall::kTruncate) ? absl::OkStatus() : kernel_.Truncate(fd, bytes);
  }
  absl::StatusOr<UniqueFd> CreateFile(const char* name) override { return kernel_.CreateFile(name); }
  absl::StatusOr<UniqueFd> CreateSealedFile(const char* name, uint64_t bytes,
                                            absl::Span<const FileExtent> extents) override {
    return kernel_.CreateSealedFile(name, bytes, extents);
  }
  void Unmap(uint8_t* at, uint64_t bytes) override { kernel_.Unmap(at, bytes); }
  MemoryCallCounts Counts() const override { return kernel_.Counts(); }

 private:
  bool Lies(MemoryCall call) const { return lying && call == lie_; }
  const MemoryCall lie_;
  KernelMemoryOps kernel_;
};

TEST(VerifyReset, FindsWhatAResetThatReportedSuccessLeftBehind) {
  struct Case {
    GrowthKind growth;
    MemoryCall lie;
    const char* text;
  };
  const Case cases[] = {
      {GrowthKind::kFtruncate, MemoryCall::kDiscard, "image byte 0 is 0x55"},
      {GrowthKind::kFtruncate, MemoryCall::kTruncate, "grown bytes from 131072 on are still accessible"},
      {GrowthKind::kMprotect, MemoryCall::kProtect, "bytes 131072 to 196608 are mapped rw-p"},
  };
  for (const Case& c : cases) {
    LyingOps ops(c.lie);
    Ledger ledger;
    const SlotContext context{ops, GrowthStrategyOf(c.growth), ResetStrategyOf(ResetKind::kMadvise),
                              ledger};
    TP_ASSERT_OK_AND_ASSIGN(const SlabLayout layout, SlabLayout::Plan({1, 4 * kMiB}));
    TP_ASSERT_OK_AND_ASSIGN(const auto slots, SlotPool::Create(context, layout));
    Slot* slot = slots->Take();
    const std::vector<uint8_t> bytes(100, 0x10);
    const ImageExtent extent{0, bytes};
    TP_ASSERT_OK_AND_ASSIGN(auto image, MemoryImage::Create(ops, 2 * kWasmPageBytes, {&extent, 1}));
    ASSERT_THAT(slot->Prepare(image, 8 * kWasmPageBytes), IsOk());
    slot->Lend();
    ASSERT_THAT(slot->Grow(3 * kWasmPageBytes), IsOk());
    std::memset(slot->base(), 0x55, slot->accessible_bytes());
    ops.lying = true;
    ASSERT_THAT(slot->BeginReset(), IsOk());
    TP_ASSERT_OK_AND_ASSIGN(const ProcessMap map, ProcessMap::Open(ProbeKernelFeatures()));
    EXPECT_THAT(VerifyMemory(map, slot->ClaimOf()), StatusIs(kDataLoss, HasSubstr(c.text)));
    slot->EndReset(false);
    ops.lying = false;
    ASSERT_THAT(slot->Remap(), IsOk());
    slots->Return(slot);
  }
}

}  // namespace
}  // namespace tidepool::pool
