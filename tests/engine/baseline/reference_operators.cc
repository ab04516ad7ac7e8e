#include "tests/engine/baseline/reference_operators.h"

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "engine/support/check.h"

namespace tidepool::test {
namespace {

using engine::TrapCode;
using engine::wasm::Opcode;

Expected Trap(TrapCode code) {
  return {Expected::Form::kTrap, 0, code};
}

template <typename T>
T FromBits(uint64_t bits) {
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(static_cast<uint32_t>(bits));
  } else {
    return std::bit_cast<T>(bits);
  }
}
template <typename T>
Expected Result(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return {Expected::Form::kAnyQuietNan, 0, {}};
  }
  if constexpr (sizeof(T) == 4) {
    return {Expected::Form::kBits, std::bit_cast<uint32_t>(value), {}};
  } else {
    return {Expected::Form::kBits, std::bit_cast<uint64_t>(value), {}};
  }
}
Expected Bool(bool value) {
  return Result<uint32_t>(value ? 1 : 0);
}

// T is the unsigned type of the operands.
template <typename T>
Expected Divide(T a, T b, bool is_signed, bool remainder) {
  using S = std::make_signed_t<T>;
  if (b == 0) return Trap(TrapCode::kIntegerDivideByZero);
  if (!is_signed) return Result<T>(remainder ? a % b : a / b);
  const S x = static_cast<S>(a);
  const S y = static_cast<S>(b);
  if (x == std::numeric_limits<S>::min() && y == -1) {
    return remainder ? Result<T>(0) : Trap(TrapCode::kIntegerOverflow);
  }
  return Result<T>(static_cast<T>(remainder ? x % y : x / y));
}

// `row` counts from eqz, clz: the opcodes of both widths are in one order.
template <typename T>
Expected IntegerCompare(uint32_t row, T a, T b) {
  using S = std::make_signed_t<T>;
  const S x = static_cast<S>(a);
  const S y = static_cast<S>(b);
  switch (row) {
    case 0:
      return Bool(a == 0);
    case 1:
      return Bool(a == b);
    case 2:
      return Bool(a != b);
    case 3:
      return Bool(x < y);
    case 4:
      return Bool(a < b);
    case 5:
      return Bool(x > y);
    case 6:
      return Bool(a > b);
    case 7:
      return Bool(x <= y);
    case 8:
      return Bool(a <= b);
    case 9:
      return Bool(x >= y);
    default:
      return Bool(a >= b);
  }
}

template <typename T>
Expected IntegerArithmetic(uint32_t row, T a, T b) {
  using S = std::make_signed_t<T>;
  constexpr int kBits = 8 * sizeof(T);
  const int count = static_cast<int>(b % kBits);
  switch (row) {
    case 0:
      return Result<T>(static_cast<T>(std::countl_zero(a)));
    case 1:
      return Result<T>(static_cast<T>(std::countr_zero(a)));
    case 2:
      return Result<T>(static_cast<T>(std::popcount(a)));
    case 3:
      return Result<T>(a + b);
    case 4:
      return Result<T>(a - b);
    case 5:
      return Result<T>(a * b);
    case 6:
      return Divide<T>(a, b, true, false);
    case 7:
      return Divide<T>(a, b, false, false);
    case 8:
      return Divide<T>(a, b, true, true);
    case 9:
      return Divide<T>(a, b, false, true);
    case 10:
      return Result<T>(a & b);
    case 11:
      return Result<T>(a | b);
    case 12:
      return Result<T>(a ^ b);
    case 13:
      return Result<T>(a << count);
    case 14:
      return Result<T>(static_cast<T>(static_cast<S>(a) >> count));
    case 15:
      return Result<T>(a >> count);
    case 16:
      return Result<T>(std::rotl(a, count));
    default:
      return Result<T>(std::rotr(a, count));
  }
}

template <typename T>
Expected FloatCompare(uint32_t row, T a, T b) {
  switch (row) {
    case 0:
      return Bool(a == b);
    case 1:
      return Bool(a != b);
    case 2:
      return Bool(a < b);
    case 3:
      return Bool(a > b);
    case 4:
      return Bool(a <= b);
    default:
      return Bool(a >= b);
  }
}

