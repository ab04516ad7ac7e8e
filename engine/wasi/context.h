// WasiContext: the world of one guest as WASI preview 1 shows it: arguments, environment, standard
// streams, preopened directories, descriptors.
//
// Life     Made per invocation; Store::set_host_data(&context) before the guest runs.  After a
// kExit
//          trap exit_code() tells the status.  Descriptors close with the context.
// Threads  One thread at a time: the guest's.
// Errors   AddPreopen: NotFound, PermissionDenied and the like, naming the directory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "engine/wasi/descriptor_table.h"
#include "engine/wasi/host.h"
#include "engine/wasi/stream.h"

namespace tidepool::engine::wasi {

struct WasiOptions {
  std::vector<std::string> args;         // The program's name first.
  std::vector<std::string> environment;  // "NAME=value".
  // Null: nothing to read; what is written is dropped.
  WasiInput* input = nullptr;
  WasiOutput* output = nullptr;
  WasiOutput* error = nullptr;
  WasiHost* host = nullptr;  // Required.
  // Every clock the guest reads is rounded down to a multiple of this (security.md, T2).
  uint64_t clock_resolution_ns = 1;
};

class WasiContext {
 public:
  explicit WasiContext(WasiOptions options);
  WasiContext(const WasiContext&) = delete;
  WasiContext& operator=(const WasiContext&) = delete;

  // Gives the guest the directory `host_path` under the name `guest_name`.  `read_only`: nothing
  // beneath can be changed, by any function.
  absl::Status AddPreopen(const std::string& host_path,
                          absl::string_view guest_name,
                          bool read_only);

  // What proc_exit said; nothing when it was not called.
  std::optional<uint32_t> exit_code() const { return exit_code_; }

  // For the functions of this folder.
  const WasiOptions& options() const { return options_; }
  WasiHost& host() const { return *options_.host; }
  DescriptorTable& descriptors() { return descriptors_; }
  absl::Span<uint8_t> bounce_buffer();
  void set_exit_code(uint32_t code) { exit_code_ = code; }

 private:
  const WasiOptions options_;
  DescriptorTable descriptors_;
  std::unique_ptr<uint8_t[]> bounce_buffer_;
  std::optional<uint32_t> exit_code_;
};

}  // namespace tidepool::engine::wasi
