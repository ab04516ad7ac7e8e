// The validator's state: one module, checked declaration by declaration, then body by body.
//
// Threads  One thread at a time.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "engine/wasm/features.h"
#include "engine/wasm/module.h"
#include "engine/wasm/type_relations.h"

namespace tidepool::engine::wasm {

class Validator {
 public:
  Validator(Module module, const Features& features)
      : module_(std::move(module)),
        features_(features),
        escapes_(module_.functions.size(), false) {}
  absl::StatusOr<ValidatedModule> Validate();

 private:
  // validator.cc, in the order in which they may rely on each other.
  absl::Status CheckTypes();
  absl::Status CheckFunctions() const;
  absl::Status CheckTables();
  absl::Status CheckMemories() const;
  absl::Status CheckTags() const;
  absl::Status CheckGlobals();
  absl::Status CheckExports();
  absl::Status CheckStart() const;
  absl::Status CheckElements();
  absl::Status CheckElementSegment(const ElementSegment& segment, uint32_t index);
  absl::Status CheckData();
  absl::Status CheckBodies();
  absl::Status CheckValueType(ValueType type, const std::string& where) const;

  // validate_constant_expression.cc: the expression has type `expected`; it may read the first
  // `global_count` globals.  Functions that it names escape.
  absl::Status CheckConstant(const ConstantExpression& expression,
                             ValueType expected,
                             uint32_t global_count);
  absl::StatusOr<ValueType> TypeOfConstant(const ConstantExpression& expression,
                                           uint32_t global_count);
  absl::StatusOr<ValueType> TypeOfOther(const ConstantExpression& expression,
                                        uint32_t global_count);
  absl::StatusOr<ValueType> TypeOfGlobal(uint32_t index,
                                         uint32_t global_count,
                                         uint32_t offset) const;
  absl::StatusOr<ValueType> TypeOfFunctionReference(uint32_t index, uint32_t offset);

  Module module_;
  const Features& features_;
  TypeRelations relations_{{}, false};
  std::vector<bool> escapes_;
};

}  // namespace tidepool::engine::wasm
