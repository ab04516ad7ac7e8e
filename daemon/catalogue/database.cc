#include "daemon/catalogue/database.h"

#include "absl/strings/str_cat.h"

#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

// "TPcl": tells our file from others to file(1) and to us.
constexpr int64_t kApplicationId = 0x5450636c;

// AUTOINCREMENT: a tenant's id is never given again, so nothing keyed by it can pass to another.
constexpr char kSchema[] = R"sql(
CREATE TABLE tenants(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  limits TEXT NOT NULL,
  created_at_unix_ns INTEGER NOT NULL) STRICT;
CREATE TABLE modules(
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  sha256 TEXT NOT NULL,
  wasm_bytes INTEGER NOT NULL,
  created_at_unix_ns INTEGER NOT NULL,
  PRIMARY KEY(tenant_id, sha256)) STRICT, WITHOUT ROWID;
CREATE TABLE functions(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  serving_revision INTEGER NOT NULL,
  created_at_unix_ns INTEGER NOT NULL,
  UNIQUE(tenant_id, name)) STRICT;
CREATE TABLE revisions(
  function_id INTEGER NOT NULL REFERENCES functions(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  module_sha256 TEXT NOT NULL,
  module_bytes INTEGER NOT NULL,
  abi TEXT NOT NULL,
  response TEXT NOT NULL,
  unknown_imports TEXT NOT NULL,
  args ANY NOT NULL,
  env ANY NOT NULL,
  limits TEXT NOT NULL,
  created_at_unix_ns INTEGER NOT NULL,
  PRIMARY KEY(function_id, number)) STRICT, WITHOUT ROWID;
CREATE TABLE hosts(
  host TEXT PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE) STRICT, WITHOUT ROWID;
CREATE TABLE routes(
  host TEXT NOT NULL REFERENCES hosts(host) ON DELETE CASCADE,
  path TEXT NOT NULL,
  function_id INTEGER NOT NULL REFERENCES functions(id) ON DELETE CASCADE,
  revision INTEGER NOT NULL,
  created_at_unix_ns INTEGER NOT NULL,
  PRIMARY KEY(host, path)) STRICT, WITHOUT ROWID;
)sql";

}  // namespace

template <typename... Parameters>
absl::Status Database::Run(absl::string_view sql, const Parameters&... parameters) {
  TP_ASSIGN_OR_RETURN(SqliteStatement statement, sqlite_.Prepare(sql));
  (statement.Bind(parameters), ...);
  return statement.Run();
}

template <typename Row, typename Read>
absl::Status Database::ReadRows(absl::string_view sql, std::vector<Row>& rows, Read read) {
  TP_ASSIGN_OR_RETURN(SqliteStatement statement, sqlite_.Prepare(sql));
  for (;;) {
    TP_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    read(statement, rows.emplace_back());
  }
}

absl::StatusOr<Database> Database::Open(const std::string& path) {
  TP_ASSIGN_OR_RETURN(SqliteDatabase sqlite, SqliteDatabase::Open(path));
  Database database(std::move(sqlite));
  TP_RETURN_IF_ERROR(database.Migrate(path));
  // FULL: a commit has reached the disk when it returns; NORMAL would lose the last ones of a WAL.
  TP_RETURN_IF_ERROR(database.sqlite_.Execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"));
  return database;
}

absl::Status Database::Migrate(const std::string& path) {
  TP_ASSIGN_OR_RETURN(const int64_t version, sqlite_.QueryInteger("PRAGMA user_version"));
  TP_ASSIGN_OR_RETURN(const int64_t application, sqlite_.QueryInteger("PRAGMA application_id"));
  TP_ASSIGN_OR_RETURN(const int64_t objects,
                      sqlite_.QueryInteger("SELECT count(*) FROM sqlite_schema"));
  if (objects != 0 && application != kApplicationId) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is a database, but not one of Tidepool's"));
  }
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " has schema ",
                     version,
                     ", written by a newer tidepoold; this one knows schemas up to ",
                     kSchemaVersion,
                     ": start the newer one, or choose another --state-dir"));
  }
  if (version == kSchemaVersion) return absl::OkStatus();
  TP_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(sqlite_));
  TP_RETURN_IF_ERROR(sqlite_.Execute(kSchema));
  TP_RETURN_IF_ERROR(sqlite_.Execute(
      absl::StrCat(
          "PRAGMA application_id=", kApplicationId, "; PRAGMA user_version=", kSchemaVersion)
          .c_str()));
  return transaction.Commit();
}

absl::StatusOr<AllRows> Database::LoadAll() {
  AllRows all;
  TP_RETURN_IF_ERROR(ReadRows("SELECT id, name, limits, created_at_unix_ns FROM tenants",
                              all.tenants,
                              [](SqliteStatement& s, TenantRow& row) {
                                row = {s.Integer(), s.Text(), s.Text(), s.Integer()};
                              }));
  TP_RETURN_IF_ERROR(
      ReadRows("SELECT tenant_id, sha256, wasm_bytes, created_at_unix_ns FROM modules",
               all.modules,
               [](SqliteStatement& s, ModuleRow& row) {
                 row = {s.Integer(), s.Text(), s.Integer(), s.Integer()};
               }));
  TP_RETURN_IF_ERROR(
      ReadRows("SELECT id, tenant_id, name, serving_revision, created_at_unix_ns FROM functions",
               all.functions,
               [](SqliteStatement& s, FunctionRow& row) {
                 row = {s.Integer(), s.Integer(), s.Text(), s.Integer(), s.Integer()};
               }));
  TP_RETURN_IF_ERROR(ReadRows(
      "SELECT function_id, number, module_sha256, module_bytes, abi, response, unknown_imports,"
      " args, env, limits, created_at_unix_ns FROM revisions",
      all.revisions,
      [](SqliteStatement& s, RevisionRow& row) {
        row = {s.Integer(),
               s.Integer(),
               s.Text(),
               s.Integer(),
               s.Text(),
               s.Text(),
               s.Text(),
               s.Text(),
               s.Text(),
               s.Text(),
               s.Integer()};
      }));
  TP_RETURN_IF_ERROR(ReadRows(
      "SELECT host, tenant_id FROM hosts", all.hosts, [](SqliteStatement& s, HostRow& row) {
        row = {s.Text(), s.Integer()};
      }));
  TP_RETURN_IF_ERROR(
      ReadRows("SELECT host, path, function_id, revision, created_at_unix_ns FROM routes",
               all.routes,
               [](SqliteStatement& s, RouteRow& row) {
                 row = {s.Text(), s.Text(), s.Integer(), s.Integer(), s.Integer()};
               }));
  return all;
}

