// Attacks on reuse, after ../shared/conformance/security.md (P1 to P13), in every mode.  Each lease's
// reset is proved too (verify_rate 1).

#include <dirent.h>

#include <fstream>

#include "engine/runtime/guest_thread.h"
#include "tests/pool/instance/pool_fixture.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::engine::TrapCode;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;

class AttacksTest : public PoolModeTest {};

INSTANTIATE_TEST_SUITE_P(Modes, AttacksTest, ::testing::ValuesIn(AllModes()), NameOfMode);

// P1: with an image, without, another of the same size, one that starts high, one that ends at the
// very end; in every order of three, between two tenants, on the only slot.
TEST_P(AttacksTest, P1_NoByteOfAnOlderImageIsSeen) {
  PoolWorld world = Make(1);
  const Guest guests[] = {
      {.initial_wasm_pages = 2, .data = {{0, 0xA1, 9000}}},
      {.initial_wasm_pages = 2, .data = {}},
      {.initial_wasm_pages = 2, .data = {{100, 0xB2, 3}, {70'000, 0xB3, 100}}},
      {.initial_wasm_pages = 3, .data = {{196'608 - 4096, 0xC4, 4096}}},
  };
  std::vector<Module> modules;
  for (const Guest& guest : guests) modules.push_back(world.Compile(guest));
  for (size_t i = 0; i < 64; ++i) {
    for (size_t which : {i / 16, i / 4 % 4, i % 4}) {
      const Lease lease = world.MustTake(i % 2 == 0 ? kAlice : kBob, modules[which]);
      ASSERT_TRUE(world.LooksNew(lease, guests[which])) << "sequence " << i << " guest " << which;
      world.Scribble(lease, 0xEE);
    }
  }
  EXPECT_EQ(world.pool().stats().verifications_failed, 0u);
  EXPECT_TRUE(world.Balances());
}

// P2: what an earlier, larger instance could reach, a smaller one cannot.
TEST_P(AttacksTest, P2_AccessIsWithdrawnWithTheContents) {
  PoolWorld world = Make(1);
  const Guest large{.initial_wasm_pages = 4, .wasm_pages_max = 16};
  const Guest small{.initial_wasm_pages = 1, .wasm_pages_max = 2};
  const Module large_module = world.Compile(large);
  const Module small_module = world.Compile(small);
  for (const TenantId next : {kAlice, kBob}) {
    {
      const Lease lease = world.MustTake(kAlice, large_module);
      ASSERT_EQ(world.Call(lease, "grow", {12}), 4);
      world.Call(lease, "fill", {0, 0x77, 16 * 65'536});
    }
    const Lease lease = world.MustTake(next, small_module);
    for (const int32_t at : {65'536, 4 * 65'536 - 1, 4 * 65'536, 16 * 65'536 - 1, 16 * 65'536}) {
      EXPECT_EQ(world.TrapOf(lease, "load", {at}), TrapCode::kMemoryOutOfBounds) << at;
      EXPECT_EQ(world.TrapOf(lease, "store", {at, 1}), TrapCode::kMemoryOutOfBounds) << at;
    }
    EXPECT_TRUE(world.LooksNew(lease, small));
    EXPECT_EQ(world.Call(lease, "grow", {2}), -1) << "beyond its own maximum";
  }
}

// P3: over generations, and after a grow that failed.
TEST_P(AttacksTest, P3_PagesGrownIntoAgainAreZero) {
  PoolWorld world = Make(1);
  const Guest guest{.initial_wasm_pages = 1, .wasm_pages_max = 16, .data = {{0, 1, 70}}};
  const Module module = world.Compile(guest);
  for (int generation = 0; generation < 5; ++generation) {
    const Lease lease = world.MustTake(kAlice, module);
    ASSERT_TRUE(world.LooksNew(lease, guest));
    if (generation == 2) {
      for (const MemoryCall call : {MemoryCall::kTruncate, MemoryCall::kProtect}) {
        world.ops().FailNext(call);
        if (world.Call(lease, "grow", {1}) != -1) break;
      }
      world.ops().Heal();
    }
    while (lease.instance().Memory().size() < 10 * kWasmPageBytes) {
      const size_t old_bytes = lease.instance().Memory().size();
      ASSERT_NE(world.Call(lease, "grow", {1 + generation}), -1);
      const absl::Span<const uint8_t> memory = lease.instance().Memory();
      for (size_t at = old_bytes; at < memory.size(); ++at) ASSERT_EQ(memory[at], 0) << at;
      world.Call(lease, "fill", {0, 0x40 + generation, static_cast<int32_t>(memory.size())});
    }
  }
}

// P4: every system call of a reset fails in turn; the slot is quarantined and counted, the next
// tenant waits or gets a slot that was remapped.
TEST_P(AttacksTest, P4_EveryFailedResetCallQuarantines) {
  const Guest guest{.initial_wasm_pages = 2, .data = {{0, 9, 5000}}};
  uint64_t calls = 0;
  for (bool failed = true; failed; ++calls) {
    PoolWorld world = Make(1);
    const Module module = world.Compile(guest);
    Lease lease = world.MustTake(kAlice, module);
    world.Scribble(lease, 0xEE);
    world.ops().FailAfter(calls);
    const LeaseReceipt receipt = lease.End();
    failed = !receipt.status.ok();
    EXPECT_EQ(receipt.quarantined, failed);
    world.ops().Heal();
    const PoolStats stats = world.pool().stats();
    EXPECT_EQ(stats.slots.quarantined, failed ? 1u : 0u);
    EXPECT_EQ(stats.quarantined_by_reset, failed ? 1u : 0u);
    EXPECT_EQ(stats.resets_failed, failed ? 1u : 0u);
    EXPECT_TRUE(world.Balances());
    if (failed) {
      world.ops().FailAlways(MemoryCall::kMapAnonymous);  // Nor can it be remapped.
      EXPECT_THAT(world.Take(kBob, module),
                  StatusIs(absl::StatusCode::kUnavailable, HasSubstr("1 of them in quarantine")));
      world.ops().Heal();
    }
    const Lease next = world.MustTake(kBob, module);
    EXPECT_TRUE(world.LooksNew(next, guest));
    EXPECT_EQ(world.pool().stats().slots.quarantined, 0u);
    EXPECT_TRUE(world.Balances());
  }
  EXPECT_GE(calls, 2u);
}

// P4, where storage passes to another tenant: unmapping may fail too.
TEST_P(AttacksTest, P4_EveryFailedCallOfATenantSwitchIsSurvived) {
  const Guest guest{.initial_wasm_pages = 2, .data = {{0, 9, 5000}}};
  for (uint64_t n = 0; n < 24; ++n) {
    PoolWorld world = Make(1);
    const Module module = world.Compile(guest);
    {
      const Lease lease = world.MustTake(kAlice, module);
      world.Scribble(lease, 0xEE);
    }
    world.ops().FailAfter(n);
    {
      const absl::StatusOr<Lease> lease = world.Take(kBob, module);
      if (lease.ok()) {
        EXPECT_TRUE(world.LooksNew(*lease, guest)) << n;
        world.Scribble(*lease, 0xDD);
      } else {
        EXPECT_THAT(lease, StatusIs(absl::StatusCode::kUnavailable)) << n;
      }
    }
    world.ops().Heal();
    const Lease lease = world.MustTake(TenantId{3}, module);
    EXPECT_TRUE(world.LooksNew(lease, guest)) << n;
    EXPECT_TRUE(world.Balances()) << n;
  }
}

uint64_t CountOpenFiles() {
  uint64_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

uint64_t CountMappings() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<uint64_t>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
}

// P5 and P6: instantiation fails after each of its steps, again and again.
TEST_P(AttacksTest, P5_AFailedInstantiationLeavesNothingAndLosesNothing) {
  PoolWorld world = Make(1);
  const Guest good{.initial_wasm_pages = 2, .data = {{0, 3, 100}}};
  const Guest large{.initial_wasm_pages = 8, .table_elements = 60};
  const Module good_module = world.Compile(good);
  const Module large_module = world.Compile(large);
  const Module out_of_bounds =
      world.Compile(Guest{.data = {{0, 0xBB, 4096}}, .imported_offset = 65'530});
  const Module traps = world.Compile(Guest{.data = {{0, 0xCC, 9}}, .start = Guest::Start::kTraps});
  const Module spins = world.Compile(Guest{.data = {{0, 0xDD, 9}}, .start = Guest::Start::kSpins});
  KillHandler killer;

  const auto round = [&] {
    EXPECT_THAT(world.Take(kBob, large_module, {.memory_bytes_max = 7 * kWasmPageBytes}),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("memory_bytes_max")));
    EXPECT_THAT(world.Take(kBob, large_module, {.table_elements_max = 59}),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("table_elements_max")));
    EXPECT_EQ(world.MustTake(kBob, out_of_bounds).start_trap()->code, TrapCode::kMemoryOutOfBounds);
    EXPECT_EQ(world.MustTake(kBob, traps).start_trap()->code, TrapCode::kUnreachable);
    world.activation().set_handler(&killer);
    engine::GuestThread::Current().RequestAttention();
    EXPECT_EQ(world.MustTake(kBob, spins).start_trap()->code, TrapCode::kInterrupted);
    world.activation().set_handler(nullptr);
    for (uint64_t n = 0; n < 12; ++n) {
      world.ops().FailAfter(n);
      const absl::StatusOr<Lease> lease = world.Take(kBob, large_module);
      if (!lease.ok()) EXPECT_THAT(lease, StatusIs(absl::StatusCode::kUnavailable));
      world.ops().Heal();
    }
    const Lease lease = world.MustTake(kAlice, good_module);
    EXPECT_TRUE(world.LooksNew(lease, good));
    world.Scribble(lease, 0xEE);
  };

  round();
  const uint64_t files = CountOpenFiles();
  const uint64_t mappings = CountMappings();
  const uint64_t charged = world.pool().stats().charged_bytes;
  for (int i = 0; i < 20; ++i) round();
  EXPECT_EQ(CountOpenFiles(), files);
  EXPECT_LE(CountMappings(), mappings + 2);  // The allocator may map a little.
  EXPECT_EQ(world.pool().stats().charged_bytes, charged);
  EXPECT_EQ(world.pool().stats().verifications_failed, 0u);
  EXPECT_TRUE(world.Balances());
}

// P7
TEST_P(AttacksTest, P7_AMemoryOfZeroPagesAndALimitOfZeroAreOrdinaryMemories) {
  PoolWorld world = Make(1);
  const Module none = world.Compile(Guest{.initial_wasm_pages = 0, .wasm_pages_max = 0});
  const Module growable = world.Compile(Guest{.initial_wasm_pages = 0, .wasm_pages_max = 4});
  for (int i = 0; i < 2; ++i) {
    const Lease lease = world.MustTake(kAlice, none);
    EXPECT_EQ(world.TrapOf(lease, "load", {0}), TrapCode::kMemoryOutOfBounds);
    EXPECT_EQ(world.Call(lease, "grow", {1}), -1);
    EXPECT_EQ(world.Call(lease, "grow", {0}), 0);
  }
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<Lease> lease = world.Take(kAlice, growable, {.memory_bytes_max = 0});
    ASSERT_THAT(lease, IsOk());
    EXPECT_EQ(world.TrapOf(*lease, "store", {0, 1}), TrapCode::kMemoryOutOfBounds);
    EXPECT_EQ(world.Call(*lease, "grow", {1}), -1);
    EXPECT_EQ(lease->store().refusals().memory_bytes, kWasmPageBytes);
  }
  const Lease lease = world.MustTake(kAlice, growable);
  EXPECT_EQ(world.Call(lease, "grow", {1}), 0) << "limits are those of the lease";
  EXPECT_EQ(world.TrapOf(lease, "store", {65'535, 1}), TrapCode::kNone);
}

// P9: instances end in another order than they began.
TEST_P(AttacksTest, P9_ExactlyTheSlotThatWasReleasedIsReset) {
  PoolWorld world = Make(3);
  const Guest guest{.initial_wasm_pages = 1, .data = {{0, 5, 10}}};
  const Module module = world.Compile(guest);
  for (const std::vector<int>& order : {std::vector<int>{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
    std::vector<std::optional<Lease>> leases(3);
    for (int i = 0; i < 3; ++i) {
      leases[static_cast<size_t>(i)].emplace(world.MustTake(kAlice, module));
      world.Scribble(*leases[static_cast<size_t>(i)], static_cast<uint8_t>(0x10 + i));
    }
    for (const int ended : order) {
      leases[static_cast<size_t>(ended)].reset();
      for (size_t i = 0; i < 3; ++i) {
        if (!leases[i].has_value()) continue;
        EXPECT_EQ(world.Call(*leases[i], "load", {1}), static_cast<int32_t>(0x10 + i));
        EXPECT_EQ(world.Call(*leases[i], "global_get"), static_cast<int32_t>(0x10 + i));
      }
    }
  }
}

// P11 and P12: tables, globals, segments; a second instance behaves like the first.
TEST_P(AttacksTest, P11_P12_AllOtherStateIsNewToo) {
  PoolWorld world = Make(1);
  const Guest guest{.data = {{0, 5, 10}}, .start = Guest::Start::kWritesMemoryAndGlobal};
  const Module module = world.Compile(guest);
  for (const TenantId tenant : {kAlice, kAlice, kBob, kAlice, kBob, kBob}) {
    const Lease lease = world.MustTake(tenant, module);
    ASSERT_TRUE(world.LooksNew(lease, guest));
    EXPECT_EQ(world.TrapOf(lease, "data_init", {20}), TrapCode::kNone) << "not dropped";
    EXPECT_EQ(world.Call(lease, "load", {20}), 'P');
    EXPECT_EQ(world.TrapOf(lease, "elem_init", {3}), TrapCode::kNone) << "not dropped";
    EXPECT_EQ(world.Call(lease, "table_call", {3}), 7);
    world.Scribble(lease, 0xEE);
    EXPECT_EQ(world.Call(lease, "table_size"), 11);
    EXPECT_EQ(world.Call(lease, "table_call", {10}), 7);
    EXPECT_NE(world.TrapOf(lease, "data_init", {20}), TrapCode::kNone) << "dropped now";
    EXPECT_NE(world.TrapOf(lease, "elem_init", {3}), TrapCode::kNone) << "dropped now";
  }
  EXPECT_EQ(world.pool().stats().verifications_failed, 0u);
}

TEST_P(AttacksTest, TrapsAndOverflowsEndLeasesLikeReturns) {
  PoolWorld world = Make(1);
  const Guest guest{.initial_wasm_pages = 1, .data = {{0, 5, 10}}};
  const Module module = world.Compile(guest);
  for (int i = 0; i < 6; ++i) {
    Lease lease = world.MustTake(kAlice, module);
    ASSERT_TRUE(world.LooksNew(lease, guest));
    EXPECT_EQ(lease.warm(), i > 0);
    world.Scribble(lease, 0x33);
    if (i % 2 == 0) {
      EXPECT_EQ(world.TrapOf(lease, "recurse", {1}), TrapCode::kStackOverflow);
    } else {
      EXPECT_EQ(world.TrapOf(lease, "load", {-1}), TrapCode::kMemoryOutOfBounds);
    }
    const LeaseReceipt receipt = lease.End();
    EXPECT_THAT(receipt.status, IsOk());
    EXPECT_TRUE(receipt.kept_warm && receipt.verified);
  }
}

}  // namespace
}  // namespace tidepool::pool
