#include "pool/memory/kernel_features.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/platform/mapped_region.h"
#include "engine/platform/unique_fd.h"
#include "engine/support/units.h"
#include "pool/memory/kernel_interface.h"

namespace tidepool::pool {
namespace {

// Two pages to try things on; the first one is present.
class Scratch {
 public:
  Scratch() {
    auto region = MappedRegion::Anonymous(2 * kHostPageBytes, PROT_READ | PROT_WRITE);
    if (!region.ok()) return;
    region_ = *std::move(region);
    region_.base()[0] = 1;
  }
  bool valid() const { return region_.valid(); }
  uint8_t* base() const { return region_.base(); }
  bool Advise(int advice) const { return ::madvise(base(), kHostPageBytes, advice) == 0; }

 private:
  MappedRegion region_;
};

// Whether a userfaultfd for faults of user code alone (no privilege needed) offers `features`.
bool HasUserfaultfd(uint64_t features) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | kUffdUserModeOnly)));
  if (!fd.valid()) return false;
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = features;
  return ::ioctl(fd.get(), UFFDIO_API, &api) == 0;
}

bool HasPagemapScan(const Scratch& scratch) {
  UniqueFd fd(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return false;
  PageRegion region{};
  PagemapScan scan{};
  scan.size = sizeof scan;
  scan.start = reinterpret_cast<uintptr_t>(scratch.base());
  scan.end = scan.start + 2 * kHostPageBytes;
  scan.vec = reinterpret_cast<uintptr_t>(&region);
  scan.vec_len = 1;
  scan.category_anyof_mask = kPageIsPresent | kPageIsSwapped;
  scan.return_mask = kPageIsPresent | kPageIsSwapped;
  return ::ioctl(fd.get(), kPagemapScanIoctl, &scan) == 1 && region.start == scan.start;
}

bool HasProcmapQuery(const Scratch& scratch) {
  UniqueFd fd(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return false;
  ProcmapQuery query{};
  query.size = sizeof query;
  query.query_flags = kProcmapCoveringOrNext;
  query.query_addr = reinterpret_cast<uintptr_t>(scratch.base());
  return ::ioctl(fd.get(), kProcmapQueryIoctl, &query) == 0 &&
         query.vma_start <= query.query_addr && query.query_addr < query.vma_end;
}

bool HasProcessMadviseOnSelf(const Scratch& scratch) {
  UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self.valid()) return false;
  iovec range{scratch.base(), kHostPageBytes};
  return ::syscall(SYS_process_madvise, self.get(), &range, 1ul, MADV_DONTNEED, 0ul) ==
         static_cast<long>(kHostPageBytes);
}

}  // namespace

KernelFeatures ProbeKernelFeatures() {
  KernelFeatures features;
  const Scratch scratch;
  if (!scratch.valid()) return features;
  features.madvise_dontneed_locked = scratch.Advise(kMadvDontneedLocked);
  features.madvise_populate = scratch.Advise(kMadvPopulateWrite);
  constexpr uint64_t kWriteProtect =
      UFFD_FEATURE_PAGEFAULT_FLAG_WP | kUffdWpHugetlbfsShmem | UFFD_FEATURE_SIGBUS;
  features.uffd_write_protect = HasUserfaultfd(kWriteProtect);
  features.uffd_wp_unpopulated = HasUserfaultfd(kWriteProtect | kUffdWpUnpopulated);
  features.uffd_wp_async = HasUserfaultfd(kWriteProtect | kUffdWpUnpopulated | kUffdWpAsync);
  features.pagemap_scan = HasPagemapScan(scratch);
  features.procmap_query = HasProcmapQuery(scratch);
  features.process_madvise_self = HasProcessMadviseOnSelf(scratch);
  features.guard_markers = scratch.Advise(kMadvGuardInstall);
  return features;
}

KernelFeatures MaskKernelFeatures(const KernelFeatures& features, int major, int minor) {
  KernelFeatures masked = features;
  const auto available = [&](int since_major, int since_minor) {
    return major != since_major ? major > since_major : minor >= since_minor;
  };
#define TP_FEATURE(member, since_major, since_minor, text) \
  masked.member = features.member && available(since_major, since_minor);
#include "pool/memory/kernel_features.def"
#undef TP_FEATURE
  masked.source = absl::StrCat(major, ".", minor);
  return masked;
}

absl::StatusOr<KernelFeatures> KernelFeaturesFromSetting(absl::string_view setting) {
  if (setting == "probe") return ProbeKernelFeatures();
  const std::vector<absl::string_view> parts = absl::StrSplit(setting, '.');
  int major = 0;
  int minor = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &major) ||
      !absl::SimpleAtoi(parts[1], &minor) || major < 0 || minor < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "pool.kernel_features=", setting, " is neither \"probe\" nor a release such as \"6.1\""));
  }
  return MaskKernelFeatures(ProbeKernelFeatures(), major, minor);
}

std::string DescribeKernelFeatures(const KernelFeatures& features) {
  std::string text;
#define TP_FEATURE(member, major, minor, name) \
  absl::StrAppend(&text, name, " (Linux ", major, ".", minor, "): ", features.member ? "yes" : "no", "\n");
#include "pool/memory/kernel_features.def"
#undef TP_FEATURE
  return text;
}

}  // namespace tidepool::pool
