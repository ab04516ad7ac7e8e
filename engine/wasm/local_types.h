// LocalTypes: the types of a function's parameters and locals, by index.
//
// Shape    The first ones one by one, all as runs: a few bytes can declare very many.
// Life     Reset, Add for each run, Seal; then Find.
// Threads  One thread at a time.  The parameters must outlive their use.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

#include "engine/wasm/types.h"

namespace tidepool::engine::wasm {

class LocalTypes {
 public:
  void Reset(absl::Span<const ValueType> params) {
    params_ = params;
    count_ = static_cast<uint32_t>(params.size());
    runs_.clear();
  }
  void Add(uint32_t count, ValueType type) {
    count_ += count;
    if (count != 0) runs_.push_back({count_, type});
  }
  void Seal() {
    flat_count_ = std::min(count_, kFlatCountMax);
    uint32_t filled = std::min(static_cast<uint32_t>(params_.size()), kFlatCountMax);
    std::copy_n(params_.begin(), filled, flat_);
    for (const Run& run : runs_) {
      const uint32_t end = std::max(filled, std::min(run.end, kFlatCountMax));
      std::fill(flat_ + filled, flat_ + end, run.type);
      filled = end;
      if (filled == kFlatCountMax) break;
    }
  }

  uint32_t count() const { return count_; }
  // False: no such local.
  bool Find(uint32_t local, ValueType* type) const {
    if (__builtin_expect(local < flat_count_, 1)) {
      *type = flat_[local];
      return true;
    }
    return FindSlow(local, type);
  }

 private:
  // Nearly all accesses go to these.
  static constexpr uint32_t kFlatCountMax = 128;

  struct Run {
    uint32_t end;  // Index behind its last local.
    ValueType type;
  };

  __attribute__((noinline)) bool FindSlow(uint32_t local, ValueType* type) const {
    if (local >= count_) return false;
    if (local < params_.size()) {
      *type = params_[local];
      return true;
    }
    *type =
        std::upper_bound(runs_.begin(), runs_.end(), local, [](uint32_t wanted, const Run& run) {
          return wanted < run.end;
        })->type;
    return true;
  }

  absl::Span<const ValueType> params_;
  uint32_t count_ = 0;
  uint32_t flat_count_ = 0;
  ValueType flat_[kFlatCountMax];
  std::vector<Run> runs_;  // Without the parameters.
};

}  // namespace tidepool::engine::wasm
