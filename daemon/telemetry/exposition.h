// ExpositionWriter writes metrics in Prometheus' text format, version 0.0.4.
//
// Source   https://prometheus.io/docs/instrumenting/exposition_formats
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/telemetry/histogram.h"

namespace tidepool::daemon {

using MetricLabel = std::pair<absl::string_view, absl::string_view>;

// Sums of several Histograms.
struct HistogramSum {
  std::array<uint64_t, Histogram::kBucketCount> buckets{};
  uint64_t sum_ns = 0;
  void Add(const Histogram& histogram);
};

class ExpositionWriter {
 public:
  // Starts a family; `type` is counter, gauge or histogram.  All its samples follow at once.
  void Family(absl::string_view name, absl::string_view type, absl::string_view help);
  void Sample(absl::Span<const MetricLabel> labels, double value);
  void Sample(absl::Span<const MetricLabel> labels, uint64_t value);
  // In seconds.
  void HistogramSample(absl::Span<const MetricLabel> labels, const HistogramSum& histogram);
  std::string Take() && { return std::move(text_); }

 private:
  void Line(absl::string_view suffix, absl::Span<const MetricLabel> labels, absl::string_view value);
  std::string family_;
  std::string text_;
};

}  // namespace tidepool::daemon
