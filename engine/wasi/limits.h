// What one guest can make the WASI functions use, at most.  Memory of the host never grows with a
// number that a guest merely names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidepool::engine::wasi::limits {

// Open descriptors of one context, standard streams and preopens included.  More: kMfile.
inline constexpr uint32_t kDescriptorsMax = 1024;
// Entries of one scatter or gather list, as Linux has it (UIO_MAXIOV).  More: kInval.
inline constexpr uint32_t kIoVectorsMax = 1024;
// Subscriptions of one poll_oneoff.  More: kInval.
inline constexpr uint32_t kSubscriptionsMax = 1024;
// A path, as Linux has it (PATH_MAX, without the final zero).  More: kNametoolong.
inline constexpr uint32_t kPathBytesMax = 4095;
// Bytes moved between two looks at the interrupt (service.md, "Limits per tenant").
inline constexpr size_t kPieceBytes = 256 * 1024;
// Buffer between system calls and guest memory, one per context, made when first needed.
inline constexpr size_t kBounceBytes = 64 * 1024;
// Times a path is resolved again because something was renamed meanwhile.  Then: kAgain.
inline constexpr int kResolveAttemptsMax = 16;

}  // namespace tidepool::engine::wasi::limits
