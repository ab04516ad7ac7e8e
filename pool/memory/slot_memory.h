// SlotMemory: what a slot is made of; the plain data that growth and reset strategies work on.
//
//   base                base + initial_bytes   base + accessible_bytes       base + reservation_bytes
//   │◄──── read/write ───►│◄──── read/write ────►│◄─────── inaccessible ───────►│
//   │ image, private      │ grown                │ room to grow to bytes_max    │
//   └─ sealed memfd, or   └─ growth file, shared, ends here (SIGBUS), or
//      anonymous zeros       anonymous, PROT_NONE from here (SIGSEGV)
//
// Threads  One owner at a time: the worker whose pool it belongs to.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/platform/unique_fd.h"
#include "pool/memory/memory_image.h"

namespace tidepool::pool {

struct SlotMemory {
  uint8_t* base = nullptr;
  uint64_t reservation_bytes = 0;
  std::shared_ptr<const MemoryImage> image;  // Null: nothing is mapped.
  uint64_t accessible_bytes = 0;             // At least the image's.
  uint64_t bytes_max = 0;                    // Never accessible beyond.

  // Growth by ftruncate: opened at the first growth, kept for the slot's life, mapped from the
  // initial size to bytes_max until the image goes.
  UniqueFd growth_file;
  bool growth_mapped = false;

  uint64_t initial_bytes() const { return image == nullptr ? 0 : image->mapped_bytes(); }
  uint64_t grown_bytes() const { return accessible_bytes - initial_bytes(); }
};

}  // namespace tidepool::pool
