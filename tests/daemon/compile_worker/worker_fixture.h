// A compile worker for tests: the real program, which accepts faults.
#pragma once

#include <fcntl.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "daemon/compile_worker/compile_client.h"
#include "engine/artifact/elf_reader.h"
#include "engine/platform/memfd.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::daemon {

inline std::string CompilerPath() {
  const char* folder = std::getenv("TIDEPOOL_BIN");
  return folder != nullptr ? std::string(folder) + "/tidepool-compiler" : "bin/tidepool-compiler";
}

inline std::vector<uint8_t> GoodModule() {
  test::WasmBuilder module;
  const auto add = module.Function(
      {test::ValueType::I32(), test::ValueType::I32()}, {test::ValueType::I32()},
      test::Code().LocalGet(0).LocalGet(1).Op(test::Opcode::kI32Add));
  module.ExportFunction("add", add);
  return module.Build();
}

inline std::vector<uint8_t> InvalidModule() {
  test::WasmBuilder module;
  module.Function({}, {test::ValueType::I32()}, test::Code().Op(test::Opcode::kI32Add));
  return module.Build();
}

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto client = CompileClient::Start({.path = CompilerPath(), .test_faults = true});
    ASSERT_TRUE(client.ok()) << client.status() << " (TIDEPOOL_BIN names the folder of programs)";
    client_ = *std::move(client);
    limits_.cpu = absl::Seconds(20);
    limits_.wall = absl::Seconds(20);
    limits_.memory_bytes = 256 * kMiB;
    limits_.artifact_bytes = 8 * kMiB;
  }

  absl::StatusOr<CompileReport> CompileGood() {
    output_ = CreateMemfd("artifact", 0).value();
    return client_->Compile(GoodModule(), output_.get(), {}, limits_);
  }
  absl::Status Commit(CompileFault fault) {
    const UniqueFd input(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    output_ = CreateMemfd("artifact", 0).value();
    return client_->CompileWithFaultForTest(input.get(), output_.get(), limits_, fault).status();
  }
  std::string Message(CompileFault fault) { return std::string(Commit(fault).message()); }

  std::unique_ptr<CompileClient> client_;
  CompileLimits limits_;
  UniqueFd output_;
};

}  // namespace tidepool::daemon
