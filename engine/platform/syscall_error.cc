#include "engine/platform/syscall_error.h"

#include <errno.h>

#include "absl/strings/str_cat.h"

namespace tidepool {

absl::Status SyscallError(absl::string_view call, absl::string_view detail) {
  const int error = errno;  // Read first: StrCat may allocate and overwrite it.
  return absl::ErrnoToStatus(error, absl::StrCat(call, "(", detail, ")"));
}

}  // namespace tidepool
