// Value: one wasm value of any type, untyped; the signature says which.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "engine/abi/vm_context.h"

namespace tidepool::engine {

// 16 bytes: what crosses between host and guest, and what the argument area is made of.
struct alignas(16) Value {
  uint64_t low = 0;
  uint64_t high = 0;

  static Value I32(uint32_t value) { return {value, 0}; }
  static Value I64(uint64_t value) { return {value, 0}; }
  static Value F32(float value) { return {std::bit_cast<uint32_t>(value), 0}; }
  static Value F64(double value) { return {std::bit_cast<uint64_t>(value), 0}; }
  static Value Func(const abi::FunctionRecord* record) {
    return {reinterpret_cast<uintptr_t>(record), 0};
  }
  // A host value; 0 is null.
  static Value Extern(uint64_t host_value) { return {host_value, 0}; }

  uint32_t i32() const { return static_cast<uint32_t>(low); }
  uint64_t i64() const { return low; }
  float f32() const { return std::bit_cast<float>(static_cast<uint32_t>(low)); }
  double f64() const { return std::bit_cast<double>(low); }
  const abi::FunctionRecord* func() const {
    return reinterpret_cast<const abi::FunctionRecord*>(static_cast<uintptr_t>(low));
  }
  friend bool operator==(const Value&, const Value&) = default;
};

using Values = std::vector<Value>;

}  // namespace tidepool::engine
