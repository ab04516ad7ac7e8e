// Kernel constants and structures that Debian 12's headers lack, as in the kernel's uapi headers.
#pragma once

#include <sys/ioctl.h>

#include <cstdint>

namespace tidepool::pool {

inline constexpr int kMadvPopulateWrite = 23;
inline constexpr int kMadvDontneedLocked = 24;
inline constexpr int kMadvGuardInstall = 102;

inline constexpr int kUffdUserModeOnly = 1;
inline constexpr uint64_t kUffdWpHugetlbfsShmem = uint64_t{1} << 12;
inline constexpr uint64_t kUffdWpUnpopulated = uint64_t{1} << 13;
inline constexpr uint64_t kUffdWpAsync = uint64_t{1} << 15;

// ioctl_pagemap_scan(2)
struct PageRegion {
  uint64_t start, end, categories;
};
struct PagemapScan {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
static_assert(sizeof(PagemapScan) == 96);
inline constexpr uint64_t kPageIsFile = 4;
inline constexpr uint64_t kPageIsPresent = 8;
inline constexpr uint64_t kPageIsSwapped = 16;
inline constexpr unsigned long kPagemapScanIoctl = _IOWR('f', 16, PagemapScan);

// PROCMAP_QUERY on /proc/self/maps
struct ProcmapQuery {
  uint64_t size, query_flags, query_addr, vma_start, vma_end, vma_flags, vma_page_size, vma_offset,
      inode;
  uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
  uint64_t vma_name_addr, build_id_addr;
};
static_assert(sizeof(ProcmapQuery) == 104);
inline constexpr uint64_t kProcmapReadable = 1;
inline constexpr uint64_t kProcmapWritable = 2;
inline constexpr uint64_t kProcmapExecutable = 4;
inline constexpr uint64_t kProcmapShared = 8;
inline constexpr uint64_t kProcmapCoveringOrNext = 16;
inline constexpr unsigned long kProcmapQueryIoctl = _IOWR('f', 17, ProcmapQuery);

}  // namespace tidepool::pool
