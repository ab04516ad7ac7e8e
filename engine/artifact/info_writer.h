// EncodeInfo: what the loader knows of a module besides its code (info_format.h).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "engine/artifact/image_builder.h"
#include "engine/compiler/compiled_module.h"
#include "engine/wasm/module.h"

namespace tidepool::engine {

struct EncodedInfo {
  std::vector<uint8_t> info;    // .tidepool.info
  std::vector<uint32_t> lists;  // .tidepool.lists
  // .tidepool.data: these, one behind the other.
  std::vector<absl::Span<const uint8_t>> data;
  uint64_t data_bytes = 0;
};

EncodedInfo EncodeInfo(const wasm::ValidatedModule& module, const CompiledModule& compiled,
                       const InstanceImagePlan& image);

}  // namespace tidepool::engine
