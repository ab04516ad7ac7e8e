// Whether bytes are text that JSON can hold as it is.
#pragma once

#include "absl/strings/string_view.h"

namespace tidepool::daemon {

// Source   RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(absl::string_view bytes);

}  // namespace tidepool::daemon
