// Which guest ABI a module offers, told from its exports and imports.
//
// Errors   InvalidArgument: it offers none, or not the declared one; names what is missing.
// Source   service.md, "Guest ABIs".
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "daemon/catalogue/function_revision.h"
#include "engine/artifact/module_info.h"

namespace tidepool::daemon {

absl::StatusOr<GuestAbi> DetectAbi(const engine::ModuleInfo& info);
absl::Status CheckAbi(const engine::ModuleInfo& info, GuestAbi declared);

}  // namespace tidepool::daemon
