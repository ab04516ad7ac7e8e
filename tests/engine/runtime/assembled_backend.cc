#include "tests/engine/runtime/assembled_backend.h"

#include "engine/compiler/vm_context_counts.h"
#include "engine/support/check.h"

namespace tidepool::test {

using engine::abi::BuiltinId;
namespace control = engine::abi::thread_control;

void FunctionText::Enter() {
  a.Push(Gpr::kRbp);
  a.Mov(Width::k64, Gpr::kRbp, Gpr::kRsp);
  a.Push(Gpr::kRdi);
  a.Push(Gpr::kRdi);  // Twice, to keep rsp aligned.
  a.Arithmetic(x64::ArithmeticOp::kCmp, Width::k64, Gpr::kRsp, Mem::Gs(control::kStackLimit));
  const x64::ShortJump enough = a.JccShort(x64::Condition::kAboveEqual);
  a.Mov(Width::k64, Gpr::kRax, Gpr::kRsp);
  a.Call(Mem::Gs(control::kStackCheck));
  a.Bind(enough);
}

void FunctionText::Leave() {
  a.Leave();
  a.Ret();
}

void FunctionText::LoopCheck() {
  a.Arithmetic(x64::ArithmeticOp::kCmp, Width::k64, Gpr::kRsp, Mem::Gs(control::kStackLimit));
  const x64::ShortJump nothing = a.JccShort(x64::Condition::kAboveEqual);
  a.Call(Mem::Gs(control::kInterrupt));
  a.Bind(nothing);
}

void FunctionText::Raise(TrapCode code) {
  a.MovImm(Gpr::kRdi, static_cast<uint64_t>(code));
  a.Call(Mem::Gs(control::kRaiseTrap));
}

void FunctionText::MayFault(TrapCode code) {
  trap_sites.push_back({.text_offset = a.offset(), .code = code});
}

void FunctionText::Builtin(BuiltinId id) {
  LoadContext(Gpr::kRdi);
  a.Call(Mem::Gs(control::kBuiltins + 8 * static_cast<int32_t>(id)));
}

void FunctionText::CallImport(uint32_t function) {
  LoadContext(Gpr::kRax);
  const auto import = static_cast<int32_t>(layout.FunctionImport(function));
  a.Mov(Width::k64, Gpr::kRdi, Mem::At(Gpr::kRax, import + abi::vmctx::kFunctionContext));
  a.Call(Mem::At(Gpr::kRax, import + abi::vmctx::kFunctionCode));
}

void FunctionText::At(uint32_t wasm_offset) {
  address_map.push_back({.text_offset = a.offset(), .wasm_offset = wasm_offset});
}

void FunctionText::LoadMemoryBase(Gpr to) {
  LoadContext(to);
  a.Mov(Width::k64, to, Mem::At(to, abi::vmctx::kMemory0Base));
}

absl::StatusOr<engine::CompiledModule> AssembledBackend::Compile(
    const engine::wasm::ValidatedModule& module, const engine::CompileOptions&) {
  TP_CHECK(functions_.size() == module.module().bodies.size());
  const abi::VmContextLayout layout(engine::CountsOf(module));
  engine::CompiledModule compiled;
  x64::Assembler assembler;
  for (const auto& emit : functions_) {
    assembler.Align(16);
    FunctionText text(assembler, layout);
    const uint32_t begin = assembler.offset();
    emit(text);
    compiled.functions.push_back({begin, assembler.offset() - begin});
    compiled.trap_sites.insert(
        compiled.trap_sites.end(), text.trap_sites.begin(), text.trap_sites.end());
    compiled.address_map.insert(
        compiled.address_map.end(), text.address_map.begin(), text.address_map.end());
  }
  const uint8_t* text = assembler.buffer().data();
  compiled.text.assign(text, text + assembler.offset());
  return compiled;
}

}  // namespace tidepool::test
