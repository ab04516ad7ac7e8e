#include "tests/daemon/http/guest_modules.h"

#include "absl/strings/str_cat.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::daemon {
namespace {

using test::Code;
using test::FunctionIndex;
using test::Opcode;
using test::ValueType;
using test::WasmBuilder;

constexpr char kWasi[] = "wasi_snapshot_preview1";
constexpr int32_t kRequestAt = 4096;   // What tidepool_alloc gives.
constexpr int32_t kResponseAt = 1024;
const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();
constexpr absl::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nok\n";

int64_t Packed(uint32_t address, uint64_t bytes) {
  return static_cast<int64_t>(uint64_t{address} << 32 | bytes);
}

// A handler whose tidepool_handle is `before`, then the fixed answer.  Imports come first.
struct Handler {
  WasmBuilder module;
  void AddParts(const Code& before, absl::string_view message = kOk,
                const std::vector<WasmBuilder::LocalRun>& locals = {}, uint64_t wasm_pages = 2) {
    module.Memory(wasm_pages);
    module.ExportMemory("memory");
    module.ExportFunction("tidepool_alloc",
                          module.Function({kI32}, {kI32}, Code().I32Const(kRequestAt)));
    Code code = before;
    code.I64Const(Packed(kResponseAt, message.size()));
    module.ExportFunction("tidepool_handle", module.Function({kI32, kI32}, {kI64}, code, locals));
    module.ActiveData(Code().I32Const(kResponseAt), message);
  }
};

Code EndlessLoop() {
  Code code;
  code.Open(Opcode::kLoop).Op(Opcode::kBr, {0}).Op(Opcode::kEnd);
  return code;
}

// A subscription at 256: clock (tag 0 at +8), monotonic (+16), timeout (+24).
void AddSleep(Code& code, FunctionIndex poll, uint64_t nanoseconds) {
  code.I32Const(256).I32Const(1).Access(Opcode::kI32Store, 16);
  code.I32Const(256).I64Const(static_cast<int64_t>(nanoseconds)).Access(Opcode::kI64Store, 24);
  code.I32Const(256).I32Const(512).I32Const(1).I32Const(640).Call(poll).Op(Opcode::kDrop);
}

}  // namespace

WasmBytes AnsweringHandler(absl::string_view message) {
  Handler handler;
  handler.AddParts(Code(), message);
  return handler.module.Build();
}

WasmBytes EchoHandler() {
  // The head lies right before the request: together they are the response.
  constexpr absl::string_view kHead = "HTTP/1.1 200 OK\r\n\r\n";
  WasmBuilder module;
  module.Memory(200);
  module.ExportMemory("memory");
  module.ExportFunction("tidepool_alloc",
                        module.Function({kI32}, {kI32}, Code().I32Const(kRequestAt)));
  Code handle;
  handle.LocalGet(1).Op(Opcode::kI64ExtendI32U).I64Const(static_cast<int64_t>(kHead.size()));
  handle.Op(Opcode::kI64Add);
  handle.I64Const(Packed(kRequestAt - static_cast<uint32_t>(kHead.size()), 0)).Op(Opcode::kI64Or);
  module.ExportFunction("tidepool_handle", module.Function({kI32, kI32}, {kI64}, handle));
  module.ActiveData(Code().I32Const(kRequestAt - static_cast<int32_t>(kHead.size())), kHead);
  return module.Build();
}

WasmBytes LoopingHandler() {
  Handler handler;
  handler.AddParts(EndlessLoop());
  return handler.module.Build();
}

WasmBytes TrappingHandler() {
  Handler handler;
  handler.AddParts(Code().Op(Opcode::kUnreachable));
  return handler.module.Build();
}

WasmBytes RecursingHandler() {
  Handler handler;
  const FunctionIndex self = handler.module.NextFunction();
  handler.module.Function({kI32}, {kI32},
                          Code().LocalGet(0).Call(self).I32Const(1).Op(Opcode::kI32Add));
  handler.AddParts(Code().I32Const(0).Call(self).Op(Opcode::kDrop));
  return handler.module.Build();
}

