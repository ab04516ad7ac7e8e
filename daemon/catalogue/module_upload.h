// ModuleUpload: the bytes of one module, on their way in.
//
// Life     Catalogue::StartUpload → Append … → Finish; dropped earlier, it leaves nothing behind.
// Threads  One thread at a time.
// Errors   ResourceExhausted as soon as the tenant's `module_size` is passed; InvalidArgument when
//          the bytes are not those announced, or are no valid module.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "daemon/catalogue/catalogue_views.h"
#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

class Catalogue;

class ModuleUpload {
 public:
  ~ModuleUpload();
  ModuleUpload(const ModuleUpload&) = delete;
  ModuleUpload& operator=(const ModuleUpload&) = delete;

  absl::Status Append(absl::string_view bytes);
  // Compiles, verifies, makes durable.  Call once.
  absl::StatusOr<ModuleView> Finish();
  uint64_t received_bytes() const { return received_bytes_; }

 private:
  friend class Catalogue;
  struct Expectation {
    uint64_t total_bytes = 0;  // 0: unknown.
    std::string sha256;        // Empty: unknown.
    uint64_t bytes_max = 0;
    std::string set_by;  // Of bytes_max.
  };
  ModuleUpload(Catalogue& catalogue,
               std::string tenant,
               Expectation expected,
               std::string path,
               UniqueFd fd);

  Catalogue& catalogue_;
  const std::string tenant_;
  const Expectation expected_;
  const std::string path_;  // In tmp/; gone from there once it is in place.
  UniqueFd fd_;
  uint64_t received_bytes_ = 0;
};

}  // namespace tidepool::daemon
