// Descriptor: what a guest's file descriptor number stands for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/platform/unique_fd.h"
#include "engine/wasi/abi.h"
#include "engine/wasi/rights.h"
#include "engine/wasi/stream.h"

namespace tidepool::engine::wasi {

struct Descriptor {
  enum class Kind : uint8_t { kInput, kOutput, kFile, kDirectory };

  Kind kind = Kind::kFile;
  Filetype filetype = Filetype::kUnknown;
  uint16_t flags = 0;  // kFd…, as the guest set them.
  // Nothing can be changed through it or through what is opened beneath it.  Unlike rights, the
  // guest does not see this and cannot influence it.
  bool read_only = false;
  Rights rights_base = 0;
  Rights rights_inheriting = 0;
  UniqueFd fd;                         // kFile, kDirectory.
  WasiInput* input = nullptr;          // kInput; null: always at its end.
  WasiOutput* output = nullptr;        // kOutput; null: drops everything.
  std::optional<std::string> preopen;  // The guest's name for a preopened directory.
};

}  // namespace tidepool::engine::wasi
