#include "tests/spec/environment.h"

#include "engine/baseline/baseline_backend.h"
#include "engine/compiler/compile.h"
#include "engine/platform/memfd.h"
#include "engine/support/status_macros.h"
#include "engine/wasm/decoder.h"
#include "engine/wasm/validator.h"
#include "pool/memory/kernel_features.h"

namespace tidepool::spec {
namespace {

// Tables of scripts are small, and each takes its address space from a state area of the pool.
constexpr uint64_t kTableElementsMax = 100'000;
constexpr uint64_t kStateBytesMax = uint64_t{4} << 20;
constexpr uint64_t kStackBytes = uint64_t{8} << 20;

}  // namespace

Environment::Environment(const Options& options)
    : options_(options), backend_(std::make_unique<engine::BaselineBackend>()) {}

absl::StatusOr<std::unique_ptr<Environment>> Environment::Create(const Options& options) {
  auto environment = std::unique_ptr<Environment>(new Environment(options));
  if (options.storage == StorageKind::kPool) {
    pool::PoolOptions pool;
    pool.slot_count = options.slots;
    pool.state_bytes_max = kStateBytesMax;
    pool.growth = options.growth;
    pool.reset = options.reset;
    pool.verify_rate = 1;
    pool.features = pool::ProbeKernelFeatures();
    TP_ASSIGN_OR_RETURN(environment->pool_, pool::InstancePool::Create(pool));
  }
  TP_ASSIGN_OR_RETURN(environment->stack_, engine::GuestStack::Create(kStackBytes));
  return environment;
}

absl::Status Environment::Check(absl::Span<const uint8_t> wasm) const {
  TP_ASSIGN_OR_RETURN(engine::wasm::Module module,
                      engine::wasm::Decode(wasm, options_.compile.wasm_features));
  return engine::wasm::Validate(std::move(module), options_.compile.wasm_features).status();
}

absl::StatusOr<std::shared_ptr<const engine::Module>> Environment::Compile(
    absl::Span<const uint8_t> wasm, const std::string& name) {
  TP_ASSIGN_OR_RETURN(const engine::Artifact artifact,
                      engine::Compile(wasm, options_.compile, *backend_));
  const FileExtent whole{.offset_bytes = 0, .content = artifact.bytes};
  TP_ASSIGN_OR_RETURN(const UniqueFd file,
                      CreateSealedMemfd("artifact", artifact.bytes.size(), {&whole, 1}));
  engine::LoadOptions load;
  load.table_elements_max = kTableElementsMax;
  return engine::Module::LoadFd(engine_, file.get(), name, load);
}

}  // namespace tidepool::spec
