// Exhaustive drives a test through every sequence of choices, depth first.
//
//   Exhaustive choose;
//   while (choose.Next()) {
//     if (choose.Choose(2) == 0) …   // Later choices may depend on earlier ones.
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tidepool::test {

class Exhaustive {
 public:
  // True while there is another sequence to try.
  bool Next() {
    if (!started_) return started_ = true;
    while (!choices_.empty() && choices_.back().value + 1 == choices_.back().bound) {
      choices_.pop_back();
    }
    if (choices_.empty()) return false;
    ++choices_.back().value;
    cursor_ = 0;
    return true;
  }
  // In [0, bound).
  uint32_t Choose(uint32_t bound) {
    if (cursor_ == choices_.size()) choices_.push_back({0, bound});
    return choices_[cursor_++].value;
  }
  // The choices so far, for messages: "2 0 1".
  std::string ToString() const {
    std::string text;
    for (size_t i = 0; i < cursor_; ++i) text += (i == 0 ? "" : " ") + std::to_string(choices_[i].value);
    return text;
  }

 private:
  struct Choice {
    uint32_t value;
    uint32_t bound;
  };
  std::vector<Choice> choices_;
  size_t cursor_ = 0;
  bool started_ = false;
};

}  // namespace tidepool::test
