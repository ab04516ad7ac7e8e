#include "engine/artifact/artifact_meta.h"

namespace tidepool::engine {
namespace {

// Never reorder: artifacts record positions in this list.
constexpr bool wasm::Features::* kFeatures[] = {
    &wasm::Features::simd,
    &wasm::Features::relaxed_simd,
    &wasm::Features::tail_call,
    &wasm::Features::extended_const,
    &wasm::Features::multi_memory,
    &wasm::Features::memory64,
    &wasm::Features::function_references,
    &wasm::Features::gc,
    &wasm::Features::exceptions,
    &wasm::Features::threads,
    &wasm::Features::custom_page_sizes,
    &wasm::Features::wide_arithmetic,
};
// A new feature needs a bit here: wasm::Features is nothing but bools.
static_assert(sizeof(wasm::Features) == sizeof(kFeatures) / sizeof(kFeatures[0]));

}  // namespace

uint32_t FeatureBits(const wasm::Features& features) {
  uint32_t bits = 0;
  uint32_t bit = 1;
  for (bool wasm::Features::* feature : kFeatures) {
    if (features.*feature) bits |= bit;
    bit <<= 1;
  }
  return bits;
}

wasm::Features FeaturesOf(uint32_t bits) {
  wasm::Features features;
  for (bool wasm::Features::* feature : kFeatures) {
    features.*feature = (bits & 1) != 0;
    bits >>= 1;
  }
  return features;
}

}  // namespace tidepool::engine
