// Control: one open block of the function being compiled.
//
// Shape    At every label of a block the operand stack below it is at home and locals are where
//          they always are; so a block keeps no copy of any state.  What a branch brings:
//            one value, to the end of a block   rax or xmm0
//            otherwise (several, or a loop)      their homes above `height`
#pragma once

#include <cstdint>

#include "engine/wasm/module.h"
#include "engine/wasm/types.h"

namespace tidepool::engine::baseline {

struct Control {
  enum class Kind : uint8_t { kFunction, kBlock, kLoop, kIf, kElse };
  Kind kind = Kind::kBlock;
  bool reached = false;        // A branch to the label exists.
  bool single_result = false;  // Without a function type.
  wasm::ValueKind result{};    // single_result.
  uint32_t label = 0;          // Index in FunctionCompiler::labels_.
  uint32_t else_label = 0;     // kIf.
  uint32_t height = 0;         // Entries below the block.
  uint32_t serial = 0;         // No two regions of a function share one (LocalState).
  uint32_t stub_table = 0;     // The br_table for which stub_label was made.
  uint32_t stub_label = 0;
  const wasm::FunctionType* type = nullptr;

  uint32_t param_count() const {
    return type == nullptr ? 0 : static_cast<uint32_t>(type->params.size());
  }
  uint32_t result_count() const {
    return type == nullptr ? single_result : static_cast<uint32_t>(type->results.size());
  }
  wasm::ValueKind ParamKind(uint32_t i) const { return type->params[i].kind(); }
  wasm::ValueKind ResultKind(uint32_t i) const {
    return type == nullptr ? result : type->results[i].kind();
  }
  // What a branch to the label carries.
  uint32_t branch_count() const { return kind == Kind::kLoop ? param_count() : result_count(); }
  bool branch_in_register() const { return kind != Kind::kLoop && result_count() == 1; }
};

}  // namespace tidepool::engine::baseline
