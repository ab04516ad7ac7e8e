// What the artifact's tests compile with: real, runnable code without a compiler.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/artifact/elf_reader.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/compiled_module.h"
#include "engine/platform/unique_fd.h"
#include "engine/wasm/module.h"

namespace tidepool::test {

// Decodes and validates; the bytes must outlive the result.  Dies on an invalid module.
engine::wasm::ValidatedModule Validated(absl::Span<const uint8_t> bytes);

// Every function returns its ordinal; each has one trap site and two map entries.
engine::CompiledModule FakeCode(const engine::wasm::ValidatedModule& module);

// A module that uses every part of an artifact, and the artifact made of it.
std::vector<uint8_t> EverythingModule();
// The same module without its data count section, if that is allowed.
std::vector<uint8_t> WithoutDataCount(absl::Span<const uint8_t> wasm_bytes);
std::vector<uint8_t> ArtifactOf(absl::Span<const uint8_t> wasm_bytes,
                                const engine::CompileOptions& options = {});

// A sealed memfd with these contents.
UniqueFd SealedFile(absl::Span<const uint8_t> bytes);
absl::StatusOr<engine::MappedArtifact> Map(absl::Span<const uint8_t> bytes,
                                           const engine::MappedArtifact::Options& options = {});
// Computes both digests anew, as someone who controls the compiler could.
void FixDigests(std::vector<uint8_t>* artifact, uint64_t meta_offset);
// Where the section lies in a well-formed artifact.
struct SectionPlace {
  uint64_t offset;
  uint64_t bytes_count;
};
SectionPlace PlaceOf(absl::Span<const uint8_t> artifact, engine::SectionId id);

// Spans of different element types side by side in expectations.
template <typename T>
std::vector<T> ToVector(absl::Span<const T> span) {
  return std::vector<T>(span.begin(), span.end());
}

}  // namespace tidepool::test