WasmBytes GrowingHandler(uint32_t wasm_pages, uint64_t sleep_ns) {
  Handler handler;
  const FunctionIndex poll =
      handler.module.ImportFunction(kWasi, "poll_oneoff", {kI32, kI32, kI32, kI32}, {kI32});
  Code grow;
  grow.I32Const(static_cast<int32_t>(wasm_pages)).Op(Opcode::kMemoryGrow, {0});
  grow.I32Const(-1).Op(Opcode::kI32Eq).Open(Opcode::kIf).Op(Opcode::kUnreachable);
  grow.Op(Opcode::kEnd);
  if (sleep_ns > 0) AddSleep(grow, poll, sleep_ns);
  handler.AddParts(grow);
  return handler.module.Build();
}

WasmBytes SleepingHandler(uint64_t nanoseconds) {
  Handler handler;
  const FunctionIndex poll =
      handler.module.ImportFunction(kWasi, "poll_oneoff", {kI32, kI32, kI32, kI32}, {kI32});
  Code code;
  AddSleep(code, poll, nanoseconds);
  handler.AddParts(code);
  return handler.module.Build();
}

WasmBytes RefusingHandler() {
  WasmBuilder module;
  module.Memory(1);
  module.ExportMemory("memory");
  module.ExportFunction("tidepool_alloc", module.Function({kI32}, {kI32}, Code().I32Const(0)));
  module.ExportFunction("tidepool_handle",
                        module.Function({kI32, kI32}, {kI64}, Code().I64Const(0)));
  return module.Build();
}

WasmBytes StrayingHandler() {
  WasmBuilder module;
  module.Memory(1);
  module.ExportMemory("memory");
  module.ExportFunction("tidepool_alloc",
                        module.Function({kI32}, {kI32}, Code().I32Const(kRequestAt)));
  module.ExportFunction(
      "tidepool_handle",
      module.Function({kI32, kI32}, {kI64}, Code().I64Const(Packed(0xFFFFFFF0u, 0xFFFFFFFFu))));
  return module.Build();
}

WasmBytes LoggingHandler(uint32_t bytes) {
  Handler handler;
  const FunctionIndex write =
      handler.module.ImportFunction(kWasi, "fd_write", {kI32, kI32, kI32, kI32}, {kI32});
  Code code;
  code.I32Const(kRequestAt).I32Const('x').I32Const(static_cast<int32_t>(bytes));
  code.Op(Opcode::kMemoryFill, {0});
  code.I32Const(256).I32Const(kRequestAt).Access(Opcode::kI32Store);
  code.I32Const(256).I32Const(static_cast<int32_t>(bytes)).Access(Opcode::kI32Store, 4);
  code.I32Const(2).I32Const(256).I32Const(1).I32Const(512).Call(write).Op(Opcode::kDrop);
  handler.AddParts(code, kOk, {}, 20);
  return handler.module.Build();
}

WasmBytes LoopingInitHandler() {
  Handler handler;
  handler.module.ExportFunction("_initialize", handler.module.Function({}, {}, EndlessLoop()));
  handler.AddParts(Code());
  return handler.module.Build();
}

WasmBytes TrappingInitHandler() {
  Handler handler;
  handler.module.ExportFunction(
      "_initialize", handler.module.Function({}, {}, Code().Op(Opcode::kUnreachable)));
  handler.AddParts(Code());
  return handler.module.Build();
}

