// TP_PARAMETERS_…: the parameters of a visitor's method, by the immediate of its row in
// opcodes.def.
//
//   #define TP_OPCODE(code, name, text, immediate, signature, feature)   // (and a backslash)
//       void Visit##name(TP_PARAMETERS_##immediate);
//   #include "engine/wasm/opcodes.def"
//   #undef TP_OPCODE
#pragma once

#include "engine/wasm/immediates.h"
#include "engine/wasm/types.h"

// clang-format off
#define TP_PARAMETERS_None
#define TP_PARAMETERS_Block        ::tidepool::engine::wasm::BlockType type
#define TP_PARAMETERS_TryTable     ::tidepool::engine::wasm::BlockType type, ::tidepool::engine::wasm::CatchReader catches
#define TP_PARAMETERS_Label        uint32_t depth
#define TP_PARAMETERS_LabelTable   ::tidepool::engine::wasm::BrTableReader targets
#define TP_PARAMETERS_Function     ::tidepool::engine::wasm::FunctionIndex function
#define TP_PARAMETERS_Type         ::tidepool::engine::wasm::TypeIndex type
#define TP_PARAMETERS_Tag          ::tidepool::engine::wasm::TagIndex tag
#define TP_PARAMETERS_CallIndirect ::tidepool::engine::wasm::TypeIndex type, ::tidepool::engine::wasm::TableIndex table
#define TP_PARAMETERS_SelectType   ::tidepool::engine::wasm::ValueType type
#define TP_PARAMETERS_HeapType     ::tidepool::engine::wasm::HeapType heap
#define TP_PARAMETERS_CastBranch   ::tidepool::engine::wasm::CastBranch cast
#define TP_PARAMETERS_Local        uint32_t local
#define TP_PARAMETERS_Global       ::tidepool::engine::wasm::GlobalIndex global
#define TP_PARAMETERS_Table        ::tidepool::engine::wasm::TableIndex table
#define TP_PARAMETERS_TableTable   ::tidepool::engine::wasm::TableIndex to, ::tidepool::engine::wasm::TableIndex from
#define TP_PARAMETERS_Element      ::tidepool::engine::wasm::ElementIndex segment
#define TP_PARAMETERS_ElementTable ::tidepool::engine::wasm::ElementIndex segment, ::tidepool::engine::wasm::TableIndex table
#define TP_PARAMETERS_Memory       ::tidepool::engine::wasm::MemoryIndex memory
#define TP_PARAMETERS_MemoryMemory ::tidepool::engine::wasm::MemoryIndex to, ::tidepool::engine::wasm::MemoryIndex from
#define TP_PARAMETERS_Data         ::tidepool::engine::wasm::DataIndex segment
#define TP_PARAMETERS_DataMemory   ::tidepool::engine::wasm::DataIndex segment, ::tidepool::engine::wasm::MemoryIndex memory
#define TP_PARAMETERS_TypeField    ::tidepool::engine::wasm::TypeIndex type, uint32_t field
#define TP_PARAMETERS_TypeCount    ::tidepool::engine::wasm::TypeIndex type, uint32_t count
#define TP_PARAMETERS_TypeData     ::tidepool::engine::wasm::TypeIndex type, ::tidepool::engine::wasm::DataIndex segment
#define TP_PARAMETERS_TypeElement  ::tidepool::engine::wasm::TypeIndex type, ::tidepool::engine::wasm::ElementIndex segment
#define TP_PARAMETERS_TypeType     ::tidepool::engine::wasm::TypeIndex to, ::tidepool::engine::wasm::TypeIndex from
#define TP_PARAMETERS_I32          int32_t value
#define TP_PARAMETERS_I64          int64_t value
#define TP_PARAMETERS_F32          uint32_t bits
#define TP_PARAMETERS_F64          uint64_t bits
#define TP_PARAMETERS_V128         ::tidepool::engine::wasm::V128Bytes value
#define TP_PARAMETERS_Shuffle      ::tidepool::engine::wasm::V128Bytes lanes
#define TP_PARAMETERS_Lane2        uint8_t lane
#define TP_PARAMETERS_Lane4        uint8_t lane
#define TP_PARAMETERS_Lane8        uint8_t lane
#define TP_PARAMETERS_Lane16       uint8_t lane
#define TP_PARAMETERS_Fence
#define TP_PARAMETERS_MemArg1      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg2      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg4      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg8      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg16     ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArgLane1  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_MemArgLane2  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_MemArgLane4  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_MemArgLane8  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_AtomicMemArg1 ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_AtomicMemArg2 ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_AtomicMemArg4 ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_AtomicMemArg8 ::tidepool::engine::wasm::MemArg access
// clang-format on
