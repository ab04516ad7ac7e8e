#include "tests/spec/spectest.h"

#include <vector>

#include "engine/support/status_macros.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::spec {
namespace {

using engine::HostCall;
using engine::TrapCode;
using engine::wasm::FunctionType;
using engine::wasm::ValueType;

// What scripts print is of no interest; that it arrives is.
TrapCode Print(HostCall&) {
  return TrapCode::kNone;
}

struct PrintRow {
  const char* name;
  std::vector<ValueType> params;
};

absl::Status DefinePrints(engine::Linker& linker) {
  const PrintRow rows[] = {
      {"print", {}},
      {"print_i32", {ValueType::I32()}},
      {"print_i64", {ValueType::I64()}},
      {"print_f32", {ValueType::F32()}},
      {"print_f64", {ValueType::F64()}},
      {"print_i32_f32", {ValueType::I32(), ValueType::F32()}},
      {"print_f64_f64", {ValueType::F64(), ValueType::F64()}},
  };
  for (const PrintRow& row : rows) {
    TP_RETURN_IF_ERROR(
        linker.DefineFunction("spectest", row.name, FunctionType{row.params, {}}, &Print));
  }
  return absl::OkStatus();
}

// Memory, table and globals need storage like any others: they come from a module of their own.
std::vector<uint8_t> StorageModule() {
  using test::Code;
  using test::ExternalKind;
  test::WasmBuilder module;
  const auto export_global = [&module](const char* name, ValueType type, const Code& init) {
    module.Export(name, ExternalKind::kGlobal, ToInt(module.Global(type, false, init)));
  };
  export_global("global_i32", ValueType::I32(), Code().I32Const(666));
  export_global("global_i64", ValueType::I64(), Code().I64Const(666));
  export_global("global_f32", ValueType::F32(), Code().F32Const(666.6f));
  export_global("global_f64", ValueType::F64(), Code().F64Const(666.6));
  module.Export("table", ExternalKind::kTable, ToInt(module.Table(10, 20)));
  module.ExportMemory("memory", module.Memory(1, 2));
  return module.Build();
}

}  // namespace

absl::Status DefineSpectest(Environment& environment, Session& session) {
  TP_RETURN_IF_ERROR(DefinePrints(session.linker()));
  TP_ASSIGN_OR_RETURN(const std::shared_ptr<const engine::Module> module,
                      environment.Compile(StorageModule(), "spectest"));
  TP_ASSIGN_OR_RETURN(const InstanceOrTrap instance, session.Instantiate(module));
  if (!std::holds_alternative<engine::Instance*>(instance)) {
    return absl::InternalError("module spectest trapped while it was instantiated");
  }
  session.linker().DefineInstance("spectest", *std::get<engine::Instance*>(instance));
  return absl::OkStatus();
}

}  // namespace tidepool::spec
