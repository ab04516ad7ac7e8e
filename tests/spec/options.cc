#include "tests/spec/options.h"

#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "engine/compiler/option_list.h"
#include "engine/platform/cpu_features.h"
#include "engine/support/status_macros.h"

namespace tidepool::spec {
namespace {

absl::Status BadValue(const std::string& option,
                      const std::string& value,
                      absl::string_view known) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": \"", value, "\" is not known; known: ", known));
}

absl::Status ParseNumber(const std::string& option,
                         const std::string& value,
                         uint64_t min,
                         uint64_t* number) {
  if (absl::SimpleAtoi(value, number) && *number >= min) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": \"", value, "\" is not a number of at least ", min));
}

absl::Status ApplyTier(const std::string& value, Options& options) {
  TP_ASSIGN_OR_RETURN(options.compile.tier, engine::ParseTier(value));
  if (options.compile.tier == engine::Tier::kBaseline) return absl::OkStatus();
  return absl::InvalidArgumentError("--tier: only baseline is built yet");
}

absl::Status ApplyStorage(const std::string& value, Options& options) {
  if (value != "pool" && value != "owned") return BadValue("--storage", value, "pool, owned");
  options.storage = value == "pool" ? StorageKind::kPool : StorageKind::kOwned;
  return absl::OkStatus();
}

absl::Status ApplyCompileOption(const std::string& value, Options& options) {
  return engine::ApplyOption(value, &options.compile);
}

absl::Status ApplyGrowth(const std::string& value, Options& options) {
  TP_ASSIGN_OR_RETURN(options.growth, pool::GrowthKindOf(value));
  return absl::OkStatus();
}

absl::Status ApplyReset(const std::string& value, Options& options) {
  TP_ASSIGN_OR_RETURN(options.reset, pool::ResetKindOf(value));
  return absl::OkStatus();
}

absl::Status ApplySlots(const std::string& value, Options& options) {
  return ParseNumber("--slots", value, 1, &options.slots);
}

absl::Status ApplyRepeat(const std::string& value, Options& options) {
  uint64_t repeat = 0;
  TP_RETURN_IF_ERROR(ParseNumber("--repeat", value, 1, &repeat));
  options.repeat = static_cast<uint32_t>(repeat);
  return absl::OkStatus();
}

absl::Status ApplySkip(const std::string& value, Options& options) {
  options.skip_path = value;
  return absl::OkStatus();
}

absl::Status ApplySteps(const std::string& value, Options& options) {
  options.steps_path = value;
  return absl::OkStatus();
}

struct OptionRow {
  std::string_view name;
  absl::Status (*apply)(const std::string& value, Options& options);
};
constexpr OptionRow kRows[] = {
    {"--tier", &ApplyTier},
    {"--storage", &ApplyStorage},
    {"--option", &ApplyCompileOption},
    {"--growth", &ApplyGrowth},
    {"--reset", &ApplyReset},
    {"--slots", &ApplySlots},
    {"--repeat", &ApplyRepeat},
    {"--skip", &ApplySkip},
    {"--steps", &ApplySteps},
};

}  // namespace

const char kUsage[] =
    "usage: tidepool-spec [--tier T] [--storage pool|owned] [--option K=V]…\n"
    "                     [--growth ftruncate|mprotect|none] [--reset learned|scan|madvise|remap]\n"
    "                     [--slots N] [--repeat N] [--skip FILE.tsv] PATH…\n"
    "       tidepool-spec [options] --steps STEPS.json FILE.wasm\n"
    "PATH is a script or a folder of scripts, in the form of ../shared/conformance/README.md.\n";

absl::StatusOr<Options> ParseOptions(absl::Span<char* const> arguments) {
  Options options;
  TP_ASSIGN_OR_RETURN(options.compile.cpu_features, DetectCpuFeatures());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string argument = arguments[i];
    if (argument.empty() || argument[0] != '-') {
      options.paths.push_back(argument);
      continue;
    }
    // Both "--name value" and "--name=value".
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const OptionRow* found = nullptr;
    for (const OptionRow& row : kRows) {
      if (row.name == name) found = &row;
    }
    if (found == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("unknown option ", name));
    }
    std::string value;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat(name, " needs a value"));
    }
    TP_RETURN_IF_ERROR(found->apply(value, options));
  }
  if (options.paths.empty()) return absl::InvalidArgumentError("no script or folder was given");
  if (!options.steps_path.empty() && options.paths.size() != 1) {
    return absl::InvalidArgumentError("--steps drives exactly one module");
  }
  return options;
}

}  // namespace tidepool::spec
