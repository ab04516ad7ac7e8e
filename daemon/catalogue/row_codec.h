// From rows of the database to the catalogue's values, and back.
//
// Errors   DataLoss: a row holds what no version of ours writes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "daemon/catalogue/database.h"
#include "daemon/catalogue/function_revision.h"
#include "daemon/tenants/limits.h"

namespace tidepool::daemon {

absl::string_view ToString(engine::UnknownImports unknown);

// "memory=64MiB cpu=1s"; empty for none.
std::string EncodeLimits(const LimitOverrides& limits);
absl::StatusOr<LimitOverrides> DecodeLimits(absl::string_view text);

RevisionRow EncodeRevision(const FunctionRevision& revision);
// Without module, imports and names of tenant and function.
absl::StatusOr<FunctionRevision> DecodeRevision(const RevisionRow& row);

}  // namespace tidepool::daemon
