// From a descriptor number to a Descriptor that may be used for what the guest asks.
#pragma once

#include <sys/stat.h>

#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {

// kBadf: not open.  kNotcapable: lacks one of `needed`.
Errno FindDescriptor(Call& call, uint32_t number, Rights needed, Descriptor** descriptor);
// Also kSpipe for a standard stream and kIsdir for a directory.
Errno FindFile(Call& call, uint32_t number, Rights needed, Descriptor** descriptor);
// Also kNotdir for anything but a directory.
Errno FindDirectory(Call& call, uint32_t number, Rights needed, Descriptor** descriptor);

Filetype FiletypeOf(mode_t mode);

}  // namespace tidepool::engine::wasi
