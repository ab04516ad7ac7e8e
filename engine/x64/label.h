// Label: a place in code that jumps may name before it is known.
//
// Shape    Until it is bound, the rel32 fields of the jumps to it form a list through the code
//          itself: each holds the offset of the one before.  So a label costs 8 bytes however many
//          jumps it has, and binding touches each jump once.
// Life     unused → jumped to → bound (jumps may go on) .
// Threads  As its assembler.
#pragma once

#include <cstdint>

#include "engine/support/check.h"

namespace tidepool::engine::x64 {

class Label {
 public:
  bool bound() const { return offset_ >= 0; }
  // True if a jump to it was emitted; after binding too.
  bool used() const { return last_jump_ >= 0; }
  uint32_t offset() const {
    TP_DCHECK(bound());
    return static_cast<uint32_t>(offset_);
  }

 private:
  friend class Assembler;
  int32_t offset_ = -1;
  int32_t last_jump_ = -1;  // Offset of the newest rel32 field that waits for the label.
};

// A jump with an 8-bit distance over a few instructions, to be bound once, soon.
struct ShortJump {
  uint32_t end = 0;  // Offset behind the jump.
};

}  // namespace tidepool::engine::x64
