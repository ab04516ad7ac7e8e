#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "daemon/control/admin_services.h"
#include "engine/abi/abi_version.h"

#include "tidepool/admin/v1/pool.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using grpc::ServerContext;

absl::string_view NameOf(pool::SlotState state) {
  switch (state) {
    case pool::SlotState::kUnmapped:
      return "free";
    case pool::SlotState::kClean:
      return "warm";
    case pool::SlotState::kLeased:
      return "leased";
    case pool::SlotState::kResetting:
      return "resetting";
    case pool::SlotState::kQuarantined:
      return "quarantined";
  }
  return "";
}

void PutWorker(const WorkerSnapshot& snapshot, admin::v1::PoolStatus::Worker& message) {
  message.set_worker(snapshot.worker);
  const pool::PoolStats& pool = snapshot.pool;
  auto& slots = *message.mutable_slots();
  slots["total"] = pool.slots.total;
  slots["free"] = pool.slots.free;
  slots["warm"] = pool.slots.warm;
  slots["leased"] = pool.slots.leased;
  slots["resetting"] = pool.slots.resetting;
  slots["quarantined"] = pool.slots.quarantined;
  auto& counters = *message.mutable_counters();
  counters["running"] = snapshot.running;
  counters["waiting"] = snapshot.waiting;
  counters["finished"] = snapshot.finished;
  counters["kills"] = snapshot.kills;
  counters["leases_warm"] = pool.leases_warm;
  counters["leases_cold"] = pool.leases_cold;
  counters["leases_refused"] = pool.leases_refused;
  counters["evictions"] = pool.evictions;
  counters["resets"] = pool.resets;
  counters["resets_failed"] = pool.resets_failed;
  counters["verifications"] = pool.verifications;
  counters["verifications_failed"] = pool.verifications_failed;
  counters["quarantined_by_reset"] = pool.quarantined_by_reset;
  counters["quarantined_by_verify"] = pool.quarantined_by_verify;
  counters["quarantined_by_preparing"] = pool.quarantined_by_preparing;
  counters["remaps"] = pool.remaps;
  counters["images"] = pool.images;
  counters["charged_bytes"] = pool.charged_bytes;
  // Any other value than 0 means that a slot was lost or counted twice.
  counters["drift"] = static_cast<uint64_t>(pool.drift);
}

class PoolService final : public admin::v1::Pool::Service {
 public:
  PoolService(PoolInspector& pool, Catalogue& catalogue) : pool_(pool), catalogue_(catalogue) {}

 private:
  grpc::Status GetPool(ServerContext*,
                       const admin::v1::GetPoolRequest*,
                       admin::v1::PoolStatus* response) override {
    const HostSnapshot host = pool_.Snapshot();
    for (const WorkerSnapshot& worker : host.workers) PutWorker(worker, *response->add_workers());
    auto& facts = *response->mutable_facts();
    facts["growth"] = host.growth;
    facts["reset"] = host.reset;
    facts["kernel_features"] = host.kernel_features;
    facts["memory_budget_bytes"] = absl::StrCat(host.memory_budget_bytes);
    facts["memory_charged_bytes"] = absl::StrCat(host.memory_charged_bytes);
    facts["buffered_body_bytes"] = absl::StrCat(host.buffered_body_bytes);
    facts["queued"] = absl::StrCat(host.queued);
    return grpc::Status::OK;
  }

  grpc::Status ListSlots(ServerContext*,
                         const admin::v1::ListSlotsRequest*,
                         admin::v1::ListSlotsResponse* response) override {
    const auto tenants = TenantsById();
    const auto modules = ModulesById();
    uint64_t index = 0;
    for (const pool::StorageReport& storage : pool_.ListStorages()) {
      admin::v1::Slot& slot = *response->add_slots();
      slot.set_index(index++);
      slot.set_state(std::string(NameOf(storage.state)));
      slot.set_slot_count(storage.slot_count);
      slot.set_accessible_bytes(storage.accessible_bytes);
      slot.set_resident_bytes(storage.resident_bytes);
      slot.set_leases(storage.leases);
      if (const auto found = tenants.find(static_cast<uint64_t>(storage.tenant));
          found != tenants.end()) {
        slot.set_tenant(found->second);
      }
      if (const auto found = modules.find(storage.module_id); found != modules.end()) {
        slot.set_module(found->second);
      }
    }
    return grpc::Status::OK;
  }

  grpc::Status VerifySlots(ServerContext*,
                           const admin::v1::VerifySlotsRequest*,
                           admin::v1::VerifySlotsResponse* response) override {
    const VerifyReport report = pool_.Verify();
    response->set_verified(report.verified_slots);
    response->set_quarantined(report.quarantined_slots);
    for (const std::string& difference : report.differences) response->add_mismatches(difference);
    return grpc::Status::OK;
  }

  absl::flat_hash_map<uint64_t, std::string> TenantsById() {
    absl::flat_hash_map<uint64_t, std::string> names;
    for (const TenantView& tenant : catalogue_.ListTenants()) {
      names[tenant.id] = absl::StrCat("tenants/", tenant.name);
    }
    return names;
  }

  absl::flat_hash_map<uint64_t, std::string> ModulesById() {
    absl::flat_hash_map<uint64_t, std::string> names;
    const absl::StatusOr<std::vector<FunctionView>> functions = catalogue_.ListFunctions("");
    if (!functions.ok()) return names;
    for (const FunctionView& function : *functions) {
      const FunctionRevision& revision = *function.serving.revision;
      if (revision.module != nullptr) names[revision.module->id()] = revision.ResourceName();
    }
    return names;
  }

  PoolInspector& pool_;
  Catalogue& catalogue_;
};

class DaemonService final : public admin::v1::Daemon::Service {
 public:
  DaemonService(std::string version, std::vector<std::pair<std::string, std::string>> facts)
      : version_(std::move(version)), facts_(std::move(facts)) {}

 private:
  grpc::Status GetVersion(ServerContext*,
                          const admin::v1::GetVersionRequest*,
                          admin::v1::Version* response) override {
    response->set_version(version_);
    response->set_abi_version(engine::abi::kAbiVersion);
    for (const auto& [name, value] : facts_) (*response->mutable_facts())[name] = value;
    return grpc::Status::OK;
  }

  const std::string version_;
  const std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePoolService(PoolInspector& pool, Catalogue& catalogue) {
  return std::make_unique<PoolService>(pool, catalogue);
}

std::unique_ptr<grpc::Service> MakeDaemonService(
    std::string version, std::vector<std::pair<std::string, std::string>> facts) {
  return std::make_unique<DaemonService>(std::move(version), std::move(facts));
}

}  // namespace tidepool::daemon