WasmBytes RememberingHandler() {
  Handler handler;
  Code code;
  code.I32Const(70'000).Access(Opcode::kI32Load).Open(Opcode::kIf).Op(Opcode::kUnreachable);
  code.Op(Opcode::kEnd);
  code.I32Const(70'000).I32Const(7).Access(Opcode::kI32Store);
  handler.AddParts(code);
  return handler.module.Build();
}

WasmBytes LargeHandler(uint32_t body_bytes) {
  constexpr absl::string_view kHead = "HTTP/1.1 200 OK\r\n\r\n";
  WasmBuilder module;
  module.Memory(body_bytes / 65536 + 2);
  module.ExportMemory("memory");
  module.ExportFunction("tidepool_alloc",
                        module.Function({kI32}, {kI32}, Code().I32Const(64)));
  Code code;
  code.I32Const(kRequestAt).I32Const('y').I32Const(static_cast<int32_t>(body_bytes));
  code.Op(Opcode::kMemoryFill, {0});
  code.I64Const(Packed(kRequestAt - static_cast<uint32_t>(kHead.size()),
                       kHead.size() + body_bytes));
  module.ExportFunction("tidepool_handle", module.Function({kI32, kI32}, {kI64}, code));
  module.ActiveData(Code().I32Const(kRequestAt - static_cast<int32_t>(kHead.size())), kHead);
  return module.Build();
}

WasmBytes PrintingCommand(absl::string_view output, uint32_t exit_code) {
  WasmBuilder module;
  const FunctionIndex write =
      module.ImportFunction(kWasi, "fd_write", {kI32, kI32, kI32, kI32}, {kI32});
  const FunctionIndex exit = module.ImportFunction(kWasi, "proc_exit", {kI32}, {});
  module.Memory(1);
  module.ExportMemory("memory");
  Code code;
  code.I32Const(256).I32Const(kResponseAt).Access(Opcode::kI32Store);
  code.I32Const(256).I32Const(static_cast<int32_t>(output.size())).Access(Opcode::kI32Store, 4);
  code.I32Const(1).I32Const(256).I32Const(1).I32Const(512).Call(write).Op(Opcode::kDrop);
  code.I32Const(static_cast<int32_t>(exit_code)).Call(exit);
  module.ExportFunction("_start", module.Function({}, {}, code));
  module.ActiveData(Code().I32Const(kResponseAt), output);
  return module.Build();
}

WasmBytes CatCommand() {
  WasmBuilder module;
  const FunctionIndex read =
      module.ImportFunction(kWasi, "fd_read", {kI32, kI32, kI32, kI32}, {kI32});
  const FunctionIndex write =
      module.ImportFunction(kWasi, "fd_write", {kI32, kI32, kI32, kI32}, {kI32});
  module.Memory(2);
  module.ExportMemory("memory");
  Code code;
  code.Open(Opcode::kLoop);
  code.I32Const(256).I32Const(1024).Access(Opcode::kI32Store);
  code.I32Const(256).I32Const(32768).Access(Opcode::kI32Store, 4);
  code.I32Const(0).I32Const(256).I32Const(1).I32Const(512).Call(read).Op(Opcode::kDrop);
  code.I32Const(512).Access(Opcode::kI32Load).Open(Opcode::kIf);
  code.I32Const(256).I32Const(512).Access(Opcode::kI32Load).Access(Opcode::kI32Store, 4);
  code.I32Const(1).I32Const(256).I32Const(1).I32Const(516).Call(write).Op(Opcode::kDrop);
  code.Op(Opcode::kBr, {1}).Op(Opcode::kEnd).Op(Opcode::kEnd);
  module.ExportFunction("_start", module.Function({}, {}, code));
  return module.Build();
}

WasmBytes Arithmetic() {
  WasmBuilder module;
  module.ExportFunction("add", module.Function({kI32, kI32}, {kI32},
                                               Code().LocalGet(0).LocalGet(1).Op(Opcode::kI32Add)));
  module.ExportFunction("div", module.Function({kI32, kI32}, {kI32},
                                               Code().LocalGet(0).LocalGet(1).Op(Opcode::kI32DivS)));
  module.ExportFunction("swap", module.Function({kI32, kI64}, {kI64, kI32},
                                                Code().LocalGet(1).LocalGet(0)));
  return module.Build();
}

}  // namespace tidepool::daemon
