// What each numeric operator should give, written against the specification and not against the
// compiler: the oracle of operators_test.
//
// Source   wasm core 4.3 (numerics).
#pragma once

#include <cstdint>
#include <variant>

#include "engine/abi/trap_code.h"
#include "engine/wasm/opcodes.h"

namespace tidepool::test {

struct Expected {
  enum class Form : uint8_t { kBits, kAnyQuietNan, kTrap };
  Form form = Form::kBits;
  uint64_t bits = 0;
  engine::TrapCode trap{};
};

// `b` is not looked at for operators with one operand.
Expected ReferenceResult(engine::wasm::Opcode opcode, uint64_t a, uint64_t b);

}  // namespace tidepool::test
