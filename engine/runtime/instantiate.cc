// Store::Instantiate reads as the list of its steps; nothing is changed before the last that can be
// refused.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/runtime/activation_scope.h"
#include "engine/runtime/call.h"
#include "engine/runtime/constant_expression.h"
#include "engine/runtime/import_match.h"
#include "engine/runtime/module_internal.h"
#include "engine/runtime/segments.h"
#include "engine/runtime/state_view.h"
#include "engine/runtime/state_writer.h"
#include "engine/runtime/store.h"
#include "engine/runtime/store_internal.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"

namespace tidepool::engine {
namespace {

// The offset of an active segment; an i32 is unsigned here (wasm core 4.5.4).
uint64_t OffsetOf(const InitExpression& expression,
                  wasm::AddressType address,
                  const StateView& state) {
  const Value value = EvaluateConstant(expression, state);
  return address == wasm::AddressType::kI32 ? value.i32() : value.i64();
}

TrapCode ApplySegments(const StateView& state) {
  for (const uint32_t i : state.module().active_elements) {
    const InfoElementSegment& segment = state.info().elements[i];
    const wasm::AddressType address = state.info().tables[segment.table].type.address;
    const TrapCode trap = InitTable(state, {.table = segment.table,
                                            .segment = i,
                                            .to = OffsetOf(segment.offset, address, state),
                                            .from = 0,
                                            .count = segment.count()});
    if (trap != TrapCode::kNone) return trap;
    state.ElementDropped(i) = 1;
  }
  for (const uint32_t i : state.module().active_data) {
    const InfoDataSegment& segment = state.info().data[i];
    const wasm::AddressType address = state.info().memories[segment.memory].address;
    const TrapCode trap = InitMemory(state, {.memory = segment.memory,
                                             .segment = i,
                                             .to = OffsetOf(segment.offset, address, state),
                                             .from = 0,
                                             .bytes = segment.bytes.size()});
    if (trap != TrapCode::kNone) return trap;
    state.DataDropped(i) = 1;
  }
  return TrapCode::kNone;
}

TrapCode RunStart(Store& store, const StateView& state, Activation& activation) {
  const uint32_t start = *state.info().start;
  static const wasm::FunctionType kStartType;  // [] -> [], as validated.
  if (start < state.info().counts.imported_functions) {
    return CallFunction(store, *state.Function(start), kStartType, {}, {}, activation);
  }
  // It need not escape, so it may have no record of its own.
  const uint32_t defined = start - state.info().counts.imported_functions;
  const ModuleImpl& module = state.module();
  const abi::FunctionRecord record{
      .code = module.artifact.text().data() + module.artifact.functions().TextOffset(defined),
      .context = state.AddressOf<abi::VmContext>(0),
      .type_id = 0,
      .function_index = start,
      .reserved = nullptr};
  return CallFunction(store, record, kStartType, {}, {}, activation);
}

std::optional<Trap> Initialize(const Instance& instance, Activation& activation) {
  if (!instance.module().needs_initialization()) return std::nullopt;
  const StateView state(instance);
  TrapCode trap = TrapCode::kNone;
  {
    const ActivationScope scope(activation, instance.store());
    ActivationAccess(activation).ClearTrap();
    trap = ApplySegments(state);
  }
  if (trap == TrapCode::kNone && state.info().start.has_value()) {
    trap = RunStart(instance.store(), state, activation);
  }
  if (trap == TrapCode::kNone) return std::nullopt;
  return TrapOf(activation, trap);
}

}  // namespace

Store::Store(StoreStorage& storage, StoreLimits limits) : storage_(storage), limits_(limits) {}
Store::~Store() = default;

absl::Status Store::CheckLinks(const Module& module, const ImportBindings& imports) const {
  if (!instances_.empty() && &instances_[0]->module().engine() != &module.engine()) {
    return absl::FailedPreconditionError(
        absl::StrCat(module.name(), " belongs to another engine than the store's instances"));
  }
  if (imports.bindings.size() != module.info().imports.size()) {
    return absl::FailedPreconditionError(
        absl::StrCat(module.name(), " has ", module.info().imports.size(), " imports, ",
                     imports.bindings.size(), " bindings were given"));
  }
  std::vector<std::string> errors;
  for (size_t i = 0; i < imports.bindings.size(); ++i) {
    const ImportBinding& binding = imports.bindings[i];
    std::string mismatch = ImportMismatch(module, i, binding);
    const Store* owner = binding.host_function == nullptr ? binding.external.store : nullptr;
    if (mismatch.empty() && owner != nullptr && owner != this) {
      mismatch = absl::StrCat(ImportName(module.info().imports[i]), ": belongs to another store");
    }
    if (!mismatch.empty()) errors.push_back(std::move(mismatch));
  }
  if (errors.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(errors, "; "));
}

absl::Status Store::CheckInitialSizes(const Module& module) {
  const ModuleImpl& impl = ImplOf(module);
  if (!impl.layout.tables_fit) {
    return absl::ResourceExhaustedError(absl::StrCat(
        module.name(), ": its tables begin with more entries than table_elements_max allows"));
  }
  for (const TablePlace& table : impl.layout.tables) {
    if (StoreAccess(*this).MayHaveTable(table.count_initial)) continue;
    return absl::ResourceExhaustedError(absl::StrCat(
        module.name(), ": a table of ", table.count_initial,
        " entries exceeds the limit table_elements_max=", limits_.table_elements_max));
  }
  uint64_t bytes = 0;
  for (const StorageShape::Memory& memory : impl.shape.memories) {
    if (__builtin_add_overflow(bytes, memory.initial_bytes, &bytes)) bytes = UINT64_MAX;
  }
  if (!StoreAccess(*this).MayAddMemory(bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(module.name(), ": its memories begin with ", bytes,
                     " bytes; the store's limit is memory_bytes_max=", limits_.memory_bytes_max));
  }
  return absl::OkStatus();
}

void Store::AddReservation(const abi::MemoryRecord& memory) {
  const auto begin = reinterpret_cast<uintptr_t>(memory.base);
  for (const AddressRange& range : reservations_) {
    if (range.begin == begin) return;  // Imported from an instance that is here already.
  }
  reservations_.push_back({.begin = begin, .bytes = memory.reservation_bytes});
}

Instance& Store::AddInstance(std::shared_ptr<const Module> module,
                             const ImportBindings& imports,
                             const InstanceStorage& storage) {
  const ModuleImpl& impl = ImplOf(*module);
  TP_CHECK(storage.memories.size() == impl.shape.memories.size());
  instances_.push_back(std::unique_ptr<Instance>(new Instance(
      std::move(module), *this, reinterpret_cast<abi::VmContext*>(storage.state))));
  Instance& instance = *instances_.back();
  const StateView state(instance);
  WriteRecords(state, imports, storage, instance);
  for (uint32_t i = 0; i < impl.layout.tables.size(); ++i) {
    WriteTableEntries(state, i, /*zeros=*/true, state.At<abi::TableRecord>(
                                                    state.layout().TableRecord(i)).entries);
  }
  for (uint32_t i = 0; i < impl.info().memories.size(); ++i) AddReservation(state.Memory(i));
  for (const StorageShape::Memory& memory : impl.shape.memories) {
    memory_bytes_ += memory.initial_bytes;
  }
  return instance;
}

absl::StatusOr<std::variant<Instance*, Trap>> Store::Instantiate(
    std::shared_ptr<const Module> module, const ImportBindings& imports, Activation& activation) {
  TP_RETURN_IF_ERROR(CheckLinks(*module, imports));
  TP_RETURN_IF_ERROR(CheckInitialSizes(*module));
  TP_ASSIGN_OR_RETURN(const InstanceStorage storage, storage_.Provide(*module));
  Instance& instance = AddInstance(std::move(module), imports, storage);
  std::optional<Trap> trap = Initialize(instance, activation);
  if (trap.has_value()) return std::variant<Instance*, Trap>(*std::move(trap));
  return std::variant<Instance*, Trap>(&instance);
}

absl::Status Store::BeginLease(const StoreLimits& limits) {
  limits_ = limits;
  refusals_ = {};
  host_data_ = nullptr;
  memory_bytes_ = 0;
  for (const std::unique_ptr<Instance>& instance : instances_) {
    TP_RETURN_IF_ERROR(CheckInitialSizes(instance->module()));
    for (const StorageShape::Memory& memory : instance->module().shape().memories) {
      memory_bytes_ += memory.initial_bytes;
    }
  }
  return absl::OkStatus();
}

std::optional<Trap> Store::Reinitialize(Activation& activation) {
  for (const std::unique_ptr<Instance>& instance : instances_) {
    std::optional<Trap> trap = Initialize(*instance, activation);
    if (trap.has_value()) return trap;
  }
  return std::nullopt;
}

bool StoreAccess::MayAddMemory(uint64_t bytes) {
  uint64_t wanted = 0;
  if (__builtin_add_overflow(store_.memory_bytes_, bytes, &wanted)) wanted = UINT64_MAX;
  if (wanted <= store_.limits_.memory_bytes_max) return true;
  store_.refusals_.memory_bytes = wanted;
  return false;
}

bool StoreAccess::MayHaveTable(uint64_t elements) {
  if (elements <= store_.limits_.table_elements_max) return true;
  store_.refusals_.table_elements = elements;
  return false;
}

}  // namespace tidepool::engine
