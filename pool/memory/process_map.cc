#include "pool/memory/process_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"
#include "pool/memory/kernel_interface.h"

namespace tidepool::pool {
namespace {

constexpr char kMapsPath[] = "/proc/self/maps";
constexpr char kPagemapPath[] = "/proc/self/pagemap";

constexpr uint64_t kEntryIsPresent = uint64_t{1} << 63;
constexpr uint64_t kEntryIsSwapped = uint64_t{1} << 62;
constexpr uint64_t kEntryIsFilePage = uint64_t{1} << 61;

absl::StatusOr<UniqueFd> OpenProc(const char* path) {
  UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return absl::FailedPreconditionError(
        std::string(SyscallError("open", path).message()) + ": needed to prove resets");
  }
  return fd;
}

// The mapping that covers `address`, or the next one above.  False: there is none.
absl::StatusOr<bool> QueryMapping(int fd, uint64_t address, Mapping& mapping) {
  ProcmapQuery query{};
  query.size = sizeof query;
  query.query_flags = kProcmapCoveringOrNext;
  query.query_addr = address;
  if (::ioctl(fd, kProcmapQueryIoctl, &query) < 0) {
    if (errno == ENOENT) return false;
    return SyscallError("ioctl(PROCMAP_QUERY)", kMapsPath);
  }
  mapping = Mapping{.begin = query.vma_start,
                    .end = query.vma_end,
                    .readable = (query.vma_flags & kProcmapReadable) != 0,
                    .writable = (query.vma_flags & kProcmapWritable) != 0,
                    .executable = (query.vma_flags & kProcmapExecutable) != 0,
                    .shared = (query.vma_flags & kProcmapShared) != 0,
                    .offset_bytes = query.vma_offset,
                    .inode = query.inode};
  return true;
}

// Before PROCMAP_QUERY there is only the text: one line per mapping of the whole process.
absl::StatusOr<std::vector<Mapping>> ReadMappings(uint64_t begin, uint64_t end) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(::fopen(kMapsPath, "re"), &::fclose);
  if (file == nullptr) return SyscallError("fopen", kMapsPath);
  std::vector<Mapping> mappings;
  char line[8192];
  while (::fgets(line, sizeof line, file.get()) != nullptr) {
    Mapping mapping;
    char access[5] = {};
    if (::sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64, &mapping.begin,
                 &mapping.end, access, &mapping.offset_bytes, &mapping.inode) != 5) {
      return absl::InternalError(std::string("cannot read a line of /proc/self/maps: ") + line);
    }
    if (mapping.end <= begin) continue;
    if (mapping.begin >= end) break;
    mapping.readable = access[0] == 'r';
    mapping.writable = access[1] == 'w';
    mapping.executable = access[2] == 'x';
    mapping.shared = access[3] == 's';
    mappings.push_back(mapping);
  }
  return mappings;
}

}  // namespace

absl::StatusOr<ProcessMap> ProcessMap::Open(const KernelFeatures& features) {
  UniqueFd maps;
  if (features.procmap_query) {
    TP_ASSIGN_OR_RETURN(maps, OpenProc(kMapsPath));
  }
  TP_ASSIGN_OR_RETURN(UniqueFd pagemap, OpenProc(kPagemapPath));
  return ProcessMap(std::move(maps), std::move(pagemap));
}

absl::StatusOr<std::vector<Mapping>> ProcessMap::MappingsOf(uint64_t begin, uint64_t end) const {
  if (!maps_.valid()) return ReadMappings(begin, end);
  std::vector<Mapping> mappings;
  for (uint64_t at = begin; at < end;) {
    Mapping mapping;
    TP_ASSIGN_OR_RETURN(const bool found, QueryMapping(maps_.get(), at, mapping));
    if (!found || mapping.begin >= end) break;
    mappings.push_back(mapping);
    at = mapping.end;
  }
  return mappings;
}

absl::Status ProcessMap::ForEachPopulated(
    uint64_t begin, uint64_t end, bool private_only,
    absl::FunctionRef<absl::Status(uint64_t, uint64_t)> visit) const {
  constexpr size_t kEntriesPerRead = 4096;
  static thread_local uint64_t entries[kEntriesPerRead];
  uint64_t run_begin = 0;
  uint64_t run_end = 0;  // An empty run: none is open.
  for (uint64_t at = begin; at < end;) {
    const size_t wanted = std::min<uint64_t>(kEntriesPerRead, (end - at) / kHostPageBytes);
    const ssize_t n = ::pread(pagemap_.get(), entries, wanted * sizeof(uint64_t),
                              static_cast<off_t>(at / kHostPageBytes * sizeof(uint64_t)));
    if (n < 0 && errno == EINTR) continue;
    if (n < static_cast<ssize_t>(sizeof(uint64_t))) return SyscallError("pread", kPagemapPath);
    for (size_t i = 0; i < static_cast<size_t>(n) / sizeof(uint64_t); ++i, at += kHostPageBytes) {
      if ((entries[i] & (kEntryIsPresent | kEntryIsSwapped)) == 0) continue;
      if (private_only && (entries[i] & kEntryIsFilePage) != 0) continue;
      if (run_end != at) {
        if (run_end != run_begin) TP_RETURN_IF_ERROR(visit(run_begin, run_end));
        run_begin = at;
      }
      run_end = at + kHostPageBytes;
    }
  }
  return run_end != run_begin ? visit(run_begin, run_end) : absl::OkStatus();
}

bool IsReadable(const uint8_t* address) {
  // The kernel copies the new mask before it refuses the impossible `how`: EFAULT or EINVAL.
  const long result = ::syscall(SYS_rt_sigprocmask, -1, address, nullptr, size_t{8});
  return result == 0 || errno != EFAULT;
}

}  // namespace tidepool::pool
