// The body validator's part for selects, tables, segments and references.

#include "absl/strings/str_cat.h"

#include "engine/wasm/body_validator_inline.h"

namespace tidepool::engine::wasm {
namespace {

// The type that counts elements or bytes moved between two spaces: the narrower one.
ValueType Narrower(ValueType a, ValueType b) {
  return a == ValueType::I64() ? b : a;
}

}  // namespace

bool BodyValidator::VisitSelect() {
  ValueType a;
  ValueType b;
  if (!Pop(ValueType::I32()) || !PopAny(&b) || !PopAny(&a)) return false;
  if (a.is_ref() || b.is_ref()) return Fail("type mismatch: select of references needs a type");
  if (a.kind() == ValueKind::kBottom) a = b;
  if (b.kind() != ValueKind::kBottom && a != b) return Mismatch(a, b);
  Push(a);
  return true;
}

bool BodyValidator::VisitSelectTyped(ValueType type) {
  if (!CheckValueType(type)) return false;
  if (!Pop(ValueType::I32()) || !Pop(type) || !Pop(type)) return false;
  Push(type);
  return true;
}

// ---- Tables
// -----------------------------------------------------------------------------------------

bool BodyValidator::VisitTableGet(TableIndex table) {
  ValueType address;
  if (!CheckTable(table, &address) || !Pop(address)) return false;
  Push(module_.tables[ToInt(table)].type.element);
  return true;
}

bool BodyValidator::VisitTableSet(TableIndex table) {
  ValueType address;
  return CheckTable(table, &address) && Pop(module_.tables[ToInt(table)].type.element) &&
         Pop(address);
}

bool BodyValidator::VisitTableGrow(TableIndex table) {
  ValueType address;
  if (!CheckTable(table, &address) || !Pop(address) ||
      !Pop(module_.tables[ToInt(table)].type.element)) {
    return false;
  }
  Push(address);
  return true;
}

bool BodyValidator::VisitTableSize(TableIndex table) {
  ValueType address;
  if (!CheckTable(table, &address)) return false;
  Push(address);
  return true;
}

bool BodyValidator::VisitTableFill(TableIndex table) {
  ValueType address;
  return CheckTable(table, &address) && Pop(address) &&
         Pop(module_.tables[ToInt(table)].type.element) && Pop(address);
}

bool BodyValidator::VisitTableCopy(TableIndex to, TableIndex from) {
  ValueType to_address;
  ValueType from_address;
  if (!CheckTable(to, &to_address) || !CheckTable(from, &from_address)) return false;
  const ValueType expected = module_.tables[ToInt(to)].type.element;
  const ValueType actual = module_.tables[ToInt(from)].type.element;
  if (!context_.relations.IsSubtype(actual, expected)) return Mismatch(expected, actual);
  return Pop(Narrower(to_address, from_address)) && Pop(from_address) && Pop(to_address);
}

bool BodyValidator::VisitTableInit(ElementIndex segment, TableIndex table) {
  ValueType address;
  if (!CheckTable(table, &address) || !CheckElement(segment)) return false;
  const ValueType expected = module_.tables[ToInt(table)].type.element;
  const ValueType actual = module_.elements[ToInt(segment)].type;
  if (!context_.relations.IsSubtype(actual, expected)) return Mismatch(expected, actual);
  return Pop(ValueType::I32()) && Pop(ValueType::I32()) && Pop(address);
}

bool BodyValidator::VisitElemDrop(ElementIndex segment) {
  return CheckElement(segment);
}

// ---- Memories
// ---------------------------------------------------------------------------------------

bool BodyValidator::VisitDataDrop(DataIndex segment) {
  return CheckData(segment);
}

bool BodyValidator::VisitMemoryCopy(MemoryIndex to, MemoryIndex from) {
  ValueType to_address;
  ValueType from_address;
  return CheckMemory(to, &to_address) && CheckMemory(from, &from_address) &&
         Pop(Narrower(to_address, from_address)) && Pop(from_address) && Pop(to_address);
}

// ---- References
// -------------------------------------------------------------------------------------

bool BodyValidator::VisitRefNull(HeapType heap) {
  const ValueType type = ValueType::Ref(heap, /*nullable=*/true);
  if (!CheckValueType(type)) return false;
  Push(type);
  return true;
}

bool BodyValidator::VisitRefIsNull() {
  ValueType ignored;
  if (!PopRef(&ignored)) return false;
  Push(ValueType::I32());
  return true;
}

bool BodyValidator::VisitRefFunc(FunctionIndex function) {
  if (!CheckFunction(function)) return false;
  // So that a single pass over a body's code knows every function whose address is taken.
  if (!context_.declared[ToInt(function)]) {
    return Fail(absl::StrCat("undeclared function reference ", ToInt(function)));
  }
  const HeapType heap = ConcreteHeapType(module_.functions[ToInt(function)].type);
  Push(context_.features.function_references ? ValueType::Ref(heap, /*nullable=*/false)
                                             : ValueType::FuncRef());
  return true;
}

bool BodyValidator::VisitRefAsNonNull() {
  ValueType reference;
  if (!PopRef(&reference)) return false;
  Push(reference.is_ref() ? ValueType::Ref(reference.heap(), /*nullable=*/false) : reference);
  return true;
}

}  // namespace tidepool::engine::wasm
