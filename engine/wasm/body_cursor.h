// BodyCursor reads the immediates of operators: numbers, as its base does, and types.
//
// Life     As NumberCursor.
// Threads  One thread at a time.  The bytes and the features must outlive the cursor.
// Source   wasm core 5.3 and 5.4.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

#include "engine/wasm/features.h"
#include "engine/wasm/immediates.h"
#include "engine/wasm/number_cursor.h"
#include "engine/wasm/types.h"

namespace tidepool::engine::wasm {

template <bool kChecked>
class BodyCursor : public NumberCursor<kChecked> {
 public:
  using NumberCursor<kChecked>::Fail;
  using NumberCursor<kChecked>::Peek;
  using NumberCursor<kChecked>::U8;
  using NumberCursor<kChecked>::VarS33;
  using NumberCursor<kChecked>::VarU32;
  using NumberCursor<kChecked>::VarU64;

  // Checked: `features` decides which encodings exist.
  BodyCursor(absl::Span<const uint8_t> bytes, const Features& features)
      : NumberCursor<kChecked>(bytes), features_(&features) {}

  wasm::BlockType BlockType() {
    wasm::BlockType type;
    const uint8_t first = Peek();
    if (first == 0x40) {
      U8();
    } else if ((first & 0xC0) == 0x40) {  // A negative number of one byte: a value type.
      type.form = wasm::BlockType::Form::kValue;
      type.value = ValueType();
    } else {
      type.form = wasm::BlockType::Form::kFunction;
      const int64_t index = VarS33();
      if (kChecked && index < 0) Fail("malformed block type");
      type.type = static_cast<TypeIndex>(index);
    }
    return type;
  }

  wasm::ValueType ValueType() {
    const uint8_t code = U8();
    switch (code) {
      case 0x7F:
        return wasm::ValueType::I32();
      case 0x7E:
        return wasm::ValueType::I64();
      case 0x7D:
        return wasm::ValueType::F32();
      case 0x7C:
        return wasm::ValueType::F64();
      case 0x7B:
        if (!On(features_->simd)) break;
        return wasm::ValueType::V128();
      case 0x63:
      case 0x64:
        if (!On(features_->function_references)) break;
        return wasm::ValueType::Ref(HeapType(), code == 0x63);
      default: {
        const wasm::HeapType heap = AbstractHeapType(code);
        if (kChecked && heap == wasm::HeapType::kBottom) break;
        return wasm::ValueType::Ref(heap, /*nullable=*/true);
      }
    }
    Fail("malformed value type");
    return wasm::ValueType::Bottom();
  }

  wasm::HeapType HeapType() {
    const uint8_t first = Peek();
    if ((first & 0xC0) == 0x40) {
      const wasm::HeapType heap = AbstractHeapType(first);
      if (kChecked && heap == wasm::HeapType::kBottom) {
        Fail("malformed heap type");
      } else {
        U8();
      }
      return heap;
    }
    const int64_t index = VarS33();
    if (kChecked &&
        (index < 0 || index >= kConcreteHeapTypeMax || !features_->function_references)) {
      Fail("malformed heap type");
      return wasm::HeapType::kBottom;
    }
    return ConcreteHeapType(static_cast<TypeIndex>(index));
  }

  [[gnu::always_inline]] wasm::MemArg MemArg() {
    wasm::MemArg arg;
    arg.align_log2 = VarU32();
    if (__builtin_expect(arg.align_log2 >= 64, 0)) {
      if (kChecked && (arg.align_log2 >= 128 || !features_->multi_memory)) {
        Fail("malformed memory access flags");
      }
      arg.align_log2 &= 63;
      arg.memory = static_cast<MemoryIndex>(VarU32());
    }
    arg.offset = kChecked && !features_->memory64 ? VarU32() : VarU64();
    return arg;
  }

  // Fails unless the vector has one type, as validation wants it anyway.
  wasm::ValueType SelectType() {
    if (VarU32() != 1) Fail("select with a number of types other than 1");
    return ValueType();
  }

  wasm::CastBranch CastBranch() {
    const uint8_t flags = U8();
    if (kChecked && flags > 3) Fail("malformed cast flags");
    wasm::CastBranch cast;
    cast.depth = VarU32();
    cast.from = wasm::ValueType::Ref(HeapType(), (flags & 1) != 0);
    cast.to = wasm::ValueType::Ref(HeapType(), (flags & 2) != 0);
    return cast;
  }

 private:
  // What ValueType's 23 bits can hold beside the abstract heap types.
  static constexpr int64_t kConcreteHeapTypeMax =
      (int64_t{1} << 23) - static_cast<int64_t>(wasm::HeapType::kFirstConcrete);

  bool On(bool feature) const { return !kChecked || feature; }

  // kBottom: no such type, or not with these features.
  wasm::HeapType AbstractHeapType(uint8_t code) const {
    switch (code) {
      case 0x70:
        return wasm::HeapType::kFunc;
      case 0x6F:
        return wasm::HeapType::kExtern;
      case 0x69:
        return On(features_->exceptions) ? wasm::HeapType::kExn : wasm::HeapType::kBottom;
      case 0x74:
        return On(features_->exceptions) ? wasm::HeapType::kNoExn : wasm::HeapType::kBottom;
      default:
        break;
    }
    if (!On(features_->gc)) return wasm::HeapType::kBottom;
    switch (code) {
      case 0x6E:
        return wasm::HeapType::kAny;
      case 0x6D:
        return wasm::HeapType::kEq;
      case 0x6C:
        return wasm::HeapType::kI31;
      case 0x6B:
        return wasm::HeapType::kStruct;
      case 0x6A:
        return wasm::HeapType::kArray;
      case 0x71:
        return wasm::HeapType::kNone;
      case 0x72:
        return wasm::HeapType::kNoExtern;
      case 0x73:
        return wasm::HeapType::kNoFunc;
      default:
        return wasm::HeapType::kBottom;
    }
  }

  const Features* features_;
};

}  // namespace tidepool::engine::wasm
