// Small guests for tests of the data plane, each made to do one thing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tidepool::daemon {

using WasmBytes = std::vector<uint8_t>;

// `handler` guests.
WasmBytes AnsweringHandler(absl::string_view message);  // Always this, byte for byte.
WasmBytes EchoHandler();              // 200 with the whole request message as body.
WasmBytes LoopingHandler();           // Never returns.
WasmBytes TrappingHandler();          // unreachable
WasmBytes RecursingHandler();         // Without end.
// Grows by so much, traps if refused, else keeps it for a while and answers.
WasmBytes GrowingHandler(uint32_t wasm_pages, uint64_t sleep_ns = 0);
WasmBytes SleepingHandler(uint64_t nanoseconds);  // poll_oneoff on the monotonic clock, then answers.
WasmBytes RefusingHandler();          // tidepool_alloc gives 0.
WasmBytes StrayingHandler();          // Its response lies outside memory.
WasmBytes LoggingHandler(uint32_t bytes);  // Writes so much to stderr, then answers.
WasmBytes LoopingInitHandler();       // _initialize never returns.
WasmBytes TrappingInitHandler();
// A counter in memory, which must begin at 0 in each invocation: answers 200, or 500 if it did not.
WasmBytes RememberingHandler();
// Fills `bytes` of memory and answers; for a body that is large.
WasmBytes LargeHandler(uint32_t body_bytes);

// `command` guests.
WasmBytes PrintingCommand(absl::string_view output, uint32_t exit_code);
WasmBytes CatCommand();               // stdin → stdout

// `export` guests: add(i32, i32) → i32, div(i32, i32) → i32, and two results.
WasmBytes Arithmetic();

}  // namespace tidepool::daemon
