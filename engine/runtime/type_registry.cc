#include "engine/runtime/type_registry.h"

#include "engine/support/check.h"

namespace tidepool::engine {
namespace {

// Two types have the same key exactly when they are equal.
std::vector<uint32_t> KeyOf(const wasm::FunctionType& type) {
  std::vector<uint32_t> key;
  key.reserve(1 + type.params.size() + type.results.size());
  key.push_back(static_cast<uint32_t>(type.params.size()));
  for (const wasm::ValueType value : type.params) key.push_back(value.bits());
  for (const wasm::ValueType value : type.results) key.push_back(value.bits());
  return key;
}

}  // namespace

std::vector<uint32_t> TypeRegistry::Register(absl::Span<const wasm::FunctionType> types) {
  std::vector<uint32_t> ids;
  ids.reserve(types.size());
  const MutexLock lock(&mutex_);
  for (const wasm::FunctionType& type : types) {
    std::vector<uint32_t> key = KeyOf(type);
    auto found = by_type_.find(key);
    if (found == by_type_.end()) {
      uint32_t id = next_id_;
      if (free_ids_.empty()) {
        ++next_id_;
        TP_CHECK(next_id_ != 0);
      } else {
        id = free_ids_.back();
        free_ids_.pop_back();
      }
      by_id_.emplace(id, key);
      found = by_type_.emplace(std::move(key), Entry{.id = id, .references = 0}).first;
    }
    ++found->second.references;
    ids.push_back(found->second.id);
  }
  return ids;
}

void TypeRegistry::Release(absl::Span<const uint32_t> ids) {
  const MutexLock lock(&mutex_);
  for (const uint32_t id : ids) {
    const auto by_id = by_id_.find(id);
    TP_CHECK(by_id != by_id_.end());
    const auto by_type = by_type_.find(by_id->second);
    if (--by_type->second.references > 0) continue;
    by_type_.erase(by_type);
    by_id_.erase(by_id);
    free_ids_.push_back(id);
  }
}

size_t TypeRegistry::type_count() {
  const MutexLock lock(&mutex_);
  return by_type_.size();
}

}  // namespace tidepool::engine
