#include "daemon/catalogue/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"

#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status StatusOf(sqlite3* database, int result, absl::string_view doing) {
  const char* file = database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
  const std::string message =
      absl::StrCat(file == nullptr ? "catalogue.db" : file,
                   ": ",
                   doing,
                   ": ",
                   database == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(database));
  switch (result & 0xFF) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
      return absl::UnavailableError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    case SQLITE_CONSTRAINT:
      return result == SQLITE_CONSTRAINT_FOREIGNKEY ? absl::FailedPreconditionError(message)
                                                    : absl::AlreadyExistsError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      next_parameter_(other.next_parameter_),
      next_column_(other.next_column_),
      bind_result_(other.bind_result_) {}

SqliteStatement::~SqliteStatement() {
  sqlite3_finalize(statement_);
}

SqliteStatement& SqliteStatement::Bind(int64_t value) {
  const int result = sqlite3_bind_int64(statement_, next_parameter_++, value);
  if (result != SQLITE_OK) bind_result_ = result;
  return *this;
}

SqliteStatement& SqliteStatement::Bind(absl::string_view value) {
  const int bytes = static_cast<int>(value.size());
  // SQLite's own functions take NUL for the end of a text.
  const bool is_blob = value.find('\0') != absl::string_view::npos;
  const int result =
      is_blob
          ? sqlite3_bind_blob(statement_, next_parameter_, value.data(), bytes, SQLITE_TRANSIENT)
          : sqlite3_bind_text(statement_, next_parameter_, value.data(), bytes, SQLITE_TRANSIENT);
  ++next_parameter_;
  if (result != SQLITE_OK) bind_result_ = result;
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  if (bind_result_ != SQLITE_OK) return StatusOf(database_, bind_result_, "bind");
  next_column_ = 0;
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return StatusOf(database_, sqlite3_extended_errcode(database_), sqlite3_sql(statement_));
}

absl::Status SqliteStatement::Run() {
  return Step().status();
}

int64_t SqliteStatement::Integer() {
  return sqlite3_column_int64(statement_, next_column_++);
}

std::string SqliteStatement::Text() {
  const int column = next_column_++;
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int count = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(bytes), static_cast<size_t>(count));
}

SqliteDatabase::SqliteDatabase(SqliteDatabase&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

SqliteDatabase& SqliteDatabase::operator=(SqliteDatabase&& other) noexcept {
  std::swap(database_, other.database_);
  return *this;
}

SqliteDatabase::~SqliteDatabase() {
  sqlite3_close(database_);
}

absl::StatusOr<SqliteDatabase> SqliteDatabase::Open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(),
                      &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                      nullptr);
  SqliteDatabase database(raw);  // SQLite wants it closed also after a failed open.
  if (result != SQLITE_OK) return StatusOf(raw, result, absl::StrCat("open ", path));
  sqlite3_extended_result_codes(raw, 1);
  // Somebody may look with the sqlite3 tool while we write.
  sqlite3_busy_timeout(raw, 5000);
  return database;
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (result != SQLITE_OK) return StatusOf(database_, result, sql);
  return SqliteStatement(database_, statement);
}

absl::Status SqliteDatabase::Execute(const char* sql) {
  const int result = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return StatusOf(database_, result, sql);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> SqliteDatabase::QueryInteger(absl::string_view sql) {
  TP_ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  TP_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::InternalError(absl::StrCat("no row: ", sql));
  return statement.Integer();
}

int64_t SqliteDatabase::LastInsertedRow() const {
  return sqlite3_last_insert_rowid(database_);
}

int64_t SqliteDatabase::ChangedRows() const {
  return sqlite3_changes64(database_);
}

absl::StatusOr<SqliteTransaction> SqliteTransaction::Begin(SqliteDatabase& database) {
  TP_RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  return SqliteTransaction(database);
}

SqliteTransaction::SqliteTransaction(SqliteTransaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

SqliteTransaction::~SqliteTransaction() {
  // Fails only where SQLite has rolled back by itself, after a full disk for example.
  if (database_ != nullptr) database_->Execute("ROLLBACK").IgnoreError();
}

absl::Status SqliteTransaction::Commit() {
  TP_RETURN_IF_ERROR(database_->Execute("COMMIT"));
  database_ = nullptr;
  return absl::OkStatus();
}

}  // namespace tidepool::daemon