template <typename T>
T Minimum(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

template <typename T>
Expected FloatArithmetic(uint32_t row, T a, T b, uint64_t a_bits, uint64_t b_bits) {
  constexpr uint64_t kSign = uint64_t{1} << (8 * sizeof(T) - 1);
  switch (row) {
    case 0:
      return {Expected::Form::kBits, a_bits & ~kSign, {}};
    case 1:
      return {Expected::Form::kBits, a_bits ^ kSign, {}};
    case 2:
      return Result<T>(std::ceil(a));
    case 3:
      return Result<T>(std::floor(a));
    case 4:
      return Result<T>(std::trunc(a));
    case 5:
      return Result<T>(std::nearbyint(a));
    case 6:
      return Result<T>(std::sqrt(a));
    case 7:
      return Result<T>(a + b);
    case 8:
      return Result<T>(a - b);
    case 9:
      return Result<T>(a * b);
    case 10:
      return Result<T>(a / b);
    case 11:
      return Result<T>(Minimum(a, b));
    case 12:
      return Result<T>(-Minimum(-a, -b));
    default:
      return {Expected::Form::kBits, (a_bits & ~kSign) | (b_bits & kSign), {}};
  }
}

// Truncates toward zero; out of range traps or gives the nearest number.
template <typename Int, typename Float>
Expected TruncateTo(Float value, bool saturate) {
  using U = std::make_unsigned_t<Int>;
  constexpr Int kMin = std::numeric_limits<Int>::min();
  constexpr Int kMax = std::numeric_limits<Int>::max();
  if (std::isnan(value))
    return saturate ? Result<U>(0) : Trap(TrapCode::kInvalidConversionToInteger);
  const long double whole = std::trunc(static_cast<long double>(value));
  if (whole < static_cast<long double>(kMin)) {
    return saturate ? Result<U>(static_cast<U>(kMin)) : Trap(TrapCode::kIntegerOverflow);
  }
  if (whole > static_cast<long double>(kMax)) {
    return saturate ? Result<U>(static_cast<U>(kMax)) : Trap(TrapCode::kIntegerOverflow);
  }
  return Result<U>(static_cast<U>(static_cast<Int>(whole)));
}

template <typename Float>
Expected TruncateFrom(uint32_t form, Float value, bool saturate) {
  switch (form) {
    case 0:
      return TruncateTo<int32_t>(value, saturate);
    case 1:
      return TruncateTo<uint32_t>(value, saturate);
    case 2:
      return TruncateTo<int64_t>(value, saturate);
    default:
      return TruncateTo<uint64_t>(value, saturate);
  }
}

Expected Conversion(uint32_t code, uint64_t a) {
  const float f = FromBits<float>(a);
  const double d = FromBits<double>(a);
  const uint32_t u32 = static_cast<uint32_t>(a);
  const int32_t s32 = static_cast<int32_t>(u32);
  const int64_t s64 = static_cast<int64_t>(a);
  switch (code) {
    case 0xA7:
      return Result<uint32_t>(u32);
    case 0xA8:
    case 0xA9:
      return TruncateFrom(code - 0xA8, f, false);
    case 0xAA:
    case 0xAB:
      return TruncateFrom(code - 0xAA, d, false);
    case 0xAC:
      return Result<int64_t>(s32);
    case 0xAD:
      return Result<uint64_t>(u32);
    case 0xAE:
    case 0xAF:
      return TruncateFrom(code - 0xAE + 2, f, false);
    case 0xB0:
    case 0xB1:
      return TruncateFrom(code - 0xB0 + 2, d, false);
    case 0xB2:
      return Result<float>(static_cast<float>(s32));
    case 0xB3:
      return Result<float>(static_cast<float>(u32));
    case 0xB4:
      return Result<float>(static_cast<float>(s64));
    case 0xB5:
      return Result<float>(static_cast<float>(a));
    case 0xB6:
      return Result<float>(static_cast<float>(d));
    case 0xB7:
      return Result<double>(s32);
    case 0xB8:
      return Result<double>(u32);
    case 0xB9:
      return Result<double>(static_cast<double>(s64));
    case 0xBA:
      return Result<double>(static_cast<double>(a));
    case 0xBB:
      return Result<double>(f);
    case 0xBC:
    case 0xBE:
      return {Expected::Form::kBits, u32, {}};
    case 0xBD:
    case 0xBF:
      return {Expected::Form::kBits, a, {}};
    case 0xC0:
      return Result<int32_t>(static_cast<int8_t>(a));
    case 0xC1:
      return Result<int32_t>(static_cast<int16_t>(a));
    case 0xC2:
      return Result<int64_t>(static_cast<int8_t>(a));
    case 0xC3:
      return Result<int64_t>(static_cast<int16_t>(a));
    case 0xC4:
      return Result<int64_t>(s32);
    case 0xFC0000:
    case 0xFC0001:
      return TruncateFrom(code - 0xFC0000, f, true);
    case 0xFC0002:
    case 0xFC0003:
      return TruncateFrom(code - 0xFC0002, d, true);
    case 0xFC0004:
    case 0xFC0005:
      return TruncateFrom(code - 0xFC0004 + 2, f, true);
    case 0xFC0006:
    case 0xFC0007:
      return TruncateFrom(code - 0xFC0006 + 2, d, true);
    default:
      break;
  }
  TP_CHECK(!"a numeric operator");
  return {};
}

}  // namespace

Expected ReferenceResult(Opcode opcode, uint64_t a, uint64_t b) {
  const uint32_t code = static_cast<uint32_t>(opcode);
  const uint32_t a32 = static_cast<uint32_t>(a);
  const uint32_t b32 = static_cast<uint32_t>(b);
  if (code >= 0x45 && code <= 0x4F) return IntegerCompare<uint32_t>(code - 0x45, a32, b32);
  if (code >= 0x50 && code <= 0x5A) return IntegerCompare<uint64_t>(code - 0x50, a, b);
  if (code >= 0x5B && code <= 0x60)
    return FloatCompare(code - 0x5B, FromBits<float>(a), FromBits<float>(b));
  if (code >= 0x61 && code <= 0x66)
    return FloatCompare(code - 0x61, FromBits<double>(a), FromBits<double>(b));
  if (code >= 0x67 && code <= 0x78) return IntegerArithmetic<uint32_t>(code - 0x67, a32, b32);
  if (code >= 0x79 && code <= 0x8A) return IntegerArithmetic<uint64_t>(code - 0x79, a, b);
  if (code >= 0x8B && code <= 0x98) {
    return FloatArithmetic(code - 0x8B, FromBits<float>(a), FromBits<float>(b), a32, b32);
  }
  if (code >= 0x99 && code <= 0xA6) {
    return FloatArithmetic(code - 0x99, FromBits<double>(a), FromBits<double>(b), a, b);
  }
  return Conversion(code, a);
}

}  // namespace tidepool::test
