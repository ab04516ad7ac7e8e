#include "engine/runtime/module.h"

#include <atomic>
#include <utility>

#include "engine/artifact/elf_reader.h"
#include "engine/runtime/module_internal.h"
#include "engine/support/status_macros.h"
#include "engine/trap/trap_handler.h"

namespace tidepool::engine {
namespace {

std::atomic<uint64_t> g_next_id{1};

// Asked by the trap handler.
TrapCode FindTrap(const void* owner, uint32_t text_offset) noexcept {
  return static_cast<const ModuleImpl*>(owner)->artifact.traps().Find(text_offset);
}

std::unique_ptr<ModuleImpl> Prepare(Engine& engine,
                                    MappedArtifact artifact,
                                    absl::string_view name,
                                    const LoadOptions& options) {
  StateLayout layout = PlanState(artifact.info(), options.table_elements_max);
  auto impl = std::unique_ptr<ModuleImpl>(
      new ModuleImpl{.engine = engine,
                     .artifact = std::move(artifact),
                     .name = std::string(name),
                     .id = g_next_id.fetch_add(1, std::memory_order_relaxed),
                     .layout = std::move(layout)});
  const ModuleInfo& info = impl->info();
  impl->shape = ShapeOf(impl->artifact, impl->layout);
  impl->reset = PlanReset(info);
  impl->type_ids = engine.types().Register(info.types);
  for (uint32_t i = 0; i < info.elements.size(); ++i) {
    const InfoElementSegment& segment = info.elements[i];
    if (segment.mode == wasm::SegmentMode::kActive && !segment.in_image) {
      impl->active_elements.push_back(i);
    }
  }
  for (uint32_t i = 0; i < info.data.size(); ++i) {
    const InfoDataSegment& segment = info.data[i];
    if (segment.mode == wasm::SegmentMode::kActive && !segment.in_image) {
      impl->active_data.push_back(i);
    }
  }
  return impl;
}

MappedArtifact::Options ReaderOptions(const Engine& engine, const LoadOptions& options) {
  return {.cpu_features = engine.cpu_features(), .verify = options.verify};
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Module>> Module::Load(Engine& engine,
                                                           const std::string& path,
                                                           const LoadOptions& options) {
  TP_ASSIGN_OR_RETURN(MappedArtifact artifact,
                      MappedArtifact::Open(path, ReaderOptions(engine, options)));
  return std::shared_ptr<const Module>(
      new Module(Prepare(engine, std::move(artifact), path, options)));
}

absl::StatusOr<std::shared_ptr<const Module>> Module::LoadFd(Engine& engine,
                                                             int fd,
                                                             absl::string_view name,
                                                             const LoadOptions& options) {
  TP_ASSIGN_OR_RETURN(MappedArtifact artifact,
                      MappedArtifact::FromFd(fd, name, ReaderOptions(engine, options)));
  return std::shared_ptr<const Module>(
      new Module(Prepare(engine, std::move(artifact), name, options)));
}

Module::Module(std::unique_ptr<ModuleImpl> impl) : impl_(std::move(impl)) {
  const absl::Span<const uint8_t> text = impl_->artifact.text();
  if (text.empty()) return;
  const auto begin = reinterpret_cast<uintptr_t>(text.data());
  trap::RegisterCode({.begin = begin,
                      .end = begin + text.size(),
                      .owner = impl_.get(),
                      .find_trap = &FindTrap});
}

Module::~Module() {
  const absl::Span<const uint8_t> text = impl_->artifact.text();
  if (!text.empty()) trap::UnregisterCode(reinterpret_cast<uintptr_t>(text.data()));
  impl_->engine.types().Release(impl_->type_ids);
}

const ModuleInfo& Module::info() const { return impl_->info(); }
const StorageShape& Module::shape() const { return impl_->shape; }
uint64_t Module::id() const { return impl_->id; }
absl::string_view Module::name() const { return impl_->name; }
absl::Span<const uint32_t> Module::type_ids() const { return impl_->type_ids; }
Engine& Module::engine() const { return impl_->engine; }
absl::Span<const uint8_t> Module::ImageRange() const { return impl_->artifact.text_pages(); }

const void* Module::CodeOf(uint32_t defined_function) const {
  return impl_->artifact.text().data() + impl_->artifact.functions().TextOffset(defined_function);
}

absl::string_view Module::FunctionName(uint32_t function) const {
  return impl_->artifact.names().Find(function);
}

bool Module::needs_initialization() const {
  return info().start.has_value() || !impl_->active_elements.empty() ||
         !impl_->active_data.empty();
}

}  // namespace tidepool::engine
