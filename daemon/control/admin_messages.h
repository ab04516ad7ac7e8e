// From the catalogue's views to the messages of tidepool.admin.v1, and back.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "absl/status/statusor.h"

#include "daemon/catalogue/catalogue_views.h"

#include "tidepool/admin/v1/functions.pb.h"
#include "tidepool/admin/v1/modules.pb.h"
#include "tidepool/admin/v1/routes.pb.h"
#include "tidepool/admin/v1/tenants.pb.h"

namespace tidepool::daemon {

enum class Detail : uint8_t { kBrief, kFull };  // Full: effective limits and exports.

void PutTime(int64_t unix_ns, google::protobuf::Timestamp& message);
void Put(const TenantView& view, admin::v1::Tenant& message);
void Put(const ModuleView& view, admin::v1::Module& message);
void Put(const RevisionView& view, Detail detail, admin::v1::Revision& message);
void Put(const FunctionView& view, Detail detail, admin::v1::Function& message);
void Put(const RouteView& view, admin::v1::Route& message);

// InvalidArgument: a limit's name or value; an enumerator that we do not know.
absl::StatusOr<FunctionSettings> TakeSettings(const admin::v1::FunctionSettings& message);

}  // namespace tidepool::daemon
