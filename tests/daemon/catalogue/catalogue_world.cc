#include "tests/daemon/catalogue/catalogue_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "engine/baseline/baseline_backend.h"
#include "engine/compiler/compile.h"
#include "engine/platform/cpu_features.h"
#include "engine/platform/files.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::test {
namespace {

using daemon::DeployRequest;
using daemon::ModuleUpload;
using daemon::ModuleView;
using daemon::RevisionView;
using engine::wasm::Opcode;
using engine::wasm::ValueType;

}  // namespace

absl::Status InProcessCompiler::Compile(absl::Span<const uint8_t> wasm,
                                        const std::string& artifact_path) {
  ++compilations_;
  engine::BaselineBackend backend;
  TP_ASSIGN_OR_RETURN(const engine::Artifact artifact,
                      engine::Compile(wasm, engine::CompileOptions{}, backend));
  const UniqueFd fd(::open(artifact_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return daemon::DiskStatus(SyscallError("open", artifact_path));
  return daemon::DiskStatus(WriteAllAt(fd.get(), artifact.bytes, 0, artifact_path));
}

std::string MakeTemporaryFolder() {
  char path[] = "/tmp/tidepool-test-XXXXXX";
  TP_CHECK(::mkdtemp(path) != nullptr);
  return path;
}

void RemoveFolder(const std::string& path) {
  ::nftw(
      path.c_str(),
      [](const char* name, const struct stat*, int, FTW*) { return ::remove(name); },
      16,
      FTW_DEPTH | FTW_PHYS);
}

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  DIR* open = ::opendir(folder.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = ::readdir(open)) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  ::closedir(open);
  std::sort(names.begin(), names.end());
  return names;
}

CatalogueWorld::CatalogueWorld()
    : folder_(MakeTemporaryFolder()), owns_folder_(true), linker_(engine_) {}

CatalogueWorld::CatalogueWorld(std::string folder)
    : folder_(std::move(folder)), owns_folder_(false), linker_(engine_) {}

CatalogueWorld::~CatalogueWorld() {
  Close();
  if (owns_folder_) RemoveFolder(folder_);
}

absl::Status CatalogueWorld::Open(daemon::Catalogue::Options options) {
  TP_ASSIGN_OR_RETURN(state_, daemon::StateDirectory::Open(folder_));
  publisher_ = std::make_unique<daemon::SnapshotPublisher>();
  if (options.capacity.table_elements_max == UINT64_MAX) {
    options.capacity.table_elements_max = 100'000;
  }
  absl::StatusOr<std::unique_ptr<daemon::Catalogue>> opened =
      daemon::Catalogue::Open(std::move(options),
                              {.state = *state_,
                               .engine = engine_,
                               .linker = linker_,
                               .compiler = compiler_,
                               .publisher = *publisher_});
  if (!opened.ok()) {
    state_.reset();
    return opened.status();
  }
  catalogue_ = *std::move(opened);
  return absl::OkStatus();
}

void CatalogueWorld::Close() {
  catalogue_.reset();
  publisher_.reset();
  state_.reset();
}

std::shared_ptr<const daemon::RoutingSnapshot> CatalogueWorld::Snapshot() {
  std::shared_ptr<const daemon::RoutingSnapshot> held;
  publisher_->Refresh(held);
  return held;
}

absl::StatusOr<ModuleView> CatalogueWorld::Upload(const std::string& tenant,
                                                  absl::Span<const uint8_t> wasm) {
  TP_ASSIGN_OR_RETURN(const std::unique_ptr<ModuleUpload> upload,
                      catalogue_->StartUpload(tenant, wasm.size(), ""));
  TP_RETURN_IF_ERROR(upload->Append({reinterpret_cast<const char*>(wasm.data()), wasm.size()}));
  return upload->Finish();
}

absl::StatusOr<RevisionView> CatalogueWorld::Deploy(const std::string& tenant,
                                                    const std::string& function,
                                                    absl::Span<const uint8_t> wasm,
                                                    daemon::FunctionSettings settings,
                                                    const std::vector<std::string>& routes) {
  TP_ASSIGN_OR_RETURN(const ModuleView module, Upload(tenant, wasm));
  DeployRequest request{.tenant = tenant,
                        .function = function,
                        .module_sha256 = module.sha256,
                        .settings = std::move(settings)};
  for (const std::string& route : routes) {
    TP_ASSIGN_OR_RETURN(request.routes.emplace_back(), daemon::ParseRoute(route));
  }
  return catalogue_->Deploy(request);
}

std::vector<uint8_t> CommandModule(uint32_t variant) {
  WasmBuilder module;
  module.ExportMemory("memory", module.Memory(1));
  module.ExportFunction(
      "_start",
      module.Function({}, {}, Code().I32Const(static_cast<int32_t>(variant)).Op(Opcode::kDrop)));
  return module.Build();
}

std::vector<uint8_t> HandlerModule(uint32_t variant) {
  WasmBuilder module;
  module.ExportMemory("memory", module.Memory(1));
  module.ExportFunction(
      "tidepool_alloc",
      module.Function({ValueType::I32()}, {ValueType::I32()}, Code().I32Const(1024)));
  module.ExportFunction(
      "tidepool_handle",
      module.Function(
          {ValueType::I32(), ValueType::I32()}, {ValueType::I64()}, Code().I64Const(variant)));
  return module.Build();
}

std::vector<uint8_t> ExportModule() {
  WasmBuilder module;
  const ValueType i32 = ValueType::I32();
  module.ExportFunction(
      "add",
      module.Function({i32, i32}, {i32}, Code().LocalGet(0).LocalGet(1).Op(Opcode::kI32Add)));
  module.ExportFunction("all",
                        module.Function({i32, ValueType::I64(), ValueType::F32(), ValueType::F64()},
                                        {ValueType::F64()},
                                        Code().LocalGet(3)));
  return module.Build();
}

std::vector<uint8_t> ModuleImporting(const std::string& from,
                                     const std::vector<std::string>& names) {
  WasmBuilder module;
  for (const std::string& name : names) module.ImportFunction(from, name, {}, {});
  module.ExportFunction("_start", module.Function({}, {}, Code()));
  return module.Build();
}

std::vector<uint8_t> ModuleWithMemory(uint64_t wasm_pages) {
  WasmBuilder module;
  module.ExportMemory("memory", module.Memory(wasm_pages));
  module.ExportFunction("_start", module.Function({}, {}, Code()));
  return module.Build();
}

std::vector<uint8_t> ModuleOfBytes(uint64_t bytes, uint32_t variant) {
  std::vector<uint8_t> wasm = CommandModule(variant);
  // A custom section named "x", its size in five bytes of LEB128 so that any fits.
  const auto size = static_cast<uint32_t>(bytes + 2);
  wasm.push_back(0);
  for (int i = 0; i < 5; ++i) {
    wasm.push_back(static_cast<uint8_t>((size >> (7 * i) & 0x7F) | (i < 4 ? 0x80 : 0)));
  }
  wasm.push_back(1);
  wasm.push_back('x');
  wasm.resize(wasm.size() + bytes, static_cast<uint8_t>(variant));
  return wasm;
}

}  // namespace tidepool::test
