// Resource names of the API (AIP-122): tenants/t/functions/f/revisions/3 and the like.
//
// Errors   InvalidArgument: not of the form asked for.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

struct FunctionName {
  std::string tenant;
  std::string function;
  uint64_t revision = 0;  // 0: none was named.
};
struct ChildName {
  std::string tenant;
  std::string child;
};

// "tenants/t" → "t".
absl::StatusOr<std::string> ParseTenantName(absl::string_view name);
// The same; "tenants/-" → "", all tenants.
absl::StatusOr<std::string> ParseTenantOrAll(absl::string_view name);
// "tenants/t/functions/f", and with "/revisions/3".
absl::StatusOr<FunctionName> ParseFunctionName(absl::string_view name);
// "tenants/t/modules/<sha256>".
absl::StatusOr<ChildName> ParseModuleName(absl::string_view name);
// "tenants/t/routes/host/path".
absl::StatusOr<ChildName> ParseRouteName(absl::string_view name);
// "tenants/t/functions/f", "…@alias", "…:3", as InvokeRequest names them.
absl::StatusOr<FunctionReference> ParseFunctionReference(absl::string_view name);

}  // namespace tidepool::daemon
