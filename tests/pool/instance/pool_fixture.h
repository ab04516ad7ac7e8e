// A pool over a kernel that fails on order, and real modules compiled for it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/baseline/baseline_backend.h"
#include "engine/compiler/compile.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/call.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/support/units.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pool/instance/instance_pool.h"
#include "tests/pool/support/failing_memory_ops.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::pool {

using Module = std::shared_ptr<const engine::Module>;
using Imports = std::shared_ptr<const engine::ImportBindings>;

inline constexpr TenantId kAlice{1};
inline constexpr TenantId kBob{2};

// One way to run a pool: every attack is tried in each.
struct Mode {
  GrowthKind growth = GrowthKind::kFtruncate;
  ResetKind reset = ResetKind::kMadvise;
  engine::Bounds bounds = engine::Bounds::kGuard;
  bool as_6_1 = false;  // With the kernel features of Linux 6.1 alone.
};
std::vector<Mode> AllModes();
std::string NameOfMode(const ::testing::TestParamInfo<Mode>& info);

// A guest that can do anything to its own storage.  Exports: load(at), store(at, value), grow(pages),
// size(), fill(at, value, bytes), table_set(i), table_is_null(i), table_call(i), table_grow(n),
// table_size(), global_set(value), global_get(), data_init(at), data_drop(), elem_init(i),
// elem_drop(), recurse(depth), spin().
struct Guest {
  uint64_t initial_wasm_pages = 1;
  uint64_t wasm_pages_max = 16;
  bool has_memory = true;
  // (offset, byte, count)
  struct Data {
    uint32_t offset;
    uint8_t byte;
    uint32_t count;
  };
  std::vector<Data> data;
  uint64_t table_elements = 8;
  enum class Start { kNone, kWritesMemoryAndGlobal, kTraps, kSpins } start = Start::kNone;
  // An active segment that no image can hold, as its offset is imported; out of bounds when
  // `data` is all below it.
  std::optional<uint32_t> imported_offset;
};

// Ends a guest that asks too late.
class KillHandler final : public engine::InterruptHandler {
 public:
  engine::TrapCode OnInterrupt() noexcept override { return engine::TrapCode::kInterrupted; }
};

class PoolWorld {
 public:
  struct Options {
    Mode mode;
    uint64_t slot_count = 2;
    double verify_rate = 1;
    MemoryBudget* budget = nullptr;
    uint64_t slot_bytes = 0;  // 0: what the mode needs.
  };
  explicit PoolWorld(const Options& options);

  InstancePool& pool() { return *pool_; }
  FailingMemoryOps& ops() { return ops_; }
  engine::Linker& linker() { return linker_; }
  engine::Engine& engine() { return engine_; }
  engine::Activation& activation() { return activation_; }

  Module Compile(const Guest& guest);
  Module Compile(const test::WasmBuilder& wasm);
  // The same for the same module, always.
  const Imports& ImportsOf(const Module& module);

  absl::StatusOr<Lease> Take(TenantId tenant, const Module& module,
                             const engine::StoreLimits& limits = {});
  Lease MustTake(TenantId tenant, const Module& module);

  // Calls an export of i32s; the call must return.
  int32_t Call(const Lease& lease, absl::string_view name, std::vector<int32_t> arguments = {});
  // The trap that the call ends with; kNone when it returns.
  engine::TrapCode TrapOf(const Lease& lease, absl::string_view name,
                          std::vector<int32_t> arguments = {});

  // Writes `mark` wherever the guest can: all memory and growth, table, global, segments.
  void Scribble(const Lease& lease, uint8_t mark);
  // Everything is as in a first instance of the guest, seen by the guest itself.
  ::testing::AssertionResult LooksNew(const Lease& lease, const Guest& guest);
  // The books balance and no slot is lost.
  ::testing::AssertionResult Balances();

 private:
  absl::StatusOr<engine::CallResult> TryCall(const Lease& lease, absl::string_view name,
                                             const std::vector<int32_t>& arguments);

  Mode mode_;
  FailingMemoryOps ops_;
  engine::Engine engine_;
  engine::Linker linker_{engine_};
  engine::BaselineBackend backend_;
  engine::Activation activation_;
  std::vector<std::unique_ptr<engine::abi::GlobalCell>> cells_;  // What guests import.
  std::map<uint64_t, Imports> imports_;
  std::unique_ptr<InstancePool> pool_;
};

class PoolModeTest : public ::testing::TestWithParam<Mode> {
 protected:
  PoolWorld Make(uint64_t slot_count = 2) {
    return PoolWorld({.mode = GetParam(), .slot_count = slot_count});
  }
};

}  // namespace tidepool::pool
