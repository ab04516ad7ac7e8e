// "Did you mean …?" for words that people mistype.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tidepool::daemon {

// "; did you mean \"memory\"?" when one of `known` is near enough, else "; known: a, b, c".
std::string DidYouMean(absl::string_view word, absl::Span<const absl::string_view> known);

}  // namespace tidepool::daemon
