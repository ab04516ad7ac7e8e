#include "engine/runtime/trap.h"

#include "absl/strings/str_cat.h"

namespace tidepool::engine {

std::string ToString(const Trap& trap) {
  std::string text = absl::StrCat("wasm trap: ", trap.message);
  for (size_t i = 0; i < trap.backtrace.size(); ++i) {
    const BacktraceFrame& frame = trap.backtrace[i];
    absl::StrAppend(&text, "\n  ", absl::Dec(i, absl::kSpacePad3), ": ",
                    frame.function_name.empty() ? "<unnamed>" : frame.function_name.c_str(),
                    " (func ", frame.function_index, ")");
    if (frame.wasm_offset != 0) {
      absl::StrAppend(&text, " @ 0x", absl::Hex(frame.wasm_offset));
    }
  }
  if (trap.backtrace_truncated) absl::StrAppend(&text, "\n       … and more");
  return text;
}

}  // namespace tidepool::engine