absl::StatusOr<int64_t> Database::InsertTenant(const TenantRow& row) {
  TP_RETURN_IF_ERROR(Run("INSERT INTO tenants(name, limits, created_at_unix_ns) VALUES(?, ?, ?)",
                         row.name,
                         row.limits,
                         row.created_at_unix_ns));
  return sqlite_.LastInsertedRow();
}

absl::Status Database::SetTenantLimits(int64_t tenant_id, absl::string_view limits) {
  return Run("UPDATE tenants SET limits = ? WHERE id = ?", limits, tenant_id);
}

absl::Status Database::DeleteTenant(int64_t tenant_id) {
  return Run("DELETE FROM tenants WHERE id = ?", tenant_id);
}

absl::Status Database::InsertModule(const ModuleRow& row) {
  return Run(
      "INSERT INTO modules(tenant_id, sha256, wasm_bytes, created_at_unix_ns) VALUES(?, ?, ?, ?)"
      " ON CONFLICT DO NOTHING",
      row.tenant_id,
      row.sha256,
      row.wasm_bytes,
      row.created_at_unix_ns);
}

absl::Status Database::DeleteModule(int64_t tenant_id, absl::string_view sha256) {
  return Run("DELETE FROM modules WHERE tenant_id = ? AND sha256 = ?", tenant_id, sha256);
}

absl::Status Database::InsertHosts(const std::vector<HostRow>& hosts) {
  for (const HostRow& host : hosts) {
    TP_RETURN_IF_ERROR(
        Run("INSERT INTO hosts(host, tenant_id) VALUES(?, ?)", host.host, host.tenant_id));
  }
  return absl::OkStatus();
}

absl::Status Database::InsertRevision(const RevisionRow& row) {
  return Run(
      "INSERT INTO revisions(function_id, number, module_sha256, module_bytes, abi, response,"
      " unknown_imports, args, env, limits, created_at_unix_ns)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.function_id,
      row.number,
      row.module_sha256,
      row.module_bytes,
      row.abi,
      row.response,
      row.unknown_imports,
      row.args,
      row.env,
      row.limits,
      row.created_at_unix_ns);
}

absl::Status Database::PutRoute(const RouteRow& row) {
  return Run(
      "INSERT INTO routes(host, path, function_id, revision, created_at_unix_ns)"
      " VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET function_id = excluded.function_id,"
      " revision = excluded.revision, created_at_unix_ns = excluded.created_at_unix_ns",
      row.host,
      row.path,
      row.function_id,
      row.revision,
      row.created_at_unix_ns);
}

absl::StatusOr<int64_t> Database::Deploy(Deployment deployment,
                                         const std::function<void()>& before_commit) {
  TP_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(sqlite_));
  const FunctionRow& function = deployment.function;
  int64_t id = function.id;
  if (id == 0) {
    TP_RETURN_IF_ERROR(
        Run("INSERT INTO functions(tenant_id, name, serving_revision, created_at_unix_ns)"
            " VALUES(?, ?, ?, ?)",
            function.tenant_id,
            function.name,
            function.serving_revision,
            function.created_at_unix_ns));
    id = sqlite_.LastInsertedRow();
  } else {
    TP_RETURN_IF_ERROR(Run(
        "UPDATE functions SET serving_revision = ? WHERE id = ?", function.serving_revision, id));
  }
  deployment.revision.function_id = id;
  TP_RETURN_IF_ERROR(InsertRevision(deployment.revision));
  TP_RETURN_IF_ERROR(InsertHosts(deployment.new_hosts));
  for (RouteRow& route : deployment.routes) {
    route.function_id = id;
    TP_RETURN_IF_ERROR(PutRoute(route));
  }
  before_commit();
  TP_RETURN_IF_ERROR(transaction.Commit());
  return id;
}

absl::Status Database::DeleteFunction(int64_t function_id) {
  return Run("DELETE FROM functions WHERE id = ?", function_id);
}

absl::Status Database::DeleteRevision(int64_t function_id, int64_t number) {
  return Run("DELETE FROM revisions WHERE function_id = ? AND number = ?", function_id, number);
}

absl::Status Database::InsertRoute(const RouteRow& row, const std::vector<HostRow>& new_hosts) {
  TP_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(sqlite_));
  TP_RETURN_IF_ERROR(InsertHosts(new_hosts));
  TP_RETURN_IF_ERROR(PutRoute(row));
  return transaction.Commit();
}

absl::Status Database::DeleteRoute(absl::string_view host, absl::string_view path) {
  return Run("DELETE FROM routes WHERE host = ? AND path = ?", host, path);
}

}  // namespace tidepool::daemon
