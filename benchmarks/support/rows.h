// Rows of the table of promises, one JSON object a line on standard output; benchmarks/run reads them.
#pragma once

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"

namespace tidepool::bench {

struct Promise {
  absl::string_view name;  // "engine.trap.explicit"
  absl::string_view unit;
  std::optional<double> floor;  // Of the same run; ratio = median ÷ floor.
  std::optional<double> goal;   // Of the ratio, or of the value where there is no floor.
};

// Prints the median, tenth and ninetieth percentile of `samples`, which are costs: smaller is better.
void PrintRow(const Promise& promise, std::vector<double> samples);

}  // namespace tidepool::bench
