#include "engine/wasm/types.h"

#include "absl/strings/str_cat.h"

namespace tidepool::engine::wasm {
namespace {

const char* NameOf(HeapType heap) {
  switch (heap) {
    case HeapType::kFunc: return "func";
    case HeapType::kExtern: return "extern";
    case HeapType::kAny: return "any";
    case HeapType::kEq: return "eq";
    case HeapType::kI31: return "i31";
    case HeapType::kStruct: return "struct";
    case HeapType::kArray: return "array";
    case HeapType::kExn: return "exn";
    case HeapType::kNone: return "none";
    case HeapType::kNoFunc: return "nofunc";
    case HeapType::kNoExtern: return "noextern";
    case HeapType::kNoExn: return "noexn";
    default: return "bottom";
  }
}

std::string RefToString(ValueType type) {
  const HeapType heap = type.heap();
  // The short forms that the text format has.
  if (heap == HeapType::kFunc && type.nullable()) return "funcref";
  if (heap == HeapType::kExtern && type.nullable()) return "externref";
  if (heap == HeapType::kExn && type.nullable()) return "exnref";
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
    case ValueKind::kI32: return "i32";
    case ValueKind::kI64: return "i64";
    case ValueKind::kF32: return "f32";
    case ValueKind::kF64: return "f64";
    case ValueKind::kV128: return "v128";
    case ValueKind::kRef: return RefToString(type);
    case ValueKind::kBottom: break;
  }
  return "bottom";
}

std::string ToString(const FunctionType& type) {
  return absl::StrCat(ListToString(type.params), " -> ", ListToString(type.results));
}

}  // namespace tidepool::engine::wasm
