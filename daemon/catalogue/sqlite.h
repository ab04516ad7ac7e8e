// SqliteDatabase and SqliteStatement: SQLite's C objects, owned, with its errors as Status.
//
// Threads  One thread at a time for a database and all its statements.
// Errors   Unavailable: disk full, file too large, or I/O failed.  DataLoss: the file is damaged.
//          AlreadyExists: a uniqueness constraint.  FailedPrecondition: a foreign key.
//          Internal: anything else, which would be a bug in our SQL.
// Source   https://sqlite.org/rescode.html
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tidepool::daemon {

class SqliteDatabase;

// Parameters are bound left to right, columns read left to right.
class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  ~SqliteStatement();

  SqliteStatement& Bind(int64_t value);
  SqliteStatement& Bind(absl::string_view value);  // As a blob if it holds NUL, else as text.

  // True: there is a row.  False: done.
  absl::StatusOr<bool> Step();
  // For statements that give no rows.
  absl::Status Run();

  int64_t Integer();   // Of the next column.
  std::string Text();  // Of the next column.

 private:
  friend class SqliteDatabase;
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  sqlite3* database_;
  sqlite3_stmt* statement_;
  int next_parameter_ = 1;
  int next_column_ = 0;
  int bind_result_ = 0;
};

class SqliteDatabase {
 public:
  SqliteDatabase() = default;
  SqliteDatabase(SqliteDatabase&& other) noexcept;
  SqliteDatabase& operator=(SqliteDatabase&& other) noexcept;
  ~SqliteDatabase();

  // Creates the file when missing.
  static absl::StatusOr<SqliteDatabase> Open(const std::string& path);

  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);
  // One or more statements without parameters and rows.
  absl::Status Execute(const char* sql);
  // "PRAGMA user_version" and the like.
  absl::StatusOr<int64_t> QueryInteger(absl::string_view sql);
  int64_t LastInsertedRow() const;
  int64_t ChangedRows() const;  // By the last statement.

 private:
  explicit SqliteDatabase(sqlite3* database) : database_(database) {}
  sqlite3* database_ = nullptr;
};

// BEGIN IMMEDIATE … COMMIT; rolled back unless committed.
class SqliteTransaction {
 public:
  static absl::StatusOr<SqliteTransaction> Begin(SqliteDatabase& database);
  SqliteTransaction(SqliteTransaction&& other) noexcept;
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();
  absl::Status Commit();

 private:
  explicit SqliteTransaction(SqliteDatabase& database) : database_(&database) {}
  SqliteDatabase* database_;
};

}  // namespace tidepool::daemon
