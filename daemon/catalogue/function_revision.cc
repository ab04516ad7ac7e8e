#include "daemon/catalogue/function_revision.h"

#include "absl/strings/str_cat.h"

namespace tidepool::daemon {

absl::string_view ToString(GuestAbi abi) {
  switch (abi) {
    case GuestAbi::kCommand:
      return "command";
    case GuestAbi::kHandler:
      return "handler";
    case GuestAbi::kExport:
      return "export";
  }
  return "";
}

absl::string_view ToString(ResponseMode mode) {
  switch (mode) {
    case ResponseMode::kAuto:
      return "auto";
    case ResponseMode::kCgi:
      return "cgi";
    case ResponseMode::kRaw:
      return "raw";
  }
  return "";
}

std::string FunctionRevision::ResourceName() const {
  return absl::StrCat("tenants/", tenant, "/functions/", function, "/revisions/", revision);
}

}  // namespace tidepool::daemon
