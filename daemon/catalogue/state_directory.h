// StateDirectory owns --state-dir: its lock, its folders, and the way files get into them.
//
//   lock                              flock(2), held while this lives: a second daemon is refused
//   catalogue.db                      SQLite; see database.h
//   modules/<sha256>.wasm             the truth
//   artifacts/<abi>-<cpu>/<key>.tpa   a cache: deletable at any time
//   logs/                             function logs; not ours
//   tmp/                              files being written; emptied when the directory is opened
//
// Life     Open → used by catalogue and logs → lock released at the end.
// Threads  Immutable; thread-safe.
// Errors   FailedPrecondition: another daemon holds the lock.  Unavailable: the disk refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

class StateDirectory {
 public:
  // Makes what is missing, mode 0700.
  static absl::StatusOr<std::unique_ptr<StateDirectory>> Open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string DatabasePath() const { return path_ + "/catalogue.db"; }
  std::string ModulesPath() const { return path_ + "/modules"; }
  std::string ModulePath(const std::string& sha256) const;
  std::string ArtifactsPath() const { return path_ + "/artifacts"; }
  // The folder for artifacts that this build makes on this CPU; made when missing.
  absl::StatusOr<std::string> ArtifactFolder(const std::string& abi_and_cpu) const;
  std::string LogsPath() const { return path_ + "/logs"; }
  // A name under tmp/ that nobody else gets.
  std::string NewTemporaryPath(absl::string_view suffix) const;

  // Syncs `from`, renames it to `to` and syncs the folder of `to`: afterwards the file is there
  // whole, also after a power cut.  After an error `to` is what it was before.
  static absl::Status MoveIntoPlace(const std::string& from, const std::string& to);

 private:
  StateDirectory(std::string path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::string path_;
  const UniqueFd lock_;
};

// The same status as Unavailable, if it says that the disk is full or a file may grow no further:
// an operator's problem, which passes, and no tenant's limit.
absl::Status DiskStatus(absl::Status status);

}  // namespace tidepool::daemon
