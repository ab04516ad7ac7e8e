#include <map>

#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/api_client.h"
#include "daemon/cli/api_json.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/version.h"
#include "engine/abi/abi_version.h"

#include "tidepool/admin/v1/pool.grpc.pb.h"

namespace tidepool::daemon {

using admin::v1::Daemon;
using admin::v1::Pool;

ExitCode PoolStatus(Session& session) {
  return Call<Pool>(
      session,
      &Pool::Stub::GetPool,
      admin::v1::GetPoolRequest(),
      [&](const admin::v1::PoolStatus& status) {
        boost::json::array workers;
        Report report{.header = {"WORKER", "WHAT", "VALUE"}};
        for (const auto& [name, value] :
             std::map<std::string, std::string>(status.facts().begin(), status.facts().end())) {
          report.rows.push_back({"", name, value});
        }
        for (const auto& worker : status.workers()) {
          workers.push_back({{"worker", worker.worker()},
                             {"slots", ToJson(worker.slots())},
                             {"counters", ToJson(worker.counters())}});
          for (const char* state :
               {"total", "free", "warm", "leased", "resetting", "quarantined"}) {
            const auto found = worker.slots().find(state);
            report.rows.push_back(
                {absl::StrCat(worker.worker()),
                 absl::StrCat("slots ", state),
                 found == worker.slots().end() ? "" : absl::StrCat(found->second)});
          }
          for (const auto& [name, value] : std::map<std::string, uint64_t>(
                   worker.counters().begin(), worker.counters().end())) {
            report.rows.push_back({absl::StrCat(worker.worker()), name, absl::StrCat(value)});
          }
        }
        report.data = {{"facts", ToJson(status.facts())}, {"workers", std::move(workers)}};
        report.names = {"pool"};
        return session.Succeed(report);
      });
}

ExitCode ListSlots(Session& session) {
  return Call<Pool>(
      session,
      &Pool::Stub::ListSlots,
      admin::v1::ListSlotsRequest(),
      [&](const admin::v1::ListSlotsResponse& response) {
        Report report{.data = boost::json::array(),
                      .header = {"STORAGE",
                                 "STATE",
                                 "TENANT",
                                 "REVISION",
                                 "SLOTS",
                                 "ACCESSIBLE",
                                 "RESIDENT",
                                 "LEASES"}};
        for (const admin::v1::Slot& slot : response.slots()) {
          report.data.get_array().push_back({{"index", slot.index()},
                                             {"state", slot.state()},
                                             {"tenant", slot.tenant()},
                                             {"module", slot.module()},
                                             {"slot_count", slot.slot_count()},
                                             {"accessible_bytes", slot.accessible_bytes()},
                                             {"resident_bytes", slot.resident_bytes()},
                                             {"leases", slot.leases()}});
          report.rows.push_back({absl::StrCat(slot.index()),
                                 slot.state(),
                                 slot.tenant(),
                                 slot.module(),
                                 absl::StrCat(slot.slot_count()),
                                 absl::StrCat(slot.accessible_bytes()),
                                 absl::StrCat(slot.resident_bytes()),
                                 absl::StrCat(slot.leases())});
          report.names.push_back(absl::StrCat("pool/slots/", slot.index()));
        }
        return session.Succeed(report);
      });
}

ExitCode VerifyPool(Session& session) {
  return Call<Pool>(
      session,
      &Pool::Stub::VerifySlots,
      admin::v1::VerifySlotsRequest(),
      [&](const admin::v1::VerifySlotsResponse& response) {
        boost::json::array mismatches;
        Report report{.rows = {{"verified", absl::StrCat(response.verified())},
                               {"quarantined", absl::StrCat(response.quarantined())}}};
        for (const std::string& mismatch : response.mismatches()) {
          mismatches.push_back(boost::json::value(mismatch));
          report.rows.push_back({"mismatch", mismatch});
        }
        report.data = {{"verified", response.verified()},
                       {"quarantined", response.quarantined()},
                       {"mismatches", std::move(mismatches)}};
        report.names = {"pool"};
        const ExitCode code = session.Succeed(report);
        if (code != ExitCode::kOk || response.mismatches().empty()) return code;
        return session.Fail(
            absl::DataLossError(absl::StrCat(response.mismatches_size(), " slots were not clean")));
      });
}

ExitCode ShowVersion(Session& session, bool client_only) {
  Report report{.rows = {{"tidectl", kClientVersion}}, .names = {kClientVersion}};
  boost::json::object data{{"client", kClientVersion}, {"abi_version", engine::abi::kAbiVersion}};
  if (client_only) {
    report.data = std::move(data);
    return session.Succeed(report);
  }
  return Call<Daemon>(session,
                      &Daemon::Stub::GetVersion,
                      admin::v1::GetVersionRequest(),
                      [&](const admin::v1::Version& version) {
                        data["server"] = version.version();
                        data["server_abi_version"] = version.abi_version();
                        data["server_facts"] = ToJson(version.facts());
                        report.data = std::move(data);
                        report.rows.push_back({"tidepoold", version.version()});
                        return session.Succeed(report);
                      });
}

}  // namespace tidepool::daemon
