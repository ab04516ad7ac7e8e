// VerifyMemory: the proof that a memory is clean.
//
// It is told what a first instance has (the image, and where the memory lies) and nothing that a
// reset recorded.  It asks the kernel what is mapped and which pages hold something, and compares
// every byte that could differ:
//
//   base                        base + initial               base + open         base + reservation
//   │ extents of the image      │                            │                   │
//   │   equal, byte by byte     │ zero wherever a page is    │ inaccessible      │
//   │ between them: zero wher-  │ present or swapped out     │ (mapped so, and   │
//   │ ever a page is present    │ (growth=none only)         │  probed)          │
//   │ or swapped out            │                            │                   │
//
// A page that is neither present nor swapped out reads as what its mapping is of; therefore the
// mapping itself is part of the proof: private, of the image's sealed file at this very offset, or
// anonymous.
//
// Threads  One thread at a time.
// Errors   DataLoss: not clean; the message names region, byte and values.  Others: /proc failed,
//          nothing is proved.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "pool/memory/memory_image.h"
#include "pool/memory/process_map.h"

namespace tidepool::pool {

struct MemoryClaim {
  const uint8_t* base = nullptr;
  uint64_t reservation_bytes = 0;
  uint64_t open_bytes = 0;  // Beyond it every access must fault; at least the image's size.
  const MemoryImage* image = nullptr;
};

absl::Status VerifyMemory(const ProcessMap& map, const MemoryClaim& claim);

}  // namespace tidepool::pool
