#include "daemon/control/resource_names.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status Malformed(absl::string_view name, absl::string_view form) {
  return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not of the form ", form));
}

// Takes "<collection>/<id>" off the front of `rest`, with the slash behind it.
bool Consume(absl::string_view collection, absl::string_view* rest, std::string* id) {
  if (!absl::ConsumePrefix(rest, collection) || !absl::ConsumePrefix(rest, "/")) return false;
  const size_t slash = rest->find('/');
  *id = std::string(rest->substr(0, slash));
  rest->remove_prefix(slash == absl::string_view::npos ? rest->size() : slash + 1);
  return !id->empty();
}

}  // namespace

absl::StatusOr<std::string> ParseTenantName(absl::string_view name) {
  absl::string_view rest = name;
  std::string tenant;
  if (!Consume("tenants", &rest, &tenant) || !rest.empty()) {
    return Malformed(name, "tenants/TENANT");
  }
  return tenant;
}

absl::StatusOr<std::string> ParseTenantOrAll(absl::string_view name) {
  TP_ASSIGN_OR_RETURN(std::string tenant, ParseTenantName(name));
  return tenant == "-" ? std::string() : tenant;
}

absl::StatusOr<FunctionName> ParseFunctionName(absl::string_view name) {
  constexpr absl::string_view kForm = "tenants/TENANT/functions/FUNCTION[/revisions/NUMBER]";
  absl::string_view rest = name;
  FunctionName parsed;
  if (!Consume("tenants", &rest, &parsed.tenant) ||
      !Consume("functions", &rest, &parsed.function)) {
    return Malformed(name, kForm);
  }
  if (rest.empty()) return parsed;
  std::string number;
  if (!Consume("revisions", &rest, &number) || !rest.empty() ||
      !absl::SimpleAtoi(number, &parsed.revision) || parsed.revision == 0) {
    return Malformed(name, kForm);
  }
  return parsed;
}

absl::StatusOr<ChildName> ParseModuleName(absl::string_view name) {
  absl::string_view rest = name;
  ChildName parsed;
  if (!Consume("tenants", &rest, &parsed.tenant) || !Consume("modules", &rest, &parsed.child) ||
      !rest.empty()) {
    return Malformed(name, "tenants/TENANT/modules/SHA256");
  }
  return parsed;
}

absl::StatusOr<ChildName> ParseRouteName(absl::string_view name) {
  absl::string_view rest = name;
  ChildName parsed;
  if (!Consume("tenants", &rest, &parsed.tenant) || !absl::ConsumePrefix(&rest, "routes/") ||
      rest.empty()) {
    return Malformed(name, "tenants/TENANT/routes/HOST/PATH");
  }
  parsed.child = std::string(rest);
  return parsed;
}

absl::StatusOr<FunctionReference> ParseFunctionReference(absl::string_view name) {
  absl::string_view rest = name;
  FunctionReference parsed;
  if (!Consume("tenants", &rest, &parsed.tenant) ||
      !Consume("functions", &rest, &parsed.function) || !rest.empty()) {
    return Malformed(name, "tenants/TENANT/functions/FUNCTION[@ALIAS|:REVISION]");
  }
  const size_t mark = parsed.function.find_first_of("@:");
  if (mark == std::string::npos) return parsed;
  parsed.revision = parsed.function.substr(mark + 1);
  parsed.function.resize(mark);
  if (parsed.revision.empty() || parsed.function.empty()) {
    return Malformed(name, "tenants/TENANT/functions/FUNCTION[@ALIAS|:REVISION]");
  }
  return parsed;
}

}  // namespace tidepool::daemon
