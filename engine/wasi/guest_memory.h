// GuestMemory: the caller's memory, through which every pointer of a guest must go.
//
// Shape    A pointer and a length are 32 bits each; their sum is formed in 64, so it cannot wrap.
// Life     For one call of one function, on the memory as it is then.  A guest's memory neither
// moves
//          nor shrinks while one of its host calls runs.
// Threads  That of the guest.
// Errors   Nothing or false when any byte lies outside: the function then answers kFault.
// Source   security.md, W6.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "absl/types/span.h"

namespace tidepool::engine::wasi {

class GuestMemory {
 public:
  explicit GuestMemory(absl::Span<uint8_t> memory) : memory_(memory) {}

  std::optional<absl::Span<uint8_t>> Bytes(uint64_t address, uint64_t bytes) const {
    if (bytes > memory_.size() || address > memory_.size() - bytes) return std::nullopt;
    return memory_.subspan(address, bytes);
  }
  // Guests need not align what they point to.
  template <typename T>
  [[nodiscard]] bool Read(uint64_t address, T* value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto bytes = Bytes(address, sizeof(T));
    if (!bytes.has_value()) return false;
    std::memcpy(value, bytes->data(), sizeof(T));
    return true;
  }
  template <typename T>
  [[nodiscard]] bool Write(uint64_t address, const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto bytes = Bytes(address, sizeof(T));
    if (!bytes.has_value()) return false;
    std::memcpy(bytes->data(), &value, sizeof(T));
    return true;
  }

 private:
  absl::Span<uint8_t> memory_;
};

}  // namespace tidepool::engine::wasi
