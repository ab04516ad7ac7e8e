#include "daemon/invoke/host_budget.h"

#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/tenants/limits.h"
#include "engine/support/units.h"

namespace tidepool::daemon {
namespace {

constexpr uint64_t kSharePercent = 70;
// Where neither /proc nor a cgroup says anything.
constexpr uint64_t kFallbackBytes = 1 * kGiB;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

uint64_t ReadMemTotal(absl::string_view root) {
  for (const absl::string_view line :
       absl::StrSplit(ReadText(absl::StrCat(root, "proc/meminfo")), '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t kib = 0;
    if (words.size() >= 2 && words[0] == "MemTotal:" && absl::SimpleAtoi(words[1], &kib)) {
      return kib * kKiB;
    }
  }
  return UINT64_MAX;
}

// The smallest limit at `group` or above it.
uint64_t SmallestLimit(const std::string& mount, absl::string_view group, absl::string_view file) {
  uint64_t smallest = UINT64_MAX;
  std::string path(group);
  for (;;) {
    uint64_t limit = 0;
    const std::string text = ReadText(absl::StrCat(mount, path, "/", file));
    // "max" and v1's "no limit" (a number near 2^63) are larger than any MemTotal.
    if (absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &limit) && limit > 0) {
      smallest = std::min(smallest, limit);
    }
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return smallest;
    path.resize(slash);
  }
}

uint64_t ReadCgroupLimit(absl::string_view root) {
  uint64_t smallest = UINT64_MAX;
  const std::string mount = absl::StrCat(root, "sys/fs/cgroup");
  // "0::/a/b" is v2; "7:memory:/a/b" is v1.
  for (const absl::string_view line :
       absl::StrSplit(ReadText(absl::StrCat(root, "proc/self/cgroup")), '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const absl::string_view group = parts[2] == "/" ? absl::string_view() : parts[2];
    if (parts[0] == "0" && parts[1].empty()) {
      smallest = std::min(smallest, SmallestLimit(mount, group, "memory.max"));
    }
    for (const absl::string_view controller : absl::StrSplit(parts[1], ',')) {
      if (controller != "memory") continue;
      // Inside a container the group's path is the host's: the mount itself is then its own.
      smallest = std::min({smallest,
                           SmallestLimit(mount + "/memory", group, "memory.limit_in_bytes"),
                           SmallestLimit(mount + "/memory", "", "memory.limit_in_bytes")});
    }
  }
  return std::min(smallest, SmallestLimit(mount, "", "memory.max"));
}

}  // namespace

DefaultBudget ReadDefaultBudget(absl::string_view root) {
  const uint64_t total = ReadMemTotal(root);
  const uint64_t cgroup = ReadCgroupLimit(root);
  const uint64_t smaller = std::min(total, cgroup);
  if (smaller == UINT64_MAX) return {kFallbackBytes, "nothing tells how much memory there is"};
  return {smaller / 100 * kSharePercent,
          absl::StrCat(kSharePercent, " % of ",
                       cgroup < total ? "the memory cgroup's limit " : "MemTotal ",
                       FormatBytes(smaller))};
}

}  // namespace tidepool::daemon
