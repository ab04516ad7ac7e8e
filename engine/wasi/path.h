// Paths of a guest, resolved so that they cannot leave the directory they start from.
//
// Whole paths go to openat2(2) with RESOLVE_BENEATH: the kernel follows `..` and symbolic links of
// any kind, and refuses the step that would leave, also while somebody renames around it.  For
// calls that have no such form (mkdirat, renameat …) only the parent is resolved so, and the call
// gets the last component alone, which it does not follow:
//
//   "a/b/c/"  →  parent: openat2(dir, "a/b", O_PATH)   last: "c"   trailing_slash: true
//
// A slash is never passed behind the last component: with one, those calls would follow a link.
//
// Threads  That of the guest.
// Errors   kNotcapable: absolute, or leaves the directory.  kIlseq: not UTF-8.  kInval: a zero
// byte. Source   openat2(2); security.md, W1.
#pragma once

#include <cstdint>
#include <string>

#include "engine/platform/unique_fd.h"
#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {

// Copies a path out of guest memory and checks its form.
Errno ReadPath(Call& call, Pointer path, uint32_t bytes, std::string* result);

// openat2(2) of `path` beneath `directory_fd`; `flags` and `mode` as for open(2).
Errno OpenBeneath(
    int directory_fd, const std::string& path, int flags, uint32_t mode, UniqueFd* result);

struct ParentAndLast {
  UniqueFd parent;  // Not valid: the directory itself.
  int parent_fd = -1;
  std::string last;  // Not empty, no slash.
  bool trailing_slash = false;
  bool is_dots = false;  // `last` is "." or "..": a directory that exists, beneath.
};
Errno ResolveParent(int directory_fd, const std::string& path, ParentAndLast* result);

// Of what `resolved` names, not following it.  kNoent when there is nothing.
Errno IsDirectory(const ParentAndLast& resolved, bool* is_directory);

}  // namespace tidepool::engine::wasi
