// engine_bench [--quick]: promises engine.call_in, engine.call_out, engine.trap, artifact.load.
//
// Times are medians of samples of some hundred thousand calls each, in nanoseconds per call.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/support/rows.h"
#include "engine/baseline/baseline_backend.h"
#include "engine/compiler/compile.h"
#include "engine/platform/files.h"
#include "engine/platform/memfd.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/call.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/runtime/owned_storage.h"
#include "engine/runtime/store.h"
#include "engine/support/check.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::bench {
namespace {

using engine::wasm::Opcode;
using engine::wasm::ValueType;
using test::Code;
using test::WasmBuilder;

struct Effort {
  int samples;
  int calls;
};

double NowNs() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<uint8_t> CompileOrDie(absl::Span<const uint8_t> wasm) {
  engine::BaselineBackend backend;
  engine::CompileOptions options;
  options.cpu_features = *DetectCpuFeatures();
  absl::StatusOr<engine::Artifact> artifact = engine::Compile(wasm, options, backend);
  if (!artifact.ok()) {
    std::fprintf(stderr, "engine_bench: %s\n", artifact.status().ToString().c_str());
    std::exit(1);
  }
  return {artifact->bytes.begin(), artifact->bytes.end()};
}

// The module all call and trap rows use.
std::vector<uint8_t> CallModule() {
  WasmBuilder module;
  const auto host = module.ImportFunction("host", "f", {ValueType::I64()}, {ValueType::I64()});
  module.Memory(1, 1);
  const auto add = [&](absl::string_view name, const WasmBuilder::Types& results, const Code& code) {
    module.ExportFunction(name, module.Function({ValueType::I64()}, results, code));
  };
  add("identity", {ValueType::I64()}, Code().LocalGet(0));
  const auto loop = [&](bool with_call) {
    Code code;
    code.Open(Opcode::kLoop);
    if (with_call) code.LocalGet(0).Call(host).Op(Opcode::kDrop);
    code.LocalGet(0).I64Const(1).Op(Opcode::kI64Sub).LocalTee(0).I64Const(0).Op(Opcode::kI64Ne);
    return code.BrIf(0).End();
  };
  add("loop", {}, loop(false));
  add("call_out", {}, loop(true));
  add("explicit", {}, Code().Op(Opcode::kUnreachable));
  add("guard", {}, Code().I32Const(-8).Access(Opcode::kI64Load).Op(Opcode::kDrop));
  return module.Build();
}

class Guest {
 public:
  explicit Guest(engine::Engine& engine) : linker_(engine), store_(storage_) {
    const std::vector<uint8_t> bytes = CompileOrDie(CallModule());
    const FileExtent whole[] = {{0, bytes}};
    const UniqueFd fd = *CreateSealedMemfd("engine_bench", bytes.size(), whole);
    auto module = engine::Module::LoadFd(engine, fd.get(), "engine_bench");
    TP_CHECK(module.ok());
    TP_CHECK(linker_
                 .DefineFunction("host", "f", {{ValueType::I64()}, {ValueType::I64()}},
                                 [](engine::HostCall& call) {
                                   call.results[0] = call.arguments[0];
                                   return engine::TrapCode::kNone;
                                 })
                 .ok());
    auto instance = store_.Instantiate(*module, *linker_.Resolve(**module), activation_);
    TP_CHECK(instance.ok());
    instance_ = std::get<engine::Instance*>(*instance);
  }

  // Calls an export with one i64; nanoseconds per call.
  double Time(absl::string_view name, int calls, uint64_t argument, engine::TrapCode expected) {
    const std::optional<engine::Extern> function = instance_->FindExport(name);
    TP_CHECK(function.has_value());
    const engine::Value arguments[] = {engine::Value::I64(argument)};
    std::vector<engine::Value> results(function->function_type->results.size());
    const double begin = NowNs();
    for (int i = 0; i < calls; ++i) {
      const engine::TrapCode code =
          engine::CallFunction(store_, *function->function, *function->function_type, arguments,
                               absl::MakeSpan(results), activation_);
      TP_CHECK(code == expected);
    }
    return (NowNs() - begin) / calls;
  }

