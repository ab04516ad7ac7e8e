#include "benchmarks/support/rows.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"

namespace tidepool::bench {
namespace {

std::string Text(std::optional<double> value) {
  return value.has_value() ? absl::StrCat(*value) : "null";
}

}  // namespace

void PrintRow(const Promise& promise, std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    return samples[std::min(samples.size() - 1, static_cast<size_t>(share * static_cast<double>(samples.size())))];
  };
  const double value = at(0.5);
  std::optional<double> ratio;
  if (promise.floor.has_value()) ratio = value / *promise.floor;
  std::string holds = "null";
  if (promise.goal.has_value()) holds = ratio.value_or(value) <= *promise.goal ? "true" : "false";
  std::printf("%s\n",
              absl::StrCat("{\"name\": \"", promise.name, "\", \"unit\": \"", promise.unit,
                           "\", \"value\": ", value, ", \"p10\": ", at(0.1), ", \"p90\": ", at(0.9),
                           ", \"floor\": ", Text(promise.floor), ", \"ratio\": ", Text(ratio),
                           ", \"goal\": ", Text(promise.goal), ", \"holds\": ", holds, "}")
                  .c_str());
  std::fflush(stdout);
}

}  // namespace tidepool::bench
