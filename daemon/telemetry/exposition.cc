#include "daemon/telemetry/exposition.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace tidepool::daemon {

void HistogramSum::Add(const Histogram& histogram) {
  for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += histogram.bucket(i);
  sum_ns += histogram.sum_ns();
}

void ExpositionWriter::Family(absl::string_view name, absl::string_view type,
                              absl::string_view help) {
  family_ = std::string(name);
  absl::StrAppend(&text_, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

void ExpositionWriter::Sample(absl::Span<const MetricLabel> labels, double value) {
  Line("", labels, absl::StrFormat("%.9g", value));
}

void ExpositionWriter::Sample(absl::Span<const MetricLabel> labels, uint64_t value) {
  Line("", labels, absl::StrCat(value));
}

void ExpositionWriter::HistogramSample(absl::Span<const MetricLabel> labels,
                                       const HistogramSum& histogram) {
  uint64_t count = 0;
  for (size_t i = 0; i < histogram.buckets.size(); ++i) {
    count += histogram.buckets[i];
    const std::string bound =
        i < Histogram::kBoundsNs.size()
            ? absl::StrFormat("%.9g", static_cast<double>(Histogram::kBoundsNs[i]) / 1e9)
            : "+Inf";
    std::vector<MetricLabel> with_bound(labels.begin(), labels.end());
    with_bound.emplace_back("le", bound);
    Line("_bucket", with_bound, absl::StrCat(count));
  }
  Line("_sum", labels, absl::StrFormat("%.9g", static_cast<double>(histogram.sum_ns) / 1e9));
  Line("_count", labels, absl::StrCat(count));
}

void ExpositionWriter::Line(absl::string_view suffix, absl::Span<const MetricLabel> labels,
                            absl::string_view value) {
  absl::StrAppend(&text_, family_, suffix);
  char separator = '{';
  for (const MetricLabel& label : labels) {
    absl::StrAppend(&text_, absl::string_view(&separator, 1), label.first, "=\"",
                    absl::StrReplaceAll(label.second, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                    "\"");
    separator = ',';
  }
  absl::StrAppend(&text_, labels.empty() ? " " : "} ", value, "\n");
}

}  // namespace tidepool::daemon
