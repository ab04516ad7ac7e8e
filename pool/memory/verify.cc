#include "pool/memory/verify.h"

#include <string.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::pool {
namespace {

uint64_t AddressOf(const uint8_t* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

absl::Status WrongMapping(const MemoryClaim& claim, const Mapping& mapping,
                          absl::string_view expected) {
  return absl::DataLossError(absl::StrFormat(
      "memory: bytes %d to %d are mapped %s%s%s%s, inode %d at offset %d; expected is %s",
      static_cast<int64_t>(mapping.begin - AddressOf(claim.base)),
      static_cast<int64_t>(mapping.end - AddressOf(claim.base)), mapping.readable ? "r" : "-",
      mapping.writable ? "w" : "-", mapping.executable ? "x" : "-", mapping.shared ? "s" : "p",
      mapping.inode, mapping.offset_bytes, expected));
}

// Of the part of the memory that `mapping` covers within [begin, end).
absl::Status CheckOpen(const MemoryClaim& claim, const Mapping& mapping, uint64_t inode) {
  const bool right_access = mapping.readable && mapping.writable && !mapping.executable;
  const bool right_file =
      mapping.inode == inode &&
      (inode == 0 || mapping.begin - mapping.offset_bytes == AddressOf(claim.base));
  if (right_access && right_file && !mapping.shared) return absl::OkStatus();
  return WrongMapping(claim, mapping,
                      inode == 0 ? "private anonymous memory" : "the module's image, private");
}

absl::Status CheckClosed(const MemoryClaim& claim, const Mapping& mapping, uint64_t begin) {
  if (!mapping.accessible()) return absl::OkStatus();
  // A growth file: as its first byte lies beyond the file's end, so do all others.
  const bool growth = mapping.shared && mapping.offset_bytes == 0 && mapping.begin == begin &&
                      mapping.inode != 0 && !mapping.executable;
  if (growth && !IsReadable(reinterpret_cast<const uint8_t*>(mapping.begin))) {
    return absl::OkStatus();
  }
  if (growth) {
    return absl::DataLossError(
        absl::StrCat("memory: grown bytes from ", begin - AddressOf(claim.base),
                     " on are still accessible"));
  }
  return WrongMapping(claim, mapping, "no access");
}

// [base, initial) is of the image, [initial, open) anonymous, the rest closed, and no byte of the
// reservation is without a mapping, where anything could be mapped later.
absl::Status CheckMappings(const ProcessMap& map, const MemoryClaim& claim) {
  const uint64_t base = AddressOf(claim.base);
  const uint64_t initial_end = base + claim.image->mapped_bytes();
  const uint64_t open_end = base + claim.open_bytes;
  const uint64_t end = base + claim.reservation_bytes;
  TP_ASSIGN_OR_RETURN(const std::vector<Mapping> mappings, map.MappingsOf(base, end));
  uint64_t at = base;
  for (const Mapping& mapping : mappings) {
    if (mapping.begin > at) break;
    const uint64_t from = std::max(mapping.begin, base);
    const uint64_t to = std::min(mapping.end, end);
    if (from < initial_end) TP_RETURN_IF_ERROR(CheckOpen(claim, mapping, claim.image->inode()));
    if (to > initial_end && from < open_end) TP_RETURN_IF_ERROR(CheckOpen(claim, mapping, 0));
    if (to > open_end) TP_RETURN_IF_ERROR(CheckClosed(claim, mapping, open_end));
    at = to;
  }
  if (at == end) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("memory: nothing is mapped at byte ", at - base, " of its reservation"));
}

absl::Status Differs(absl::string_view region, const MemoryClaim& claim, const uint8_t* at,
                     uint8_t expected) {
  return absl::DataLossError(absl::StrFormat("memory: %s byte %d is 0x%02x, expected is 0x%02x",
                                             region, at - claim.base, *at, expected));
}

absl::Status CheckEqual(const MemoryClaim& claim, const ImageExtent& extent) {
  const uint8_t* at = claim.base + extent.offset_bytes;
  if (::memcmp(at, extent.bytes.data(), extent.bytes.size()) == 0) return absl::OkStatus();
  for (uint8_t expected : extent.bytes) {
    if (*at != expected) return Differs("image", claim, at, expected);
    ++at;
  }
  return absl::OkStatus();
}

absl::Status CheckZero(const MemoryClaim& claim, const uint8_t* from, const uint8_t* to) {
  static constexpr std::array<uint8_t, kHostPageBytes> kZeros{};
  for (; from < to; from += kHostPageBytes) {
    if (::memcmp(from, kZeros.data(), kHostPageBytes) == 0) continue;
    const uint8_t* at = from;
    while (*at == 0) ++at;
    const bool within = static_cast<uint64_t>(at - claim.base) < claim.image->mapped_bytes();
    return Differs(within ? "heap" : "grown", claim, at, 0);
  }
  return absl::OkStatus();
}

// The populated pages between extents, and behind the image up to what is open.
absl::Status CheckZeros(const ProcessMap& map, const MemoryClaim& claim, uint64_t from_bytes,
                        uint64_t to_bytes) {
  if (from_bytes >= to_bytes) return absl::OkStatus();
  const uint64_t base = AddressOf(claim.base);
  return map.ForEachPopulated(
      base + from_bytes, base + to_bytes, /*private_only=*/false,
      [&](uint64_t begin, uint64_t end) {
        return CheckZero(claim, claim.base + (begin - base), claim.base + (end - base));
      });
}

}  // namespace

absl::Status VerifyMemory(const ProcessMap& map, const MemoryClaim& claim) {
  TP_RETURN_IF_ERROR(CheckMappings(map, claim));
  uint64_t zeros_from = 0;
  for (const ImageExtent& extent : claim.image->extents()) {
    TP_RETURN_IF_ERROR(CheckZeros(map, claim, zeros_from, extent.offset_bytes));
    TP_RETURN_IF_ERROR(CheckEqual(claim, extent));
    zeros_from = extent.offset_bytes + extent.bytes.size();
  }
  return CheckZeros(map, claim, zeros_from, claim.open_bytes);
}

}  // namespace tidepool::pool
