// ProcessMap: what the kernel says about this process's own memory: what is mapped where, and which
// pages hold something.
//
// Life     Opens /proc/self/{maps,pagemap} once; works unprivileged.
// Threads  One thread at a time.
// Errors   FailedPrecondition: /proc is not there (ProtectProc=, a chroot); Internal: /proc says what
//          we cannot read.
// Source   proc_pid_maps(5), proc_pid_pagemap(5), PROCMAP_QUERY (Linux 6.11).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/platform/unique_fd.h"
#include "pool/memory/kernel_features.h"

namespace tidepool::pool {

struct Mapping {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;
  uint64_t offset_bytes = 0;
  uint64_t inode = 0;  // 0: anonymous.

  bool accessible() const { return readable || writable || executable; }
};

class ProcessMap {
 public:
  static absl::StatusOr<ProcessMap> Open(const KernelFeatures& features);

  // The mappings that overlap [begin, end), ascending, as they are (not clipped).
  absl::StatusOr<std::vector<Mapping>> MappingsOf(uint64_t begin, uint64_t end) const;

  // Calls `visit` for every run of pages of [begin, end) that are present or swapped out, ascending.
  // Present alone would miss dirty pages in swap: they come back later, to the next tenant.
  // `private_only`: without pages that are a file's own.
  absl::Status ForEachPopulated(uint64_t begin, uint64_t end, bool private_only,
                                absl::FunctionRef<absl::Status(uint64_t, uint64_t)> visit) const;

 private:
  ProcessMap(UniqueFd maps, UniqueFd pagemap) : maps_(std::move(maps)), pagemap_(std::move(pagemap)) {}
  UniqueFd maps_;  // Invalid without PROCMAP_QUERY: the text is read each time.
  UniqueFd pagemap_;
};

// Whether the byte at `address` (not null) can be read; does not fault.
bool IsReadable(const uint8_t* address);

}  // namespace tidepool::pool
