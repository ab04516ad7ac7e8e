// IsValidUtf8: whether bytes are well-formed UTF-8, as names in modules must be.
//
// Source   Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include "absl/strings/string_view.h"

namespace tidepool::engine::wasm {

bool IsValidUtf8(absl::string_view text);

}  // namespace tidepool::engine::wasm
