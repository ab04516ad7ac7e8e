// Database: catalogue.db, one method per change that the catalogue makes.
//
//   tenants ─┬─ modules            what was uploaded, by SHA-256
//            ├─ functions ── revisions
//            └─ hosts ── routes ── functions
//
// Each method is one transaction: after OK it is on disk (WAL, synchronous=FULL); after an error
// nothing has changed.
//
// Threads  One thread at a time: the catalogue's own.
// Errors   FailedPrecondition: the schema is newer than we know, named with both numbers.  Else as
//          in sqlite.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "daemon/catalogue/sqlite.h"

namespace tidepool::daemon {

inline constexpr int64_t kSchemaVersion = 1;

// Rows, as they lie in the tables.  Limits as text: "memory=64MiB cpu=1s"; args and env as strings
// each ended by NUL, as the kernel keeps them.
struct TenantRow {
  int64_t id = 0;
  std::string name;
  std::string limits;
  int64_t created_at_unix_ns = 0;
};
struct ModuleRow {
  int64_t tenant_id = 0;
  std::string sha256;
  int64_t wasm_bytes = 0;
  int64_t created_at_unix_ns = 0;
};
struct FunctionRow {
  int64_t id = 0;
  int64_t tenant_id = 0;
  std::string name;
  int64_t serving_revision = 0;
  int64_t created_at_unix_ns = 0;
};
struct RevisionRow {
  int64_t function_id = 0;
  int64_t number = 0;
  std::string module_sha256;
  int64_t module_bytes = 0;
  std::string abi;
  std::string response;
  std::string unknown_imports;
  std::string args;
  std::string env;
  std::string limits;
  int64_t created_at_unix_ns = 0;
};
struct HostRow {
  std::string host;
  int64_t tenant_id = 0;
};
struct RouteRow {
  std::string host;
  std::string path;
  int64_t function_id = 0;
  int64_t revision = 0;  // 0: the one that serves.
  int64_t created_at_unix_ns = 0;
};
struct AllRows {
  std::vector<TenantRow> tenants;
  std::vector<ModuleRow> modules;
  std::vector<FunctionRow> functions;
  std::vector<RevisionRow> revisions;
  std::vector<HostRow> hosts;
  std::vector<RouteRow> routes;
};

class Database {
 public:
  // Creates or opens the file; refuses a newer schema.
  static absl::StatusOr<Database> Open(const std::string& path);

  absl::StatusOr<AllRows> LoadAll();

  absl::StatusOr<int64_t> InsertTenant(const TenantRow& row);  // Its id.
  absl::Status SetTenantLimits(int64_t tenant_id, absl::string_view limits);
  absl::Status DeleteTenant(int64_t tenant_id);

  // The same module again: OK, and the old row stays.
  absl::Status InsertModule(const ModuleRow& row);
  absl::Status DeleteModule(int64_t tenant_id, absl::string_view sha256);

  // A revision that serves from now on, with hosts and routes, all or nothing.  `function.id` 0: a
  // new function.  Gives the function's id; ids inside `revision` and `routes` are filled in.
  // `before_commit` runs when all is written and nothing committed.
  struct Deployment {
    FunctionRow function;
    RevisionRow revision;
    std::vector<HostRow> new_hosts;
    std::vector<RouteRow> routes;
  };
  absl::StatusOr<int64_t> Deploy(Deployment deployment, const std::function<void()>& before_commit);
  absl::Status DeleteFunction(int64_t function_id);
  absl::Status DeleteRevision(int64_t function_id, int64_t number);

  // With the host, when it is new.
  absl::Status InsertRoute(const RouteRow& row, const std::vector<HostRow>& new_hosts);
  absl::Status DeleteRoute(absl::string_view host, absl::string_view path);

 private:
  explicit Database(SqliteDatabase sqlite) : sqlite_(std::move(sqlite)) {}
  absl::Status Migrate(const std::string& path);
  absl::Status InsertHosts(const std::vector<HostRow>& hosts);
  absl::Status InsertRevision(const RevisionRow& row);
  absl::Status PutRoute(const RouteRow& row);
  template <typename... Parameters>
  absl::Status Run(absl::string_view sql, const Parameters&... parameters);
  template <typename Row, typename Read>
  absl::Status ReadRows(absl::string_view sql, std::vector<Row>& rows, Read read);

  SqliteDatabase sqlite_;
};

}  // namespace tidepool::daemon
