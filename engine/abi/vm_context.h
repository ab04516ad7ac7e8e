// VmContext: one instance, as its machine code sees it.
//
// It lies at the start of the instance's part of the store's state area:
//
//   VmContext                  fixed part
//   MemoryReference[]          imported memories, then defined ones
//   TableRecord*[]             imported tables, then defined ones
//   GlobalCell*[]              imported globals only
//   FunctionImport[]           imported functions
//   MemoryRecord[]             defined memories      ┐
//   TableRecord[]              defined tables        │ what other instances may point at
//   GlobalCell[]               defined globals       │
//   FunctionRecord[]           functions that escape ┘
//   uint8_t[]                  dropped flags: element segments, then data segments
//   (page-aligned) uint64_t[]  entries of each defined table, to its capacity
//
// What a guest can change while it runs, and a reset must restore: MemoryRecord::bytes, TableRecord
// (entries, count, dirty), mutable GlobalCells, dropped flags.  The rest is written once, when a
// storage is made for a module.  Nothing here is guest-readable memory.
//
// Offsets are part of the artifact ABI: change one, raise kAbiVersion.
// Threads  Only the thread on which the store's fiber runs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidepool::engine {
class Store;
class Instance;
class MemoryGrower;
}  // namespace tidepool::engine

namespace tidepool::engine::abi {

struct VmContext;

// A linear memory.  `base` never moves; `bytes` changes only in memory.grow (and reset).
struct MemoryRecord {
  uint8_t* base;
  uint64_t bytes;              // Accessible, a multiple of the memory's page size.
  uint64_t bytes_max;          // The declared maximum, or what the address type can reach.
  uint64_t reservation_bytes;  // Address space from base on that faults as this memory's.
  MemoryGrower* grower;
  uint64_t memory_ordinal;     // Of the memory in its store's storage; what the grower is told.
};

// A table of references: FunctionRecord* or host values, 8 bytes each, 0 = null.
struct TableRecord {
  uint64_t* entries;
  uint64_t count;
  uint64_t count_max;  // The declared maximum.
  uint64_t capacity;   // Entries that fit where they lie; growing beyond is refused.
  uint64_t dirty;      // Not 0 once an entry or the count was changed after instantiation.
};

struct alignas(16) GlobalCell {
  uint64_t low;   // i32 zero-extended, i64, f32 bits, f64 bits, a reference, or half a vector.
  uint64_t high;
};

// What a non-null funcref points to.
struct FunctionRecord {
  const void* code;
  void* context;           // First argument: the VmContext, or a host function's context.
  uint32_t type_id;        // Canonical in the engine (TypeRegistry).
  uint32_t function_index; // In the defining module; UINT32_MAX for a host function.
  void* reserved;
};

// A copy of {code, context} lies in the importer: a call is one load shorter.
struct FunctionImport {
  const void* code;
  void* context;
  const FunctionRecord* record;
};

struct MemoryReference {
  uint8_t* base;         // Copy of record->base.
  MemoryRecord* record;
};

struct VmContext {
  Store* store;
  Instance* instance;
  const uint32_t* type_ids;      // Canonical id of each type of the module, by type index.
  MemoryReference memory0;       // A copy of the first MemoryReference; zeros without memories.
  uint64_t reserved[3];
};

namespace vmctx {
inline constexpr int32_t kStore = 0;
inline constexpr int32_t kInstance = 8;
inline constexpr int32_t kTypeIds = 16;
inline constexpr int32_t kMemory0Base = 24;
inline constexpr int32_t kMemory0Record = 32;
inline constexpr int32_t kFixedBytes = 64;

inline constexpr int32_t kMemoryReferenceBase = 0;
inline constexpr int32_t kMemoryReferenceRecord = 8;
inline constexpr int32_t kMemoryRecordBytes = 8;
inline constexpr int32_t kTableEntries = 0;
inline constexpr int32_t kTableCount = 8;
inline constexpr int32_t kTableDirty = 32;
inline constexpr int32_t kFunctionCode = 0;
inline constexpr int32_t kFunctionContext = 8;
inline constexpr int32_t kFunctionTypeId = 16;
}  // namespace vmctx

static_assert(offsetof(VmContext, store) == vmctx::kStore);
static_assert(offsetof(VmContext, instance) == vmctx::kInstance);
static_assert(offsetof(VmContext, type_ids) == vmctx::kTypeIds);
static_assert(offsetof(VmContext, memory0) == vmctx::kMemory0Base);
static_assert(sizeof(VmContext) == vmctx::kFixedBytes);
static_assert(offsetof(MemoryReference, record) == vmctx::kMemoryReferenceRecord);
static_assert(offsetof(MemoryRecord, bytes) == vmctx::kMemoryRecordBytes);
static_assert(offsetof(TableRecord, entries) == vmctx::kTableEntries);
static_assert(offsetof(TableRecord, count) == vmctx::kTableCount);
static_assert(offsetof(TableRecord, dirty) == vmctx::kTableDirty);
static_assert(offsetof(FunctionRecord, code) == vmctx::kFunctionCode);
static_assert(offsetof(FunctionRecord, context) == vmctx::kFunctionContext);
static_assert(offsetof(FunctionRecord, type_id) == vmctx::kFunctionTypeId);
static_assert(offsetof(FunctionImport, code) == vmctx::kFunctionCode);
static_assert(offsetof(FunctionImport, context) == vmctx::kFunctionContext);
static_assert(sizeof(FunctionRecord) == 32 && sizeof(FunctionImport) == 24);

// What decides where the arrays of a module's VmContext lie.
struct VmContextCounts {
  uint32_t imported_functions = 0;
  uint32_t imported_memories = 0;
  uint32_t defined_memories = 0;
  uint32_t imported_tables = 0;
  uint32_t defined_tables = 0;
  uint32_t imported_globals = 0;
  uint32_t defined_globals = 0;
  uint32_t escaping_functions = 0;  // Of the defined ones; in order of function index.
  uint32_t element_segments = 0;
  uint32_t data_segments = 0;
};

// Offsets from the VmContext.  Pure arithmetic; compiler and runtime compute it from the same
// counts, which the artifact carries.
class VmContextLayout {
 public:
  explicit VmContextLayout(const VmContextCounts& counts);

