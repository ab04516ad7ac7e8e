#include "daemon/catalogue/row_codec.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status Damaged(absl::string_view what, absl::string_view value) {
  return absl::DataLossError(absl::StrCat("catalogue.db holds the ", what, " \"", value, "\""));
}

// The value among `all` whose ToString is `text`.
template <typename Enum>
absl::StatusOr<Enum> Find(std::initializer_list<Enum> all,
                          absl::string_view text,
                          absl::string_view what) {
  for (const Enum value : all) {
    if (ToString(value) == text) return value;
  }
  return Damaged(what, text);
}

void AppendString(std::string& out, absl::string_view text) {
  out.append(text.data(), text.size());
  out.push_back('\0');
}

std::vector<std::string> SplitStrings(const std::string& text) {
  std::vector<std::string> strings = absl::StrSplit(text, '\0');
  strings.pop_back();  // What follows the last NUL: nothing.
  return strings;
}

}  // namespace

absl::string_view ToString(engine::UnknownImports unknown) {
  switch (unknown) {
    case engine::UnknownImports::kRefuse:
      return "refuse";
    case engine::UnknownImports::kTrap:
      return "trap";
    case engine::UnknownImports::kZero:
      return "zero";
  }
  return "";
}

std::string EncodeLimits(const LimitOverrides& limits) {
  std::vector<std::string> words;
  for (size_t i = 0; i < kLimitCount; ++i) {
    const auto name = static_cast<LimitName>(i);
    if (const std::optional<uint64_t> value = limits.Get(name)) {
      words.push_back(absl::StrCat(FactsOf(name).name, "=", FormatLimit(name, *value)));
    }
  }
  return absl::StrJoin(words, " ");
}

absl::StatusOr<LimitOverrides> DecodeLimits(absl::string_view text) {
  LimitOverrides limits;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!limits.SetFromText(word).ok()) return Damaged("limit", word);
  }
  return limits;
}

RevisionRow EncodeRevision(const FunctionRevision& revision) {
  RevisionRow row;
  row.number = static_cast<int64_t>(revision.revision);
  row.module_sha256 = revision.module_sha256;
  row.module_bytes = static_cast<int64_t>(revision.module_bytes);
  row.abi = std::string(ToString(revision.abi));
  row.response = std::string(ToString(revision.response));
  row.unknown_imports = std::string(ToString(revision.unknown_imports));
  for (const std::string& arg : revision.args) AppendString(row.args, arg);
  for (const auto& [name, value] : revision.env)
    AppendString(row.env, absl::StrCat(name, "=", value));
  row.limits = EncodeLimits(revision.limit_overrides);
  row.created_at_unix_ns = revision.created_at_unix_ns;
  return row;
}

absl::StatusOr<FunctionRevision> DecodeRevision(const RevisionRow& row) {
  using engine::UnknownImports;
  FunctionRevision revision;
  revision.revision = static_cast<uint64_t>(row.number);
  revision.module_sha256 = row.module_sha256;
  revision.module_bytes = static_cast<uint64_t>(row.module_bytes);
  TP_ASSIGN_OR_RETURN(
      revision.abi,
      Find({GuestAbi::kCommand, GuestAbi::kHandler, GuestAbi::kExport}, row.abi, "ABI"));
  TP_ASSIGN_OR_RETURN(revision.response,
                      Find({ResponseMode::kAuto, ResponseMode::kCgi, ResponseMode::kRaw},
                           row.response,
                           "response mode"));
  TP_ASSIGN_OR_RETURN(revision.unknown_imports,
                      Find({UnknownImports::kRefuse, UnknownImports::kTrap, UnknownImports::kZero},
                           row.unknown_imports,
                           "import rule"));
  revision.args = SplitStrings(row.args);
  for (const std::string& variable : SplitStrings(row.env)) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos) return Damaged("variable", variable);
    revision.env.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
  }
  TP_ASSIGN_OR_RETURN(revision.limit_overrides, DecodeLimits(row.limits));
  revision.created_at_unix_ns = row.created_at_unix_ns;
  return revision;
}

}  // namespace tidepool::daemon
