// Rules for HTTP fields that hold on both sides: what clients send and what guests answer.
//
// Source   RFC 9110, 5.1 and 5.5 (names and values), 7.6.1 (hop-by-hop).
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

bool IsToken(absl::string_view text);       // Not empty.
bool IsFieldValue(absl::string_view text);  // No CR, LF, NUL or other control character but tab.
// Connection, Keep-Alive, TE, Trailer, Transfer-Encoding, Upgrade, Proxy-Connection and so on.
bool IsHopByHop(absl::string_view name);
bool IsTidepoolField(absl::string_view name);  // X-Tidepool-…
// The first field of that name, in any case; null when there is none.
const HeaderField* FindField(const std::vector<HeaderField>& fields, absl::string_view name);
absl::string_view TrimFieldValue(absl::string_view value);  // Spaces and tabs at both ends.

}  // namespace tidepool::daemon