 private:
  engine::OwnedStorage storage_;
  engine::Linker linker_;
  engine::Store store_;
  engine::Activation activation_{engine::Activation::LimitOnCurrentStack(256 * 1024), nullptr};
  engine::Instance* instance_ = nullptr;
};

void MeasureCalls(engine::Engine& engine, const Effort& effort) {
  Guest guest(engine);
  std::vector<double> in, out, explicit_trap, guard_trap;
  const uint64_t loops = static_cast<uint64_t>(effort.calls);
  for (int i = 0; i < effort.samples; ++i) {
    in.push_back(guest.Time("identity", effort.calls, 1, engine::TrapCode::kNone));
    const double empty = guest.Time("loop", 1, loops, engine::TrapCode::kNone);
    const double calling = guest.Time("call_out", 1, loops, engine::TrapCode::kNone);
    out.push_back((calling - empty) / static_cast<double>(loops));
    explicit_trap.push_back(
        guest.Time("explicit", effort.calls / 10, 1, engine::TrapCode::kUnreachable));
    guard_trap.push_back(
        guest.Time("guard", effort.calls / 100, 1, engine::TrapCode::kMemoryOutOfBounds));
  }
  PrintRow({.name = "engine.call_in", .unit = "ns"}, in);
  PrintRow({.name = "engine.call_out", .unit = "ns"}, out);
  PrintRow({.name = "engine.trap.explicit", .unit = "ns", .goal = 200}, explicit_trap);
  PrintRow({.name = "engine.trap.guard", .unit = "ns", .goal = 2000}, guard_trap);
}

double TimeLoadUs(engine::Engine& engine, const std::string& path) {
  const double begin = NowNs();
  const auto module = engine::Module::Load(engine, path);
  const double elapsed = NowNs() - begin;
  TP_CHECK(module.ok());
  return elapsed / 1000;
}

// python's artifact beside a small one's: what Load must not do is grow with the code.
void MeasureLoad(engine::Engine& engine, const Effort& effort) {
  const char* shared = std::getenv("TIDEPOOL_SHARED");
  const std::string modules = absl::StrCat(shared != nullptr ? shared : "../shared", "/conformance/modules/");
  const auto python = ReadFile(modules + "python/python.wasm", 1 << 30);
  const auto small = ReadFile(modules + "shootout-gimli/shootout-gimli.wasm", 1 << 30);
  if (!python.ok() || !small.ok()) {
    std::fprintf(stderr, "engine_bench: artifact.load needs %s\n", modules.c_str());
    return;
  }
  const std::string folder = absl::StrCat("/tmp/engine_bench.", ::getpid());
  const std::string python_path = folder + ".python.tpa";
  const std::string small_path = folder + ".small.tpa";
  TP_CHECK(WriteFileDurably(python_path, CompileOrDie(*python)).ok());
  TP_CHECK(WriteFileDurably(small_path, CompileOrDie(*small)).ok());
  std::vector<double> large_us, small_us;
  for (int i = 0; i < effort.samples; ++i) {
    large_us.push_back(TimeLoadUs(engine, python_path));
    small_us.push_back(TimeLoadUs(engine, small_path));
  }
  ::unlink(python_path.c_str());
  ::unlink(small_path.c_str());
  PrintRow({.name = "artifact.load.small", .unit = "us"}, small_us);
  PrintRow({.name = "artifact.load", .unit = "us"}, large_us);
}

int Main(bool quick) {
  engine::Engine engine;
  MeasureCalls(engine, quick ? Effort{3, 10'000} : Effort{31, 500'000});
  MeasureLoad(engine, quick ? Effort{3, 0} : Effort{101, 0});
  return 0;
}

}  // namespace
}  // namespace tidepool::bench

int main(int argc, char** argv) {
  return tidepool::bench::Main(argc > 1 && std::strcmp(argv[1], "--quick") == 0);
}
