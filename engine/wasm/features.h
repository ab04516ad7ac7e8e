// Which proposals beyond WebAssembly 2.0 without SIMD are on.  A feature that is off makes its
// opcodes and types "malformed", as if they did not exist.
#pragma once

namespace tidepool::engine::wasm {

// Turned on one by one as the engine learns them; Decode and Validate refuse what is off.
struct Features {
  bool simd = false;
  bool relaxed_simd = false;
  bool tail_call = false;
  bool extended_const = false;
  bool multi_memory = false;
  bool memory64 = false;
  bool function_references = false;
  bool gc = false;
  bool exceptions = false;
  bool threads = false;
  bool custom_page_sizes = false;
  bool wide_arithmetic = false;
};

}  // namespace tidepool::engine::wasm
