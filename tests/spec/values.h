// Values in scripts ↔ values of the engine.
//
// A host value with identity n is the externref n + 1, since 0 is null.
#pragma once

#include <optional>
#include <string>

#include "engine/runtime/value.h"
#include "engine/wasm/types.h"
#include "tests/spec/json.h"

namespace tidepool::spec {

// An argument; nothing for a form that this engine has no value for.
std::optional<engine::Value> ParseValue(const json::object& value);

// Whether `actual`, of `type`, is what `expected` describes.
bool Matches(const json::object& expected, engine::wasm::ValueType type, engine::Value actual);

// "i32 7", "f32 0x7fc00000", for reports.
std::string Describe(engine::wasm::ValueType type, engine::Value value);

}  // namespace tidepool::spec
