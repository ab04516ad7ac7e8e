// TestInstance runs what the baseline backend makes, without artifact, loader and runtime: text
// mapped executable, a VmContext built by hand, a ThreadControl behind the GS base whose trap exit
// is a longjmp.
//
// Builtins do nothing but note their arguments (builtin_calls) and return `builtin_result`.
// Imported functions are `host_functions` by index.  Globals get their constant initialisers;
// tables are filled by the test.
//
// Threads  One instance at a time, on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "engine/abi/thread_control.h"
#include "engine/abi/trap_code.h"
#include "engine/abi/vm_context.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/compiled_module.h"
#include "engine/wasm/module.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::test {

using engine::CompileOptions;
using engine::TrapCode;

// Bits of a value: i32 and f32 in the low half.
using Bits = uint64_t;
inline Bits I32(int32_t value) {
  return static_cast<uint32_t>(value);
}
inline Bits I64(int64_t value) {
  return static_cast<uint64_t>(value);
}
inline Bits F32(float value) {
  return std::bit_cast<uint32_t>(value);
}
inline Bits F64(double value) {
  return std::bit_cast<uint64_t>(value);
}

// Results in order, or a trap.
using Outcome = std::variant<std::vector<Bits>, TrapCode>;

struct BuiltinCall {
  engine::abi::BuiltinId id;
  uint64_t arguments[5];
};

class TestInstance {
 public:
  // Fails the running test and returns null if the module does not compile.
  static std::unique_ptr<TestInstance> Create(const WasmBuilder& builder,
                                              const CompileOptions& options = {},
                                              std::vector<const void*> host_functions = {});
  ~TestInstance();

  Outcome Call(FunctionIndex function, const std::vector<Bits>& arguments);

  const engine::CompiledModule& compiled() const { return compiled_; }
  const engine::wasm::Module& module() const { return valid_->module(); }
  engine::abi::VmContext* vm_context() {
    return reinterpret_cast<engine::abi::VmContext*>(state_.data());
  }
  uint8_t* memory() { return memory_; }
  engine::abi::MemoryRecord& memory_record();
  engine::abi::TableRecord& table_record(uint32_t defined);
  engine::abi::GlobalCell& global(uint32_t defined);
  // Of an escaping function; what a table entry for it holds.
  uint64_t Reference(FunctionIndex function);
  const uint8_t* entry(FunctionIndex function) const;
  engine::abi::ThreadControl& control() { return control_; }
  void* argument_area() { return area_.data(); }

  std::vector<BuiltinCall> builtin_calls;
  uint64_t builtin_result = 0;
  uint32_t interrupt_count = 0;
  uint32_t stack_check_count = 0;
  // Offset in the text of the instruction that trapped last.
  uint32_t trap_offset = 0;
  // The wasm offset the address map gives for it.
  uint32_t TrapWasmOffset() const;

 private:
  TestInstance() = default;
  void MapText();
  void MapMemory();
  void FillContext(std::vector<const void*> host_functions);

  std::vector<uint8_t> bytes_;
  std::unique_ptr<engine::wasm::ValidatedModule> valid_;
  engine::CompiledModule compiled_;
  std::unique_ptr<engine::abi::VmContextLayout> layout_;
  std::vector<uint32_t> escape_ordinals_;
  uint8_t* text_ = nullptr;
  size_t text_mapped_bytes_ = 0;
  uint8_t* memory_ = nullptr;
  std::vector<uint64_t> state_;
  std::vector<std::vector<uint64_t>> tables_;
  std::vector<uint32_t> type_ids_;
  std::vector<std::array<uint64_t, 2>> area_;
  engine::abi::ThreadControl control_{};
};

}  // namespace tidepool::test