  // By index in the space that holds imports first.
  uint64_t MemoryReference(uint32_t memory) const { return memory_references_ + 16ull * memory; }
  uint64_t TableReference(uint32_t table) const { return table_references_ + 8ull * table; }
  uint64_t ImportedGlobal(uint32_t global) const { return global_references_ + 8ull * global; }
  uint64_t FunctionImport(uint32_t function) const { return function_imports_ + 24ull * function; }
  // By ordinal among the defined ones.
  uint64_t MemoryRecord(uint32_t defined) const { return memory_records_ + 48ull * defined; }
  uint64_t TableRecord(uint32_t defined) const { return table_records_ + 40ull * defined; }
  uint64_t Global(uint32_t defined) const { return globals_ + 16ull * defined; }
  uint64_t FunctionRecord(uint32_t escaping) const { return function_records_ + 32ull * escaping; }
  uint64_t ElementDropped(uint32_t segment) const { return dropped_ + segment; }
  uint64_t DataDropped(uint32_t segment) const { return dropped_ + element_segments_ + segment; }
  // End of all the above; table entries begin at the next host page.
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t memory_references_;
  uint64_t table_references_;
  uint64_t global_references_;
  uint64_t function_imports_;
  uint64_t memory_records_;
  uint64_t table_records_;
  uint64_t globals_;
  uint64_t function_records_;
  uint64_t dropped_;
  uint64_t element_segments_;
  uint64_t bytes_;
};

static_assert(sizeof(MemoryRecord) == 48 && sizeof(TableRecord) == 40 && sizeof(GlobalCell) == 16);

}  // namespace tidepool::engine::abi
