#include "engine/wasm/type_relations.h"

#include <string>

#include "absl/container/flat_hash_map.h"

namespace tidepool::engine::wasm {
namespace {

void AppendNumber(uint32_t number, std::string* key) {
  key->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// The definition of type `self` as text in which equal types have equal numbers.
std::string KeyOf(const FunctionType& type, uint32_t self, const std::vector<uint32_t>& canonical) {
  std::string key;
  AppendNumber(static_cast<uint32_t>(type.params.size()), &key);
  for (const auto* types : {&type.params, &type.results}) {
    for (const ValueType value : *types) {
      if (!value.is_ref() || !IsConcrete(value.heap())) {
        AppendNumber(value.bits(), &key);
        continue;
      }
      const uint32_t target = ToInt(TypeIndexOf(value.heap()));
      // kBottom names no heap type in a module, so it can stand for "this type".
      const HeapType heap =
          target == self ? HeapType::kBottom : ConcreteHeapType(TypeIndex{canonical[target]});
      AppendNumber(ValueType::Ref(heap, value.nullable()).bits(), &key);
    }
  }
  return key;
}

}  // namespace

TypeRelations::TypeRelations(const std::vector<FunctionType>& types, bool concrete_references) {
  if (!concrete_references) return;
  absl::flat_hash_map<std::string, uint32_t> first_of;
  canonical_.reserve(types.size());
  for (uint32_t i = 0; i < types.size(); ++i) {
    canonical_.push_back(first_of.emplace(KeyOf(types[i], i, canonical_), i).first->second);
  }
}

bool TypeRelations::IsSubtypeSlow(ValueType actual, ValueType expected) const {
  if (actual.kind() == ValueKind::kBottom) return true;
  if (!actual.is_ref() || !expected.is_ref()) return false;
  if (actual.nullable() && !expected.nullable()) return false;
  return IsSubHeapType(actual.heap(), expected.heap());
}

bool TypeRelations::IsSubHeapType(HeapType actual, HeapType expected) const {
  if (actual == expected || actual == HeapType::kBottom) return true;
  if (IsConcrete(actual)) {
    if (IsConcrete(expected)) return IsSameType(TypeIndexOf(actual), TypeIndexOf(expected));
    return expected == HeapType::kFunc;  // All defined types are functions.
  }
  switch (actual) {
    case HeapType::kNoFunc:
      return expected == HeapType::kFunc || IsConcrete(expected);
    case HeapType::kNoExtern:
      return expected == HeapType::kExtern;
    case HeapType::kNoExn:
      return expected == HeapType::kExn;
    case HeapType::kNone:
      return expected == HeapType::kI31 || expected == HeapType::kStruct ||
             expected == HeapType::kArray || expected == HeapType::kEq ||
             expected == HeapType::kAny;
    case HeapType::kI31:
    case HeapType::kStruct:
    case HeapType::kArray:
      return expected == HeapType::kEq || expected == HeapType::kAny;
    case HeapType::kEq:
      return expected == HeapType::kAny;
    default:
      return false;
  }
}

}  // namespace tidepool::engine::wasm
