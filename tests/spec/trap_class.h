// Classes of traps, as scripts compare them: by meaning, not by text.
#pragma once

#include <string_view>

#include "engine/abi/trap_code.h"

namespace tidepool::spec {

// True when a trap with `code` is what a script's `text` asks for.  The text may end in details.
bool TrapIsOfClass(engine::TrapCode code, std::string_view text);

}  // namespace tidepool::spec
