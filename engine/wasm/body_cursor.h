// BodyCursor reads the immediates of operators, as fast as their bytes allow.
//
// Shape    kChecked: for bytes nobody has seen; every read is bounded and strict about encodings.
//          Otherwise: for bytes of a ValidatedModule; nothing is checked again.
// Life     Good until a read does not fit (kChecked only); then failure() names what was wrong,
//          and every later read gives 0.  One look behind a run of reads suffices.
// Threads  One thread at a time.  The bytes must outlive the cursor.
// Source   wasm core 5.2 to 5.4.
#pragma once

#include <cstdint>
#include <cstring>

#include "absl/types/span.h"

#include "engine/support/leb128.h"
#include "engine/wasm/features.h"
#include "engine/wasm/immediates.h"
#include "engine/wasm/types.h"

namespace tidepool::engine::wasm {

namespace body_cursor_internal {

// Kept out of line and free of the cursor, so that the cursor stays in registers.
template <int kBits>
__attribute__((noinline)) inline const uint8_t* LongUnsigned(const uint8_t* at,
                                                             const uint8_t* end,
                                                             uint64_t* value) {
  return ReadUnsignedLeb128<kBits>(at, end, value);
}
template <int kBits>
__attribute__((noinline)) inline const uint8_t* LongSigned(const uint8_t* at,
                                                           const uint8_t* end,
                                                           int64_t* value) {
  return ReadSignedLeb128<kBits>(at, end, value);
}

}  // namespace body_cursor_internal

// What loops over operators read most is always inlined: one call that takes the cursor's address
// would keep it in memory for the whole loop.
template <bool kChecked>
class BodyCursor {
 public:
  // Checked: `features` decides which encodings exist.
  BodyCursor(absl::Span<const uint8_t> bytes, const Features& features)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()), features_(&features) {}

  bool at_end() const { return at_ == end_; }
  uint32_t offset() const { return static_cast<uint32_t>(at_ - begin_); }
  const uint8_t* position() const { return at_; }
  const uint8_t* end() const { return end_; }
  void set_position(const uint8_t* at) { at_ = at; }
  bool failed() const { return kChecked && failure_ != nullptr; }
  // Null if nothing failed.
  const char* failure() const { return failure_; }

  [[gnu::always_inline]] uint8_t U8() {
    if (kChecked && at_ == end_) return static_cast<uint8_t>(Fail("unexpected end"));
    return *at_++;
  }
  [[gnu::always_inline]] uint32_t VarU32() { return static_cast<uint32_t>(Unsigned<32>()); }
  [[gnu::always_inline]] uint64_t VarU64() { return Unsigned<64>(); }
  [[gnu::always_inline]] int32_t VarS32() { return static_cast<int32_t>(Signed<32>()); }
  [[gnu::always_inline]] int64_t VarS33() { return Signed<33>(); }
  [[gnu::always_inline]] int64_t VarS64() { return Signed<64>(); }
  template <typename T>
  [[gnu::always_inline]] T Fixed() {
    T value{};
    if (kChecked && static_cast<size_t>(end_ - at_) < sizeof(T)) {
      Fail("unexpected end");
      return value;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  // In place; null after a failure.
  [[gnu::always_inline]] const uint8_t* Skip(size_t count) {
    if (kChecked && static_cast<size_t>(end_ - at_) < count) {
      Fail("unexpected end");
      return nullptr;
    }
    const uint8_t* at = at_;
    at_ += count;
    return at;
  }

  wasm::BlockType BlockType() {
    wasm::BlockType type;
    if (kChecked && at_ == end_) {
      Fail("unexpected end");
      return type;
    }
    if (*at_ == 0x40) {
      ++at_;
    } else if ((*at_ & 0xC0) == 0x40) {  // A negative number of one byte: a value type.
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
    if (kChecked && at_ == end_) {
      Fail("unexpected end");
      return wasm::HeapType::kBottom;
    }
    if ((*at_ & 0xC0) == 0x40) {
      const wasm::HeapType heap = AbstractHeapType(*at_);
      if (kChecked && heap == wasm::HeapType::kBottom) {
        Fail("malformed heap type");
      } else {
        ++at_;
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

  // Remembers the first failure only.
  [[gnu::always_inline]] uint32_t Fail(const char* what) {
    if (kChecked && failure_ == nullptr) {
      failure_ = what;
      end_ = at_;
    }
    return 0;
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

  template <int kBits>
  [[gnu::always_inline]] uint64_t Unsigned() {
    if (kChecked && at_ == end_) return Fail("unexpected end");
    if (__builtin_expect(*at_ < 0x80, 1)) return *at_++;
    if constexpr (kChecked) {
      uint64_t value = 0;
      const uint8_t* next = body_cursor_internal::LongUnsigned<kBits>(at_, end_, &value);
      if (next == nullptr) return Fail("malformed unsigned LEB128 number");
      at_ = next;
      return value;
    } else {
      uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const uint8_t byte = *at_++;
        value |= static_cast<uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
      }
    }
  }

  template <int kBits>
  [[gnu::always_inline]] int64_t Signed() {
    if (kChecked && at_ == end_) return Fail("unexpected end");
    if (__builtin_expect(*at_ < 0x80, 1)) return static_cast<int8_t>(*at_++ << 1) >> 1;
    if constexpr (kChecked) {
      int64_t value = 0;
      const uint8_t* next = body_cursor_internal::LongSigned<kBits>(at_, end_, &value);
      if (next == nullptr) return Fail("malformed signed LEB128 number");
      at_ = next;
      return value;
    } else {
      uint64_t value = 0;
      int shift = 0;
      uint8_t byte = 0;
      do {
        byte = *at_++;
        value |= static_cast<uint64_t>(byte & 0x7F) << shift;
        shift += 7;
      } while (byte >= 0x80);
      if (shift < 64 && (byte & 0x40) != 0) value |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(value);
    }
  }

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  const char* failure_ = nullptr;
  const Features* features_;
};

}  // namespace tidepool::engine::wasm
