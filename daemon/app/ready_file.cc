#include "daemon/app/ready_file.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "daemon/invoke/failure.h"
#include "engine/platform/files.h"

namespace tidepool::daemon {

absl::Status WriteReadyFile(const std::string& path, const DaemonAddresses& addresses) {
  std::string json = "{\"http\":";
  AppendJsonString(json, addresses.http);
  json += ",\"grpc\":";
  AppendJsonString(json, addresses.grpc);
  json += ",\"ops\":";
  AppendJsonString(json, addresses.ops);
  json += ",\"admin\":";
  AppendJsonString(json, addresses.admin);
  absl::StrAppend(&json, ",\"pid\":", ::getpid(), "}\n");
  return WriteFileDurably(
      path, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(json.data()), json.size()));
}

}  // namespace tidepool::daemon
