// Short ways to decode and validate, for the tests of this folder.
#pragma once

#include <time.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "engine/wasm/decoder.h"
#include "engine/wasm/validator.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::test {

// All that Decode and Validate know, but what only its own test scripts may turn on.
inline wasm::Features EveryFeature() {
  wasm::Features features;
  features.simd = features.relaxed_simd = true;
  features.tail_call = true;
  features.extended_const = true;
  features.multi_memory = features.memory64 = true;
  features.function_references = true;
  features.exceptions = true;
  features.threads = true;
  features.wide_arithmetic = true;
  return features;
}

// What decoder and validator say about a module.
inline absl::Status Verdict(absl::Span<const uint8_t> bytes, const wasm::Features& features = {}) {
  absl::StatusOr<wasm::Module> module = wasm::Decode(bytes, features);
  if (!module.ok()) return module.status();
  return wasm::Validate(*std::move(module), features).status();
}
inline absl::Status Verdict(const WasmBuilder& module, const wasm::Features& features = {}) {
  return Verdict(module.Build(), features);
}

// Of this process, so that a busy machine does not count.
inline double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// As std::string, which gmock's matchers understand.
inline std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

// "\0asm", version 1, then `rest`.
inline std::vector<uint8_t> ModuleOf(std::initializer_list<uint8_t> rest) {
  std::vector<uint8_t> bytes = {0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0};
  bytes.insert(bytes.end(), rest);
  return bytes;
}

}  // namespace tidepool::test
