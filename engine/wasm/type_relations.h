// TypeRelations answers how the types of one module relate: which are the same, which fit where.
//
// Two type indexes are the same type if their definitions are equal, whatever their numbers
// (wasm core 3.1.3: equivalence of recursive groups; here each group has one member).
//
// Threads  Immutable.  The types must outlive it.
// Source   wasm core 3.3.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/wasm/types.h"

namespace tidepool::engine::wasm {

class TypeRelations {
 public:
  // `concrete_references`: whether types may name types; otherwise the work of finding equal ones
  // is left out, as only such references ask.  Types may refer to themselves and to earlier types.
  TypeRelations(const std::vector<FunctionType>& types, bool concrete_references);

  // Whether a value of type `actual` fits where `expected` is wanted.
  bool IsSubtype(ValueType actual, ValueType expected) const {
    return actual == expected || IsSubtypeSlow(actual, expected);
  }
  bool IsSameType(TypeIndex a, TypeIndex b) const {
    return a == b || CanonicalOf(a) == CanonicalOf(b);
  }

 private:
  bool IsSubtypeSlow(ValueType actual, ValueType expected) const;
  bool IsSubHeapType(HeapType actual, HeapType expected) const;
  // The first index with this definition.
  uint32_t CanonicalOf(TypeIndex type) const {
    return canonical_.empty() ? ToInt(type) : canonical_[ToInt(type)];
  }

  std::vector<uint32_t> canonical_;  // Empty without concrete references.
};

}  // namespace tidepool::engine::wasm
