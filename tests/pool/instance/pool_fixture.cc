#include "tests/pool/instance/pool_fixture.h"

#include "absl/strings/str_cat.h"
#include "engine/platform/memfd.h"
#include "engine/support/check.h"

namespace tidepool::pool {
namespace {

using ::tidepool::engine::CallResult;
using ::tidepool::engine::TrapCode;
using ::tidepool::engine::Value;
using ::tidepool::test::Code;
using ::tidepool::test::FunctionIndex;
using ::tidepool::test::GlobalIndex;
using ::tidepool::test::Opcode;
using ::tidepool::test::ValueType;
using ::tidepool::test::WasmBuilder;

constexpr uint64_t kGuestStackBytes = 256 * kKiB;
constexpr uint64_t kDenseSlotBytes = 4 * kMiB;

const ValueType kI32 = ValueType::I32();

void AddMemoryExports(WasmBuilder& wasm, const Guest& guest) {
  wasm.Memory(guest.initial_wasm_pages, guest.wasm_pages_max);
  wasm.ExportMemory("memory");
  wasm.ExportFunction("load", wasm.Function({kI32}, {kI32},
                                            Code().LocalGet(0).Access(Opcode::kI32Load8U)));
  wasm.ExportFunction("store", wasm.Function({kI32, kI32}, {},
                                             Code().LocalGet(0).LocalGet(1).Access(
                                                 Opcode::kI32Store8)));
  wasm.ExportFunction("grow", wasm.Function({kI32}, {kI32},
                                            Code().LocalGet(0).Op(Opcode::kMemoryGrow, {0})));
  wasm.ExportFunction("size", wasm.Function({}, {kI32}, Code().Op(Opcode::kMemorySize, {0})));
  wasm.ExportFunction(
      "fill", wasm.Function({kI32, kI32, kI32}, {},
                            Code().LocalGet(0).LocalGet(1).LocalGet(2).Op(Opcode::kMemoryFill, {0})));
  wasm.ExportFunction("data_init", wasm.Function({kI32}, {},
                                                 Code().LocalGet(0).I32Const(0).I32Const(4).Op(
                                                     Opcode::kMemoryInit, {0, 0})));
  wasm.ExportFunction("data_drop", wasm.Function({}, {}, Code().Op(Opcode::kDataDrop, {0})));
  wasm.PassiveData("PASS");
  for (const Guest::Data& data : guest.data) {
    wasm.ActiveData(Code().I32Const(static_cast<int32_t>(data.offset)),
                    std::string(data.count, static_cast<char>(data.byte)));
  }
  if (guest.imported_offset.has_value()) {
    wasm.ActiveData(Code().GlobalGet(GlobalIndex{0}), "IMPORTED");
  }
}

void AddTableExports(WasmBuilder& wasm, const Guest& guest, FunctionIndex seven) {
  wasm.Table(guest.table_elements, 64);
  wasm.ExportFunction("table_set", wasm.Function({kI32}, {},
                                                 Code().LocalGet(0).RefFunc(seven).Op(
                                                     Opcode::kTableSet, {0})));
  wasm.ExportFunction("table_is_null",
                      wasm.Function({kI32}, {kI32}, Code().LocalGet(0).Op(Opcode::kTableGet, {0}).Op(
                                                        Opcode::kRefIsNull)));
  wasm.ExportFunction("table_call",
                      wasm.Function({kI32}, {kI32},
                                    Code().LocalGet(0).CallIndirect(wasm.Type({}, {kI32}))));
  wasm.ExportFunction("table_grow",
                      wasm.Function({kI32}, {kI32},
                                    Code().RefFunc(seven).LocalGet(0).Op(Opcode::kTableGrow, {0})));
  wasm.ExportFunction("table_size", wasm.Function({}, {kI32}, Code().Op(Opcode::kTableSize, {0})));
  wasm.ExportFunction("elem_init", wasm.Function({kI32}, {},
                                                 Code().LocalGet(0).I32Const(0).I32Const(1).Op(
                                                     Opcode::kTableInit, {2, 0})));
  wasm.ExportFunction("elem_drop", wasm.Function({}, {}, Code().Op(Opcode::kElemDrop, {2})));
  wasm.ActiveElements({}, Code().I32Const(1), {seven});  // Segment 0: entry 1.
  wasm.DeclareFunctions({seven});
  wasm.PassiveElements({seven});
}

void AddStart(WasmBuilder& wasm, const Guest& guest, GlobalIndex global) {
  switch (guest.start) {
    case Guest::Start::kNone: return;
    case Guest::Start::kTraps:
      return wasm.Start(wasm.Function({}, {}, Code().Op(Opcode::kUnreachable)));
    case Guest::Start::kSpins:
      return wasm.Start(wasm.Function({}, {}, Code().Open(Opcode::kLoop).Br(0).End()));
    case Guest::Start::kWritesMemoryAndGlobal:
      return wasm.Start(wasm.Function({}, {}, Code()
                                                  .I32Const(12'288)
                                                  .I32Const(0x5A)
                                                  .Access(Opcode::kI32Store8)
                                                  .GlobalGet(global)
                                                  .I32Const(1000)
                                                  .Op(Opcode::kI32Add)
                                                  .GlobalSet(global)));
  }
}

WasmBuilder Write(const Guest& guest) {
  WasmBuilder wasm;
  if (guest.imported_offset.has_value()) wasm.ImportGlobal("env", "offset", kI32, false);
  const GlobalIndex global = wasm.Global(kI32, true, Code().I32Const(42));
  const FunctionIndex seven = wasm.Function({}, {kI32}, Code().I32Const(7));
  if (guest.has_memory) AddMemoryExports(wasm, guest);
  AddTableExports(wasm, guest, seven);
  wasm.ExportFunction("global_get", wasm.Function({}, {kI32}, Code().GlobalGet(global)));
  wasm.ExportFunction("global_set",
                      wasm.Function({kI32}, {}, Code().LocalGet(0).GlobalSet(global)));
  const FunctionIndex recurse = wasm.NextFunction();
  wasm.ExportFunction("recurse", wasm.Function({kI32}, {kI32}, Code()
                                                                   .LocalGet(0)
                                                                   .Call(recurse)
                                                                   .I32Const(1)
                                                                   .Op(Opcode::kI32Add)));
  wasm.ExportFunction("spin", wasm.Function({}, {}, Code().Open(Opcode::kLoop).Br(0).End()));
  AddStart(wasm, guest, global);
  return wasm;
}

}  // namespace

std::vector<Mode> AllModes() {
  std::vector<Mode> modes;
  for (const bool as_6_1 : {false, true}) {
    for (const ResetKind reset : {ResetKind::kMadvise, ResetKind::kRemap}) {
      for (const GrowthKind growth : {GrowthKind::kFtruncate, GrowthKind::kMprotect}) {
        modes.push_back({growth, reset, engine::Bounds::kGuard, as_6_1});
        modes.push_back({growth, reset, engine::Bounds::kExplicit, as_6_1});
      }
      modes.push_back({GrowthKind::kNone, reset, engine::Bounds::kExplicit, as_6_1});
    }
  }
  return modes;
}

std::string NameOfMode(const ::testing::TestParamInfo<Mode>& info) {
  const Mode& mode = info.param;
  return absl::StrCat(NameOf(mode.growth), "_", NameOf(mode.reset),
                      mode.bounds == engine::Bounds::kGuard ? "_guard" : "_explicit",
                      mode.as_6_1 ? "_of_6_1" : "");
}

PoolWorld::PoolWorld(const Options& options)
    : mode_(options.mode),
      activation_(engine::Activation::LimitOnCurrentStack(kGuestStackBytes), nullptr) {
  PoolOptions pool;
  pool.slot_count = options.slot_count;
  pool.slot_bytes = options.slot_bytes != 0 ? options.slot_bytes
                    : mode_.bounds == engine::Bounds::kGuard ? kSlotBytesDefault
                                                             : kDenseSlotBytes;
  pool.state_bytes_max = kMiB;
  pool.growth = mode_.growth;
  pool.reset = mode_.reset;
  pool.verify_rate = options.verify_rate;
  pool.features = *KernelFeaturesFromSetting(mode_.as_6_1 ? "6.1" : "probe");
  pool.ops = &ops_;
  pool.budget = options.budget;
  auto made = InstancePool::Create(pool);
  if (!made.ok()) ADD_FAILURE() << made.status();
  TP_CHECK(made.ok());
  pool_ = *std::move(made);
}

Module PoolWorld::Compile(const Guest& guest) {
  if (guest.imported_offset.has_value()) {
    cells_.push_back(std::make_unique<engine::abi::GlobalCell>(
        engine::abi::GlobalCell{.low = *guest.imported_offset, .high = 0}));
    engine::Extern global;
    global.kind = engine::wasm::ExternalKind::kGlobal;
    global.global = cells_.back().get();
    global.global_type = {.value = kI32, .is_mutable = false};
    linker_.Define("env", "offset", global);
  }
  const Module module = Compile(Write(guest));
  ImportsOf(module);  // Bound now, as long as "offset" is this guest's.
  return module;
}

Module PoolWorld::Compile(const test::WasmBuilder& wasm) {
  engine::CompileOptions options;
  options.bounds = mode_.bounds;
  auto artifact = engine::Compile(wasm.Build(), options, backend_);
  if (!artifact.ok()) ADD_FAILURE() << artifact.status();
  TP_CHECK(artifact.ok());
  const FileExtent whole{.offset_bytes = 0, .content = artifact->bytes};
  auto file = CreateSealedMemfd("artifact", artifact->bytes.size(), {&whole, 1});
  TP_CHECK(file.ok());
  auto module =
      engine::Module::LoadFd(engine_, file->get(), "guest", {.table_elements_max = 20'000});
  if (!module.ok()) ADD_FAILURE() << module.status();
  TP_CHECK(module.ok());
  return *std::move(module);
}

const Imports& PoolWorld::ImportsOf(const Module& module) {
  Imports& imports = imports_[module->id()];
  if (imports == nullptr) {
    auto resolved = linker_.Resolve(*module);
    if (!resolved.ok()) ADD_FAILURE() << resolved.status();
    imports = std::make_shared<const engine::ImportBindings>(*std::move(resolved));
  }
  return imports;
}

absl::StatusOr<Lease> PoolWorld::Take(TenantId tenant, const Module& module,
                                      const engine::StoreLimits& limits) {
  return pool_->Take(tenant, module, ImportsOf(module),
                     {.limits = limits, .host_data = nullptr, .activation = &activation_});
}

Lease PoolWorld::MustTake(TenantId tenant, const Module& module) {
  absl::StatusOr<Lease> lease = Take(tenant, module);
  if (!lease.ok()) ADD_FAILURE() << lease.status();
  TP_CHECK(lease.ok());
  return *std::move(lease);
}

absl::StatusOr<CallResult> PoolWorld::TryCall(const Lease& lease, absl::string_view name,
                                              const std::vector<int32_t>& arguments) {
  engine::Values values;
  for (const int32_t argument : arguments) {
    values.push_back(Value::I32(static_cast<uint32_t>(argument)));
  }
  return engine::CallExport(lease.instance(), name, values, activation_);
}

int32_t PoolWorld::Call(const Lease& lease, absl::string_view name,
                        std::vector<int32_t> arguments) {
  const absl::StatusOr<CallResult> result = TryCall(lease, name, arguments);
  if (!result.ok()) {
    ADD_FAILURE() << name << ": " << result.status();
    return -1;
  }
  if (const auto* trap = std::get_if<engine::Trap>(&*result)) {
    ADD_FAILURE() << name << ": " << ToString(*trap);
    return -1;
  }
  const auto& values = std::get<engine::Values>(*result);
  return values.empty() ? 0 : static_cast<int32_t>(values[0].i32());
}

TrapCode PoolWorld::TrapOf(const Lease& lease, absl::string_view name,
                           std::vector<int32_t> arguments) {
  const absl::StatusOr<CallResult> result = TryCall(lease, name, arguments);
  if (!result.ok()) {
    ADD_FAILURE() << name << ": " << result.status();
    return TrapCode::kNone;
  }
  const auto* trap = std::get_if<engine::Trap>(&*result);
  return trap == nullptr ? TrapCode::kNone : trap->code;
}

void PoolWorld::Scribble(const Lease& lease, uint8_t mark) {
  if (!lease.instance().Memory().empty() || lease.instance().FindFunction("grow") != nullptr) {
    Call(lease, "grow", {1});
    const auto bytes = static_cast<int32_t>(lease.instance().Memory().size());
    Call(lease, "fill", {0, mark, bytes});
    Call(lease, "data_drop");
  }
  Call(lease, "table_grow", {3});
  const int32_t elements = Call(lease, "table_size");
  for (int32_t i = 0; i < elements; ++i) Call(lease, "table_set", {i});
  Call(lease, "elem_drop");
  Call(lease, "global_set", {mark});
}

::testing::AssertionResult PoolWorld::LooksNew(const Lease& lease, const Guest& guest) {
  const auto fails = [](auto... text) {
    return ::testing::AssertionFailure() << absl::StrCat(text...);
  };
  const bool started = guest.start == Guest::Start::kWritesMemoryAndGlobal;
  if (const int32_t value = Call(lease, "global_get"); value != (started ? 1042 : 42)) {
    return fails("global is ", value);
  }
  if (const int32_t size = Call(lease, "table_size");
      size != static_cast<int32_t>(guest.table_elements)) {
    return fails("table has ", size, " entries");
  }
  for (int32_t i = 0; i < static_cast<int32_t>(guest.table_elements); ++i) {
    if (Call(lease, "table_is_null", {i}) != (i == 1 ? 0 : 1)) return fails("table entry ", i);
    if (i != 1 && TrapOf(lease, "table_call", {i}) == TrapCode::kNone) {
      return fails("a call through table entry ", i, " works");
    }
  }
  if (!guest.has_memory) return ::testing::AssertionSuccess();
  std::vector<uint8_t> expected(guest.initial_wasm_pages * kWasmPageBytes);
  for (const Guest::Data& data : guest.data) {
    std::fill_n(expected.begin() + data.offset, data.count, data.byte);
  }
  if (guest.imported_offset.has_value()) {
    std::copy_n("IMPORTED", 8, expected.begin() + *guest.imported_offset);
  }
  if (started) expected[12'288] = 0x5A;
  const absl::Span<const uint8_t> memory = lease.instance().Memory();
  if (memory.size() != expected.size()) return fails("memory has ", memory.size(), " bytes");
  for (size_t at = 0; at < expected.size(); ++at) {
    if (memory[at] != expected[at]) return fails("memory byte ", at, " is ", memory[at]);
  }
  const auto end = static_cast<int32_t>(memory.size());
  if (TrapOf(lease, "load", {end}) == TrapCode::kNone ||
      TrapOf(lease, "store", {end, 1}) == TrapCode::kNone) {
    return fails("the byte behind the memory is accessible");
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult PoolWorld::Balances() {
  const PoolStats stats = pool_->stats();
  if (stats.drift != 0) return ::testing::AssertionFailure() << "drift " << stats.drift;
  if (pool_->Audit() != 0) return ::testing::AssertionFailure() << "audit " << pool_->Audit();
  return ::testing::AssertionSuccess();
}

}  // namespace tidepool::pool
