#include "daemon/catalogue/artifact_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "engine/abi/abi_version.h"
#include "engine/platform/files.h"
#include "engine/platform/mapped_region.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/sha256.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr size_t kSha256HexBytes = 64;

// Another build, another CPU, a file that was lost or damaged: reasons to compile again, where any
// other error (no descriptors left, say) would only repeat itself.
bool IsCacheMiss(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) || absl::IsDataLoss(status);
}

std::vector<std::string> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  ::closedir(folder);
  return names;
}

void SweepFolder(const std::string& path, const absl::flat_hash_set<std::string>& wanted) {
  for (const std::string& name : NamesIn(path)) {
    if (!wanted.contains(name.substr(0, kSha256HexBytes))) {
      ::unlink(absl::StrCat(path, "/", name).c_str());
    }
  }
}

absl::StatusOr<MappedRegion> MapFile(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return SyscallError("open", path);
  struct stat status;
  if (::fstat(fd.get(), &status) < 0) return SyscallError("fstat", path);
  if (status.st_size == 0) return absl::DataLossError(absl::StrCat(path, " is empty"));
  return MappedRegion::File(fd.get(), static_cast<size_t>(status.st_size));
}

}  // namespace

ArtifactStore::ArtifactStore(const StateDirectory& state,
                             engine::Engine& engine,
                             ModuleCompiler& compiler,
                             const Options& options,
                             std::string folder)
    : state_(state),
      engine_(engine),
      compiler_(compiler),
      options_(options),
      folder_(std::move(folder)),
      jobs_(options.compilations_max) {}

absl::StatusOr<std::unique_ptr<ArtifactStore>> ArtifactStore::Create(const StateDirectory& state,
                                                                     engine::Engine& engine,
                                                                     ModuleCompiler& compiler,
                                                                     const Options& options) {
  const std::string features = tidepool::ToString(engine.cpu_features());
  TP_ASSIGN_OR_RETURN(
      std::string folder,
      state.ArtifactFolder(absl::StrCat(
          engine::abi::kAbiVersion, "-x86-64-v2", features.empty() ? "" : ",", features)));
  return std::unique_ptr<ArtifactStore>(
      new ArtifactStore(state, engine, compiler, options, std::move(folder)));
}

std::string ArtifactStore::ArtifactPath(const std::string& sha256) const {
  return absl::StrCat(folder_, "/", sha256, "-", compiler_.OptionsName(), ".tpa");
}

ModulePtr ArtifactStore::FindLoaded(const std::string& sha256) {
  absl::MutexLock lock(&mutex_);
  const auto found = loaded_.find(sha256);
  return found == loaded_.end() ? nullptr : found->second.lock();
}

ModulePtr ArtifactStore::Remember(const std::string& sha256, ModulePtr module) {
  absl::MutexLock lock(&mutex_);
  loaded_[sha256] = module;
  return module;
}

absl::StatusOr<ModulePtr> ArtifactStore::LoadCached(const std::string& sha256) {
  if (ModulePtr module = FindLoaded(sha256)) return module;
  TP_ASSIGN_OR_RETURN(ModulePtr module,
                      engine::Module::Load(engine_, ArtifactPath(sha256), options_.load));
  return Remember(sha256, std::move(module));
}

absl::StatusOr<ModulePtr> ArtifactStore::Get(const std::string& sha256) {
  const CompileJobs::Turn turn = jobs_.Wait(sha256);
  absl::StatusOr<ModulePtr> cached = LoadCached(sha256);
  if (cached.ok() || !IsCacheMiss(cached.status())) return cached;
  const std::string path = state_.ModulePath(sha256);
  TP_ASSIGN_OR_RETURN(const MappedRegion wasm, MapFile(path));
  if (HexOf(Sha256(wasm.span())) != sha256) {
    return absl::DataLossError(absl::StrCat(path, " does not have the SHA-256 of its name"));
  }
  return CompileInto(sha256, wasm.span());
}

absl::StatusOr<ModulePtr> ArtifactStore::Admit(const std::string& sha256,
                                               absl::Span<const uint8_t> wasm) {
  const CompileJobs::Turn turn = jobs_.Wait(sha256);
  absl::StatusOr<ModulePtr> cached = LoadCached(sha256);
  if (cached.ok() || !IsCacheMiss(cached.status())) return cached;
  return CompileInto(sha256, wasm);
}

absl::StatusOr<ModulePtr> ArtifactStore::CompileInto(const std::string& sha256,
                                                     absl::Span<const uint8_t> wasm) {
  const std::string temporary = state_.NewTemporaryPath(".tpa");
  const auto build = [&]() -> absl::Status {
    TP_RETURN_IF_ERROR(compiler_.Compile(wasm, temporary));
    // Every byte is read here, once; from then on the store is trusted.
    engine::LoadOptions load = options_.load;
    load.verify = true;
    TP_RETURN_IF_ERROR(engine::Module::Load(engine_, temporary, load).status());
    return StateDirectory::MoveIntoPlace(temporary, ArtifactPath(sha256));
  };
  if (const absl::Status status = build(); !status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return LoadCached(sha256);
}

void ArtifactStore::Remove(const std::string& sha256) {
  {
    absl::MutexLock lock(&mutex_);
    loaded_.erase(sha256);
  }
  ::unlink(state_.ModulePath(sha256).c_str());
  ::unlink(ArtifactPath(sha256).c_str());
}

void ArtifactStore::Sweep(const absl::flat_hash_set<std::string>& wanted) {
  SweepFolder(state_.ModulesPath(), wanted);
  // Also those of other builds and CPUs, as far as nobody could want them again.
  for (const std::string& folder : NamesIn(state_.ArtifactsPath())) {
    SweepFolder(absl::StrCat(state_.ArtifactsPath(), "/", folder), wanted);
  }
}

}  // namespace tidepool::daemon
