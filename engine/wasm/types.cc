#include "engine/wasm/types.h"

#include "absl/strings/str_cat.h"

namespace tidepool::engine::wasm {
namespace {

const char* NameOf(HeapType heap) {
  switch (heap) {
    case HeapType::kFunc:
      return "func";
    case HeapType::kExtern:
      return "extern";
    case HeapType::kAny:
      return "any";
    case HeapType::kEq:
      return "eq";
    case HeapType::kI31:
      return "i31";
    case HeapType::kStruct:
      return "struct";
    case HeapType::kArray:
      return "array";
    case HeapType::kExn:
      return "exn";
    case HeapType::kNone:
      return "none";
    case HeapType::kNoFunc:
      return "nofunc";
    case HeapType::kNoExtern:
      return "noextern";
    case HeapType::kNoExn:
      return "noexn";
    default:
      return "bottom";
  }
}

// The short form that the text format has for a nullable reference.
const char* ShortNameOf(HeapType heap) {
  switch (heap) {
    case HeapType::kFunc:
      return "funcref";
    case HeapType::kExtern:
      return "externref";
    case HeapType::kAny:
      return "anyref";
    case HeapType::kEq:
      return "eqref";
    case HeapType::kI31:
      return "i31ref";
    case HeapType::kStruct:
      return "structref";
    case HeapType::kArray:
      return "arrayref";
    case HeapType::kExn:
      return "exnref";
    case HeapType::kNone:
      return "nullref";
    case HeapType::kNoFunc:
      return "nullfuncref";
    case HeapType::kNoExtern:
      return "nullexternref";
    case HeapType::kNoExn:
      return "nullexnref";
    default:
      return "bottom";
  }
}

std::string RefToString(ValueType type) {
  const HeapType heap = type.heap();
  if (type.nullable() && !IsConcrete(heap)) return ShortNameOf(heap);
  const std::string name =
      IsConcrete(heap) ? absl::StrCat(ToInt(TypeIndexOf(heap))) : std::string(NameOf(heap));
  return absl::StrCat("(ref ", type.nullable() ? "null " : "", name, ")");
}

std::string ListToString(const std::vector<ValueType>& types) {
  // A thousand types in a message would help nobody.
  constexpr size_t kShownMax = 20;
  std::string text = "[";
  for (size_t i = 0; i < types.size() && i < kShownMax; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : " ", ToString(types[i]));
  }
  if (types.size() > kShownMax) absl::StrAppend(&text, " … ", types.size(), " in all");
  return text + "]";
}

}  // namespace

std::string ToString(ValueType type) {
  switch (type.kind()) {
    case ValueKind::kI32:
      return "i32";
    case ValueKind::kI64:
      return "i64";
    case ValueKind::kF32:
      return "f32";
    case ValueKind::kF64:
      return "f64";
    case ValueKind::kV128:
      return "v128";
    case ValueKind::kRef:
      return RefToString(type);
    case ValueKind::kBottom:
      break;
  }
  return "bottom";
}

std::string ToString(const FunctionType& type) {
  return absl::StrCat(ListToString(type.params), " -> ", ListToString(type.results));
}

}  // namespace tidepool::engine::wasm
