// The file that tells others where this daemon listens (--ready-file).
//
// Shape    {"http":"127.0.0.1:34001","grpc":…,"ops":…,"admin":"unix:…","pid":…}
// Errors   As WriteFileDurably: it appears whole, by one rename, or not at all.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace tidepool::daemon {

struct DaemonAddresses {
  std::string http;
  std::string grpc;
  std::string ops;
  std::string admin;
};

absl::Status WriteReadyFile(const std::string& path, const DaemonAddresses& addresses);

}  // namespace tidepool::daemon
