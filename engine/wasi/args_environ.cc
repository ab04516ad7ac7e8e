// args_*, environ_*: two lists of strings, laid out alike.
#include <cstring>
#include <string>
#include <vector>

#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {
namespace {

Errno WriteSizes(Call& call,
                 const std::vector<std::string>& strings,
                 Pointer count,
                 Pointer bytes) {
  uint64_t total = 0;
  for (const std::string& string : strings) total += string.size() + 1;
  if (total > UINT32_MAX || strings.size() > UINT32_MAX) return Errno::kOverflow;
  if (!call.memory.Write(count, static_cast<uint32_t>(strings.size())) ||
      !call.memory.Write(bytes, static_cast<uint32_t>(total))) {
    return Errno::kFault;
  }
  return Errno::kSuccess;
}

// `list` gets the address of each string, `text` the strings with a zero byte behind each.
Errno WriteStrings(Call& call,
                   const std::vector<std::string>& strings,
                   Pointer list,
                   Pointer text) {
  uint64_t entry = list;
  uint64_t at = text;
  for (const std::string& string : strings) {
    const auto to = call.memory.Bytes(at, string.size() + 1);
    // Inside memory, so that `at` fits 32 bits.
    if (!to.has_value() || !call.memory.Write(entry, static_cast<uint32_t>(at))) {
      return Errno::kFault;
    }
    std::memcpy(to->data(), string.c_str(), string.size() + 1);
    entry += sizeof(uint32_t);
    at += string.size() + 1;
  }
  return Errno::kSuccess;
}

}  // namespace

Errno ArgsGet(Call& call, Pointer list, Pointer text) {
  return WriteStrings(call, call.context.options().args, list, text);
}
Errno ArgsSizesGet(Call& call, Pointer count, Pointer bytes) {
  return WriteSizes(call, call.context.options().args, count, bytes);
}
Errno EnvironGet(Call& call, Pointer list, Pointer text) {
  return WriteStrings(call, call.context.options().environment, list, text);
}
Errno EnvironSizesGet(Call& call, Pointer count, Pointer bytes) {
  return WriteSizes(call, call.context.options().environment, count, bytes);
}

}  // namespace tidepool::engine::wasi
