#include "daemon/cli/local/load_module.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

#include "daemon/compile_worker/compile_client.h"
#include "engine/platform/memfd.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr std::array<uint8_t, 4> kWasmMagic = {0x00, 'a', 's', 'm'};
constexpr std::array<uint8_t, 4> kElfMagic = {0x7F, 'E', 'L', 'F'};

absl::StatusOr<std::string> CompilerBesideThisProgram() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return absl::InternalError(absl::StrCat("/proc/self/exe: ", error.message()));
  return (self.parent_path() / "tidepool-compiler").string();
}

absl::StatusOr<UniqueFd> CompileToMemfd(int input,
                                        const engine::CompileOptions& options,
                                        std::string compiler_path) {
  if (compiler_path.empty()) {
    TP_ASSIGN_OR_RETURN(compiler_path, CompilerBesideThisProgram());
  }
  TP_ASSIGN_OR_RETURN(UniqueFd output, CreateMemfd("artifact", 0));
  TP_ASSIGN_OR_RETURN(const std::unique_ptr<CompileClient> client,
                      CompileClient::Start({.path = compiler_path}));
  TP_RETURN_IF_ERROR(client->Compile(input, output.get(), options, CompileLimits{}).status());
  return output;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const engine::Module>> LoadLocalModule(
    engine::Engine& engine,
    const std::string& file,
    const engine::CompileOptions& options,
    const std::string& compiler_path) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat(file, ": no such file"));
  }
  if (!fd.valid()) return SyscallError("open", file);
  std::array<uint8_t, 4> magic{};
  if (::pread(fd.get(), magic.data(), magic.size(), 0) < 0) return SyscallError("pread", file);
  if (magic == kWasmMagic) {
    TP_ASSIGN_OR_RETURN(fd, CompileToMemfd(fd.get(), options, compiler_path));
  } else if (magic != kElfMagic) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " is neither a WebAssembly module nor an artifact"));
  }
  return engine::Module::LoadFd(engine, fd.get(), file, {.verify = true});
}

}  // namespace tidepool::daemon
