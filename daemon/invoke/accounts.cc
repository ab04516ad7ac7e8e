#include "daemon/invoke/accounts.h"

#include <utility>

namespace tidepool::daemon {

TenantAccount* AccountBook::FindTenant(uint64_t id, absl::string_view name) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<TenantAccount>& account = tenants_[id];
  if (account == nullptr) {
    account = std::make_unique<TenantAccount>();
    account->id = id;
    account->name = std::string(name);
  }
  return account.get();
}

FunctionAccount* AccountBook::FindFunction(uint64_t tenant_id, absl::string_view function) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<FunctionAccount>& account =
      functions_[std::make_pair(tenant_id, std::string(function))];
  if (account == nullptr) {
    account = std::make_unique<FunctionAccount>();
    account->name = std::string(function);
  }
  return account.get();
}

AccountCache::Pair AccountCache::Find(uint64_t tenant_id, absl::string_view tenant,
                                      absl::string_view function) {
  Entry& entry = entries_[tenant_id];
  if (entry.tenant == nullptr) entry.tenant = book_.FindTenant(tenant_id, tenant);
  const auto it = entry.functions.find(function);
  if (it != entry.functions.end()) return {entry.tenant, it->second};
  FunctionAccount* account = book_.FindFunction(tenant_id, function);
  entry.functions.emplace(std::string(function), account);
  return {entry.tenant, account};
}

}  // namespace tidepool::daemon
