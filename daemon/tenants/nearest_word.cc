#include "daemon/tenants/nearest_word.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tidepool::daemon {
namespace {

// Levenshtein's distance, one row at a time.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

// Words longer than any known name are not compared: their distance would cost, and say nothing.
constexpr size_t kComparedBytesMax = 64;

}  // namespace

std::string DidYouMean(absl::string_view word, absl::Span<const absl::string_view> known) {
  absl::string_view nearest;
  size_t nearest_distance = 3;  // Further away is another word, not a typing error.
  if (word.size() <= kComparedBytesMax) {
    for (absl::string_view candidate : known) {
      const size_t distance = Distance(word, candidate);
      if (distance < nearest_distance) {
        nearest_distance = distance;
        nearest = candidate;
      }
    }
  }
  if (!nearest.empty()) return absl::StrCat("; did you mean \"", nearest, "\"?");
  return absl::StrCat("; known: ", absl::StrJoin(known, ", "));
}

}  // namespace tidepool::daemon
