#include "engine/compiler/option_list.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/support/status_macros.h"

namespace tidepool::engine {
namespace {

// Bigger than any branch's shorter reach, small enough for a few thousand functions.
constexpr uint32_t kPaddingBytesMax = 16 * 1024 * 1024;
constexpr uint32_t kThreadsMax = 256;

absl::Status Wrong(absl::string_view key, absl::string_view value, absl::string_view allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat("compile option ", key, "=", value, ": expected ", allowed));
}

absl::Status ParseSwitch(absl::string_view key, absl::string_view value, bool* out) {
  if (value != "on" && value != "off") return Wrong(key, value, "on or off");
  *out = value == "on";
  return absl::OkStatus();
}

absl::Status ParseNumber(absl::string_view key, absl::string_view value, uint32_t min, uint32_t max,
                         uint32_t* out) {
  uint32_t number;
  if (!absl::SimpleAtoi(value, &number) || number < min || number > max) {
    return Wrong(key, value, absl::StrCat("a number from ", min, " to ", max));
  }
  *out = number;
  return absl::OkStatus();
}

// As ApplyFeatureList takes it: whatever is not named stays as it is.
std::string FeatureList(CpuFeatureSet features) {
  std::string list = ToString(features);
  if (list.empty()) return list;
  std::string signed_list = "+";
  for (char c : list) absl::StrAppend(&signed_list, c == ',' ? ",+" : std::string(1, c));
  return signed_list;
}

}  // namespace

absl::Status ApplyOption(absl::string_view option, CompileOptions* options) {
  const size_t equals = option.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("compile option \"", option, "\": expected KEY=VALUE"));
  }
  const absl::string_view key = option.substr(0, equals);
  const absl::string_view value = option.substr(equals + 1);
  if (key == "bounds") {
    if (value != "guard" && value != "explicit") return Wrong(key, value, "guard or explicit");
    options->bounds = value == "guard" ? Bounds::kGuard : Bounds::kExplicit;
    return absl::OkStatus();
  }
  if (key == "padding") {
    return ParseNumber(key, value, 0, kPaddingBytesMax, &options->padding_bytes);
  }
  if (key == "threads") return ParseNumber(key, value, 1, kThreadsMax, &options->threads);
  if (key == "address_map") return ParseSwitch(key, value, &options->address_map);
  if (key == "names") return ParseSwitch(key, value, &options->names);
  if (key == "features") {
    TP_ASSIGN_OR_RETURN(options->cpu_features, ApplyFeatureList(options->cpu_features, value));
    return absl::OkStatus();
  }
  if (key == "tier") {
    TP_ASSIGN_OR_RETURN(options->tier, ParseTier(value));
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown compile option \"", key,
                   "\"; known: bounds, padding, address_map, threads, features, names, tier"));
}

absl::StatusOr<Tier> ParseTier(absl::string_view name) {
  if (name == "baseline") return Tier::kBaseline;
  if (name == "optimized") return Tier::kOptimized;
  return Wrong("tier", name, "baseline or optimized");
}

absl::string_view ToString(Tier tier) {
  return tier == Tier::kBaseline ? "baseline" : "optimized";
}

absl::string_view ToString(Bounds bounds) {
  return bounds == Bounds::kGuard ? "guard" : "explicit";
}

std::string ToString(const CompileOptions& options) {
  return absl::StrCat("tier=", ToString(options.tier), " bounds=", ToString(options.bounds),
                      " padding=", options.padding_bytes,
                      " address_map=", options.address_map ? "on" : "off",
                      " names=", options.names ? "on" : "off",
                      " features=", FeatureList(options.cpu_features));
}

}  // namespace tidepool::engine
