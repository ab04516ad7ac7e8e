// From the API's messages to the JSON that `-o json` shows: the fields' own names, numbers as
// numbers, times as RFC 3339.
#pragma once

#include <google/protobuf/map.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

#include "absl/strings/string_view.h"
#include <boost/json/value.hpp>

#include "tidepool/admin/v1/functions.pb.h"
#include "tidepool/admin/v1/modules.pb.h"
#include "tidepool/admin/v1/routes.pb.h"
#include "tidepool/admin/v1/tenants.pb.h"

namespace tidepool::daemon {

boost::json::value ToJson(const admin::v1::Tenant& tenant);
boost::json::value ToJson(const admin::v1::Module& module);
boost::json::value ToJson(const admin::v1::Revision& revision);
boost::json::value ToJson(const admin::v1::Function& function);
boost::json::value ToJson(const admin::v1::Route& route);

// In the order of the names: protobuf's maps have none.
boost::json::value ToJson(const google::protobuf::Map<std::string, std::string>& map);
boost::json::value ToJson(const google::protobuf::Map<std::string, uint64_t>& map);

std::string FormatTime(const google::protobuf::Timestamp& time);
// "handler", "auto", "refuse": as on the command line.
std::string NameOf(admin::v1::Abi abi);
std::string NameOf(admin::v1::ResponseMode mode);
std::string NameOf(admin::v1::UnknownImports unknown);
std::string NameOf(admin::v1::ValueType type);
// "tenants/t/functions/f" → "f".
std::string LastPart(absl::string_view resource_name);
// "tenants/t/functions/f" → "t".
std::string TenantPart(absl::string_view resource_name);

}  // namespace tidepool::daemon
