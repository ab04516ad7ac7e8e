#include "engine/wasi/context.h"

#include <fcntl.h>

#include <utility>

#include "engine/platform/syscall_error.h"
#include "engine/support/check.h"
#include "engine/wasi/limits.h"

namespace tidepool::engine::wasi {
namespace {

Descriptor InputDescriptor(WasiInput* input) {
  Descriptor descriptor;
  descriptor.kind = Descriptor::Kind::kInput;
  descriptor.input = input;
  if (input != nullptr && input->is_terminal()) descriptor.filetype = Filetype::kCharacterDevice;
  descriptor.rights_base = rights::kInput;
  return descriptor;
}

Descriptor OutputDescriptor(WasiOutput* output) {
  Descriptor descriptor;
  descriptor.kind = Descriptor::Kind::kOutput;
  descriptor.output = output;
  if (output != nullptr && output->is_terminal()) descriptor.filetype = Filetype::kCharacterDevice;
  descriptor.rights_base = rights::kOutput;
  return descriptor;
}

}  // namespace

WasiContext::WasiContext(WasiOptions options) : options_(std::move(options)) {
  TP_CHECK(options_.host != nullptr);
  TP_CHECK(options_.clock_resolution_ns != 0);
  uint32_t number = 0;
  TP_CHECK(descriptors_.Add(InputDescriptor(options_.input), &number) == Errno::kSuccess);
  TP_CHECK(descriptors_.Add(OutputDescriptor(options_.output), &number) == Errno::kSuccess);
  TP_CHECK(descriptors_.Add(OutputDescriptor(options_.error), &number) == Errno::kSuccess);
}

absl::Status WasiContext::AddPreopen(const std::string& host_path,
                                     absl::string_view guest_name,
                                     bool read_only) {
  UniqueFd fd(::open(host_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return SyscallError("open", host_path);
  Descriptor descriptor;
  descriptor.kind = Descriptor::Kind::kDirectory;
  descriptor.filetype = Filetype::kDirectory;
  descriptor.read_only = read_only;
  descriptor.rights_base = rights::kDirectory;
  descriptor.rights_inheriting = rights::kDirectory | rights::kFile;
  descriptor.fd = std::move(fd);
  descriptor.preopen = std::string(guest_name.data(), guest_name.size());
  uint32_t number = 0;
  if (descriptors_.Add(std::move(descriptor), &number) != Errno::kSuccess) {
    return absl::ResourceExhaustedError("more preopened directories than descriptors");
  }
  return absl::OkStatus();
}

absl::Span<uint8_t> WasiContext::bounce_buffer() {
  if (bounce_buffer_ == nullptr) bounce_buffer_.reset(new uint8_t[limits::kBounceBytes]);
  return {bounce_buffer_.get(), limits::kBounceBytes};
}

}  // namespace tidepool::engine::wasi
