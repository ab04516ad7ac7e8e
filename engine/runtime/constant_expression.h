// Evaluates the constant expressions that the compiler could not turn into image bytes.
//
// Trust    The expression was validated before it was compiled.  Bytes that make no sense all the
//          same (a damaged artifact) give zeros, never a read outside of them.
// Source   wasm core 3.3.13 and the extended constant expressions of 3.0.
#pragma once

#include "engine/artifact/module_info.h"
#include "engine/runtime/state_view.h"
#include "engine/runtime/value.h"

namespace tidepool::engine {

// Globals and functions are those of `state`: imports linked, globals before this one written.
Value EvaluateConstant(const InitExpression& expression, const StateView& state);

}  // namespace tidepool::engine
