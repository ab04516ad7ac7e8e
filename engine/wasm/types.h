// The types of WebAssembly 3.0 (wasm core 2.3), small enough to pass by value.
//
// Shape    ValueType is 32 bits: kind (8) | nullable (1) | heap type (23, for references only).
//          A heap type is an abstract one, or the index of a type in its module.
// Threads  Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidepool::engine::wasm {

enum class TypeIndex : uint32_t {};
enum class FunctionIndex : uint32_t {};
enum class TableIndex : uint32_t {};
enum class MemoryIndex : uint32_t {};
enum class GlobalIndex : uint32_t {};
enum class TagIndex : uint32_t {};
enum class DataIndex : uint32_t {};
enum class ElementIndex : uint32_t {};

// The plain number of a strong index.
template <typename Index>
constexpr uint32_t ToInt(Index index) {
  return static_cast<uint32_t>(index);
}

enum class ValueKind : uint8_t { kI32, kI64, kF32, kF64, kV128, kRef, kBottom };

// Abstract heap types; a concrete one is kFirstConcrete + type index.
enum class HeapType : uint32_t {
  kFunc,
  kExtern,
  kAny,
  kEq,
  kI31,
  kStruct,
  kArray,
  kExn,
  kNone,
  kNoFunc,
  kNoExtern,
  kNoExn,
  kBottom,
  kFirstConcrete = 16,
};

constexpr HeapType ConcreteHeapType(TypeIndex type) {
  return static_cast<HeapType>(static_cast<uint32_t>(HeapType::kFirstConcrete) + ToInt(type));
}
constexpr bool IsConcrete(HeapType heap) {
  return heap >= HeapType::kFirstConcrete;
}
// Only for a concrete heap type.
constexpr TypeIndex TypeIndexOf(HeapType heap) {
  return static_cast<TypeIndex>(static_cast<uint32_t>(heap) -
                                static_cast<uint32_t>(HeapType::kFirstConcrete));
}

class ValueType {
 public:
  constexpr ValueType() : bits_(static_cast<uint32_t>(ValueKind::kBottom)) {}
  static constexpr ValueType I32() { return ValueType(ValueKind::kI32); }
  static constexpr ValueType I64() { return ValueType(ValueKind::kI64); }
  static constexpr ValueType F32() { return ValueType(ValueKind::kF32); }
  static constexpr ValueType F64() { return ValueType(ValueKind::kF64); }
  static constexpr ValueType V128() { return ValueType(ValueKind::kV128); }
  // The type of a value that unreachable code would have; matches everything.
  static constexpr ValueType Bottom() { return ValueType(ValueKind::kBottom); }
  static constexpr ValueType Ref(HeapType heap, bool nullable) {
    ValueType type(ValueKind::kRef);
    type.bits_ |= (nullable ? 1u << 8 : 0u) | static_cast<uint32_t>(heap) << 9;
    return type;
  }
  static constexpr ValueType FuncRef() { return Ref(HeapType::kFunc, true); }
  static constexpr ValueType ExternRef() { return Ref(HeapType::kExtern, true); }
  static constexpr ValueType FromBits(uint32_t bits) {
    ValueType type;
    type.bits_ = bits;
    return type;
  }

  constexpr ValueKind kind() const { return static_cast<ValueKind>(bits_ & 0xFF); }
  constexpr bool is_ref() const { return kind() == ValueKind::kRef; }
  // References only.
  constexpr bool nullable() const { return (bits_ >> 8 & 1) != 0; }
  constexpr HeapType heap() const { return static_cast<HeapType>(bits_ >> 9); }
  // What artifacts store.
  constexpr uint32_t bits() const { return bits_; }
  friend constexpr bool operator==(ValueType, ValueType) = default;

 private:
  constexpr explicit ValueType(ValueKind kind) : bits_(static_cast<uint32_t>(kind)) {}
  uint32_t bits_;
};

// "i32", "funcref", "(ref null 3)".
std::string ToString(ValueType type);

struct FunctionType {
  std::vector<ValueType> params;
  std::vector<ValueType> results;
  friend bool operator==(const FunctionType&, const FunctionType&) = default;
};

// "[i32 i64] -> [f32]".
std::string ToString(const FunctionType& type);

enum class AddressType : uint8_t { kI32, kI64 };

// In units of the thing limited: wasm pages of a memory, elements of a table.
struct Limits64 {
  uint64_t min = 0;
  uint64_t max = UINT64_MAX;  // Meaningful only with has_max.
  bool has_max = false;
};

struct MemoryType {
  Limits64 limits;  // Pages of 2^page_bytes_log2.
  AddressType address = AddressType::kI32;
  bool shared = false;
  uint8_t page_bytes_log2 = 16;
};

struct TableType {
  Limits64 limits;  // Elements.
  AddressType address = AddressType::kI32;
  ValueType element = ValueType::FuncRef();
};

struct GlobalType {
  ValueType value;
  bool is_mutable = false;
};

}  // namespace tidepool::engine::wasm
