#include "engine/baseline/baseline_backend.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

#include "engine/baseline/code_chunk.h"
#include "engine/baseline/function_compiler.h"
#include "engine/baseline/module_context.h"
#include "engine/support/status_macros.h"

namespace tidepool::engine {
namespace {

using baseline::CallSite;
using baseline::CodeChunk;
using baseline::FunctionCompiler;
using baseline::ModuleContext;

// A chunk's worth of bodies: enough to make taking one cheap, little enough to share out evenly.
// Not a function of the number of threads, although the result would not depend on it either.
constexpr uint64_t kChunkBodyBytes = 256 * 1024;
constexpr uint32_t kFunctionAlignment = 16;
// Every call must reach every function with a signed 32-bit distance.
constexpr uint64_t kTextBytesMax = (uint64_t{1} << 31) - 4096;

// First defined function of each chunk, and the end of the last.
std::vector<uint32_t> PlanChunks(const wasm::Module& module) {
  std::vector<uint32_t> starts = {0};
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < module.bodies.size(); ++i) {
    if (bytes >= kChunkBodyBytes) {
      starts.push_back(i);
      bytes = 0;
    }
    bytes += module.bodies[i].code.size() + 16;
  }
  starts.push_back(static_cast<uint32_t>(module.bodies.size()));
  return starts;
}

absl::Status CompileChunk(const ModuleContext& context,
                          uint32_t begin,
                          uint32_t end,
                          FunctionCompiler& compiler,
                          CodeChunk& chunk) {
  uint64_t body_bytes = 0;
  for (uint32_t i = begin; i < end; ++i) body_bytes += context.module.bodies[i].code.size();
  // Room for nearly every module, so that nothing is copied as it grows.
  chunk.text.Reserve(body_bytes * 5 / 2);
  chunk.trap_sites.reserve(body_bytes / 6);
  chunk.address_map.reserve(body_bytes / 5);
  chunk.functions.reserve(end - begin);
  for (uint32_t i = begin; i < end; ++i) {
    const uint32_t index = context.module.imported_function_count + i;
    TP_RETURN_IF_ERROR(compiler.Compile(wasm::FunctionIndex{index}, chunk));
    if (chunk.text.bytes() > kTextBytesMax) break;  // Refused when the chunks are joined.
  }
  return absl::OkStatus();
}

// Fills all chunks; the error, if any, is that of the first chunk that failed.
absl::Status CompileChunks(const ModuleContext& context,
                           const std::vector<uint32_t>& starts,
                           std::vector<std::unique_ptr<CodeChunk>>& chunks) {
  std::vector<absl::Status> outcomes(chunks.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    FunctionCompiler compiler(context);
    for (size_t i = next.fetch_add(1); i < chunks.size(); i = next.fetch_add(1)) {
      chunks[i] = std::make_unique<CodeChunk>();
      outcomes[i] = CompileChunk(context, starts[i], starts[i + 1], compiler, *chunks[i]);
    }
  };
  std::vector<std::thread> helpers;
  const size_t thread_count =
      std::min<size_t>(std::max(context.options.threads, 1u), chunks.size());
  for (size_t i = 1; i < thread_count; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  for (const absl::Status& outcome : outcomes) TP_RETURN_IF_ERROR(outcome);
  return absl::OkStatus();
}

// Where each function goes: in order, aligned, `padding_bytes` apart.
absl::Status Place(const CodeChunk& chunk,
                   uint32_t padding_bytes,
                   uint64_t* at,
                   std::vector<CompiledFunction>& functions) {
  for (const CompiledFunction& function : chunk.functions) {
    const uint64_t offset = (*at + kFunctionAlignment - 1) & ~uint64_t{kFunctionAlignment - 1};
    *at = offset + function.text_bytes + padding_bytes;
    if (*at > kTextBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the module's machine code passes ", kTextBytesMax, " bytes"));
    }
    functions.push_back({static_cast<uint32_t>(offset), function.text_bytes});
  }
  return absl::OkStatus();
}

// Copies a chunk's functions to their places and moves its tables along.  `first` is the ordinal of
// its first function in the module.
void Append(const CodeChunk& chunk,
            size_t first,
            CompiledModule& module,
            std::vector<CallSite>& calls) {
  size_t trap = 0;
  size_t address = 0;
  size_t call = 0;
  for (size_t i = 0; i < chunk.functions.size(); ++i) {
    const CompiledFunction& from = chunk.functions[i];
    const uint32_t to = module.functions[first + i].text_offset;
    const uint32_t end = from.text_offset + from.text_bytes;
    const uint32_t shift = to - from.text_offset;
    std::memcpy(module.text.data() + to, chunk.text.data() + from.text_offset, from.text_bytes);
    for (; trap < chunk.trap_sites.size() && chunk.trap_sites[trap].text_offset < end; ++trap) {
      const TrapSite& site = chunk.trap_sites[trap];
      module.trap_sites.push_back({site.text_offset + shift, site.code});
    }
    for (; address < chunk.address_map.size() && chunk.address_map[address].text_offset < end;
         ++address) {
      const AddressMapEntry& entry = chunk.address_map[address];
      module.address_map.push_back({entry.text_offset + shift, entry.wasm_offset});
    }
    for (; call < chunk.calls.size() && chunk.calls[call].field_offset < end; ++call) {
      calls.push_back({chunk.calls[call].field_offset + shift, chunk.calls[call].callee});
    }
  }
}

void ResolveCalls(const std::vector<CallSite>& calls,
                  uint32_t imported_count,
                  CompiledModule& module) {
  for (const CallSite& call : calls) {
    const uint32_t target = module.functions[wasm::ToInt(call.callee) - imported_count].text_offset;
    const uint32_t distance = target - (call.field_offset + 4);
    std::memcpy(module.text.data() + call.field_offset, &distance, sizeof(distance));
  }
}

}  // namespace

absl::StatusOr<CompiledModule> BaselineBackend::Compile(const wasm::ValidatedModule& valid,
                                                        const CompileOptions& options) {
  const ModuleContext context(valid, options);
  const std::vector<uint32_t> starts = PlanChunks(context.module);
  std::vector<std::unique_ptr<CodeChunk>> chunks(starts.size() - 1);
  TP_RETURN_IF_ERROR(CompileChunks(context, starts, chunks));

  CompiledModule module;
  module.functions.reserve(context.module.bodies.size());
  uint64_t text_bytes = 0;
  size_t trap_count = 0;
  size_t address_count = 0;
  size_t call_count = 0;
  for (const auto& chunk : chunks) {
    TP_RETURN_IF_ERROR(Place(*chunk, options.padding_bytes, &text_bytes, module.functions));
    trap_count += chunk->trap_sites.size();
    address_count += chunk->address_map.size();
    call_count += chunk->calls.size();
  }
  module.text.assign(text_bytes, 0xCC);  // int3 between functions.
  module.trap_sites.reserve(trap_count);
  module.address_map.reserve(address_count);
  std::vector<CallSite> calls;
  calls.reserve(call_count);
  size_t first = 0;
  for (auto& chunk : chunks) {
    Append(*chunk, first, module, calls);
    first += chunk->functions.size();
    chunk.reset();
  }
  ResolveCalls(calls, context.module.imported_function_count, module);
  return module;
}

}  // namespace tidepool::engine
