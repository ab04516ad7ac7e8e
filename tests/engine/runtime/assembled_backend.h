// AssembledBackend: guest functions written by hand, so that the runtime is tested without trusting a
// compiler.  They go through the whole file format all the same.
//
//   AssembledBackend backend;
//   backend.Add([](FunctionText& f) {
//     f.Enter();
//     f.a.Mov(Width::k32, Gpr::kRax, Gpr::kRsi);
//     f.Leave();
//   });
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/abi/thread_control.h"
#include "engine/abi/vm_context.h"
#include "engine/compiler/backend.h"
#include "engine/x64/assembler.h"

namespace tidepool::test {

namespace x64 = ::tidepool::engine::x64;
namespace abi = ::tidepool::engine::abi;
using ::tidepool::engine::TrapCode;
using x64::Gpr;
using x64::Mem;
using x64::Width;
using x64::Xmm;

class FunctionText {
 public:
  FunctionText(x64::Assembler& assembler, const abi::VmContextLayout& layout)
      : a(assembler), layout(layout) {}

  // Frame, stack check, and the VmContext kept at [rbp - 8].
  void Enter();
  void Leave();
  // A loop header's look at the control word.
  void LoopCheck();
  void Raise(TrapCode code);
  // The next instruction may fault.
  void MayFault(TrapCode code);
  // rdi = VmContext; the other arguments are in their C registers.
  void Builtin(abi::BuiltinId id);
  void CallImport(uint32_t function);
  // From here on the code belongs to this byte of the module.
  void At(uint32_t wasm_offset);
  void LoadContext(Gpr to) { a.Mov(Width::k64, to, Mem::At(Gpr::kRbp, -8)); }
  // to = base of memory 0.
  void LoadMemoryBase(Gpr to);

  x64::Assembler& a;
  const abi::VmContextLayout& layout;
  std::vector<engine::TrapSite> trap_sites;
  std::vector<engine::AddressMapEntry> address_map;
};

class AssembledBackend final : public engine::Backend {
 public:
  // The next defined function.
  void Add(std::function<void(FunctionText&)> emit) { functions_.push_back(std::move(emit)); }
  absl::StatusOr<engine::CompiledModule> Compile(const engine::wasm::ValidatedModule& module,
                                                 const engine::CompileOptions& options) override;

 private:
  std::vector<std::function<void(FunctionText&)>> functions_;
};

}  // namespace tidepool::test
