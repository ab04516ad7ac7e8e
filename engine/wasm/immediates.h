// What operators carry with them, as visitors of function_body.h receive it.
//
// Threads  Immutable, but for the readers: one thread at a time.  Readers and V128Bytes refer to
// the
//          module's bytes.
// Source   wasm core 5.4.
#pragma once

#include <cstdint>

#include "engine/wasm/types.h"

namespace tidepool::engine::wasm {

struct BlockType {
  enum class Form : uint8_t { kEmpty, kValue, kFunction };
  Form form = Form::kEmpty;
  ValueType value;   // kValue: the one result.
  TypeIndex type{};  // kFunction.
};

struct MemArg {
  uint32_t align_log2 = 0;  // A promise about speed, never about safety.
  MemoryIndex memory{};
  uint64_t offset = 0;
};

// br_on_cast: to `depth` if the operand, of type `from`, is (or is not) a `to`.
struct CastBranch {
  uint32_t depth = 0;
  ValueType from;
  ValueType to;
};

// The 16 bytes of v128.const or i8x16.shuffle, in place.
struct V128Bytes {
  const uint8_t* bytes = nullptr;
};

// The targets of br_table, in place: count() of them and the default behind.  Their encodings were
// checked before.  A copy starts where the original stands.
class BrTableReader {
 public:
  BrTableReader(const uint8_t* at, uint32_t count) : at_(at), count_(count) {}
  // Without the default; so Next may be called count() + 1 times.
  uint32_t count() const { return count_; }
  uint32_t Next() {
    uint32_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t byte = *at_++;
      value |= static_cast<uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  }

 private:
  const uint8_t* at_;
  uint32_t count_;
};

struct CatchClause {
  enum class Kind : uint8_t { kCatch = 0, kCatchRef = 1, kCatchAll = 2, kCatchAllRef = 3 };
  Kind kind = Kind::kCatchAll;
  TagIndex tag{};  // Of kCatch and kCatchRef.
  uint32_t depth = 0;
};

// The clauses of try_table, in place; as BrTableReader.
class CatchReader {
 public:
  CatchReader(const uint8_t* at, uint32_t count) : numbers_(at, 0), count_(count) {}
  uint32_t count() const { return count_; }
  CatchClause Next() {
    CatchClause clause;
    clause.kind = static_cast<CatchClause::Kind>(numbers_.Next());  // One byte below 0x80.
    if (clause.kind <= CatchClause::Kind::kCatchRef) {
      clause.tag = static_cast<TagIndex>(numbers_.Next());
    }
    clause.depth = numbers_.Next();
    return clause;
  }

 private:
  BrTableReader numbers_;
  uint32_t count_;
};

}  // namespace tidepool::engine::wasm
