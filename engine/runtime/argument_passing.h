// Where the values of a call lie: registers and argument area, read and written by type.
//
// Shape    Host→guest and guest→host walk the same way over the same RegisterBlock; only the
//          direction differs.
#pragma once

#include "absl/types/span.h"
#include "engine/abi/calling_convention.h"
#include "engine/runtime/transitions.h"
#include "engine/runtime/value.h"
#include "engine/wasm/types.h"

namespace tidepool::engine {

inline abi::RegisterClass ClassOf(wasm::ValueType type) {
  switch (type.kind()) {
    case wasm::ValueKind::kF32:
    case wasm::ValueKind::kF64:
    case wasm::ValueKind::kV128: return abi::RegisterClass::kVector;
    default: return abi::RegisterClass::kInteger;
  }
}

// i32 is zero-extended wherever it crosses (calling_convention.h); a host may have been careless.
inline Value Normalized(wasm::ValueType type, Value value) {
  switch (type.kind()) {
    case wasm::ValueKind::kI32:
    case wasm::ValueKind::kF32: return {value.low & 0xFFFFFFFF, 0};
    case wasm::ValueKind::kV128: return value;
    default: return {value.low, 0};
  }
}

inline void StoreParameters(absl::Span<const wasm::ValueType> types,
                            absl::Span<const Value> values,
                            RegisterBlock& registers,
                            Value* area) {
  abi::ParameterAssigner assigner;
  for (size_t i = 0; i < types.size(); ++i) {
    const abi::Location at = assigner.Next(ClassOf(types[i]));
    const Value value = Normalized(types[i], values[i]);
    switch (at.kind) {
      case abi::Location::Kind::kIntegerRegister: registers.integers[at.number] = value.low; break;
      case abi::Location::Kind::kVectorRegister: registers.vectors[at.number] = value; break;
      case abi::Location::Kind::kArgumentArea: area[at.number] = value; break;
    }
  }
}

inline void LoadParameters(absl::Span<const wasm::ValueType> types,
                           const RegisterBlock& registers,
                           const Value* area,
                           absl::Span<Value> values) {
  abi::ParameterAssigner assigner;
  for (size_t i = 0; i < types.size(); ++i) {
    const abi::Location at = assigner.Next(ClassOf(types[i]));
    Value value;
    switch (at.kind) {
      case abi::Location::Kind::kIntegerRegister: value.low = registers.integers[at.number]; break;
      case abi::Location::Kind::kVectorRegister: value = registers.vectors[at.number]; break;
      case abi::Location::Kind::kArgumentArea: value = area[at.number]; break;
    }
    values[i] = Normalized(types[i], value);
  }
}

inline void StoreResults(absl::Span<const wasm::ValueType> types,
                         absl::Span<const Value> values,
                         RegisterBlock& registers,
                         Value* area) {
  abi::ResultAssigner assigner;
  for (size_t i = 0; i < types.size(); ++i) {
    const abi::Location at = assigner.Next(ClassOf(types[i]));
    const Value value = Normalized(types[i], values[i]);
    switch (at.kind) {
      case abi::Location::Kind::kIntegerRegister: registers.integer_result = value.low; break;
      case abi::Location::Kind::kVectorRegister: registers.vectors[0] = value; break;
      case abi::Location::Kind::kArgumentArea: area[at.number] = value; break;
    }
  }
}

inline void LoadResults(absl::Span<const wasm::ValueType> types,
                        const RegisterBlock& registers,
                        const Value* area,
                        absl::Span<Value> values) {
  abi::ResultAssigner assigner;
  for (size_t i = 0; i < types.size(); ++i) {
    const abi::Location at = assigner.Next(ClassOf(types[i]));
    Value value;
    switch (at.kind) {
      case abi::Location::Kind::kIntegerRegister: value.low = registers.integer_result; break;
      case abi::Location::Kind::kVectorRegister: value = registers.vectors[0]; break;
      case abi::Location::Kind::kArgumentArea: value = area[at.number]; break;
    }
    values[i] = Normalized(types[i], value);
  }
}

}  // namespace tidepool::engine
