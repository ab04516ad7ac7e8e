#include "engine/compiler/compile.h"

#include <sys/resource.h>

#include <utility>

#include "engine/artifact/artifact_writer.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"
#include "engine/wasm/decoder.h"
#include "engine/wasm/module.h"
#include "engine/wasm/validator.h"

namespace tidepool::engine {
namespace {

uint64_t MemoryPeakBytes() {
  rusage usage;
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * kKiB;
}

}  // namespace

absl::StatusOr<Artifact> Compile(absl::Span<const uint8_t> wasm_bytes,
                                 const CompileOptions& options, Backend& backend) {
  Artifact artifact;
  CompileTimings& timings = artifact.timings;
  PhaseTimer timer;

  // Declarations only.  Nothing is allocated in proportion to a count the input merely claims, so a
  // 20-byte module cannot ask for gigabytes.
  TP_ASSIGN_OR_RETURN(wasm::Module module, wasm::Decode(wasm_bytes, options.wasm_features));
  timings.decode = timer.Lap();

  // From here on the types of every body agree.  Backends rely on it and check nothing again.
  TP_ASSIGN_OR_RETURN(const wasm::ValidatedModule valid,
                      wasm::Validate(std::move(module), options.wasm_features));
  timings.validate = timer.Lap();

  TP_ASSIGN_OR_RETURN(const CompiledModule compiled, backend.Compile(valid, options));
  timings.compile = timer.Lap();

  // Always through the file format, also for code that runs at once: the path taken after a restart
  // is then the path exercised all day.
  TP_ASSIGN_OR_RETURN(artifact.file, WriteArtifact(valid, compiled, options));
  artifact.bytes = artifact.file.span();
  timings.write = timer.Lap();

  timings.module_bytes = wasm_bytes.size();
  timings.code_section_bytes = valid.module().code_section_bytes;
  timings.text_bytes = compiled.text.size();
  timings.artifact_bytes = artifact.bytes.size();
  timings.function_count = static_cast<uint32_t>(compiled.functions.size());
  timings.memory_peak_bytes = MemoryPeakBytes();
  return artifact;
}

}  // namespace tidepool::engine
