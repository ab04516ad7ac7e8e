// CatalogueWorld: a catalogue on a state directory of its own, with a compiler in this process.
//
// Life     The folder goes with the world, unless it was given.  Open and Close as often as wanted:
//          that is a restart.
// Threads  One thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/catalogue/catalogue.h"
#include "daemon/catalogue/module_upload.h"

namespace tidepool::test {

// The whole compiler, without its sandbox.
class InProcessCompiler final : public daemon::ModuleCompiler {
 public:
  absl::Status Compile(absl::Span<const uint8_t> wasm, const std::string& artifact_path) override;
  std::string OptionsName() const override { return "baseline-guard"; }
  uint32_t compilations() const { return compilations_; }

 private:
  std::atomic<uint32_t> compilations_{0};
};

class CatalogueWorld {
 public:
  CatalogueWorld();                             // In a new folder.
  explicit CatalogueWorld(std::string folder);  // Which stays.
  ~CatalogueWorld();

  absl::Status Open(daemon::Catalogue::Options options = {});
  void Close();

  daemon::Catalogue& catalogue() { return *catalogue_; }
  InProcessCompiler& compiler() { return compiler_; }
  const std::string& folder() const { return folder_; }
  std::shared_ptr<const daemon::RoutingSnapshot> Snapshot();

  absl::StatusOr<daemon::ModuleView> Upload(const std::string& tenant,
                                            absl::Span<const uint8_t> wasm);
  // Upload and Deploy, as `tidectl function deploy` does.
  absl::StatusOr<daemon::RevisionView> Deploy(const std::string& tenant,
                                              const std::string& function,
                                              absl::Span<const uint8_t> wasm,
                                              daemon::FunctionSettings settings = {},
                                              const std::vector<std::string>& routes = {});

 private:
  const std::string folder_;
  const bool owns_folder_;
  engine::Engine engine_;
  engine::Linker linker_;
  InProcessCompiler compiler_;
  std::unique_ptr<daemon::SnapshotPublisher> publisher_;
  std::unique_ptr<daemon::StateDirectory> state_;
  std::unique_ptr<daemon::Catalogue> catalogue_;
};

std::string MakeTemporaryFolder();
void RemoveFolder(const std::string& path);
std::vector<std::string> FilesIn(const std::string& folder);

// Modules of each ABI; `variant` makes them differ.
std::vector<uint8_t> CommandModule(uint32_t variant = 0);
std::vector<uint8_t> HandlerModule(uint32_t variant = 0);
std::vector<uint8_t> ExportModule();  // add(i32, i32) -> i32, and more.
std::vector<uint8_t> ModuleImporting(const std::string& module,
                                     const std::vector<std::string>& names);
std::vector<uint8_t> ModuleWithMemory(uint64_t wasm_pages);
std::vector<uint8_t> ModuleOfBytes(uint64_t bytes, uint32_t variant = 0);  // At least; a command.

}  // namespace tidepool::test
