// Makes the WASI preview 1 functions importable.
#pragma once

#include "absl/status/status.h"

#include "engine/runtime/linker.h"

namespace tidepool::engine::wasi {

inline constexpr char kModuleName[] = "wasi_snapshot_preview1";

// All 46 functions, under kModuleName.  Each finds its WasiContext through Store::host_data() of
// the calling store; without one it traps with kHostError.
absl::Status DefineWasi(Linker& linker);

}  // namespace tidepool::engine::wasi
