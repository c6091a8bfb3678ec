// SPDX-License-Identifier: Apache-2.0
// Finds stop strings in text that arrives piece by piece, and holds back what may become one.
//
// The stop string that is complete first ends the text; of several that end at the same byte, the
// longest. The result does not depend on how the text is cut into pieces. What is given out never
// ends inside a UTF-8 sequence. Copies are independent; one thread at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pajamas {

class StopStrings {
 public:
  // None is empty; at most 64 of at most 4096 bytes.
  static Result<StopStrings> create(std::span<const std::string> stops);

  struct Output {
    std::string text{};                 // may be shown now
    std::optional<std::size_t> stop{};  // index of the stop string that ended the text
  };
  // Behind a stop string all further text is dropped.
  Output push(std::string_view piece);
  // The text has ended without a stop string: what was held back, whatever it is.
  std::string finish();

  [[nodiscard]] bool has_stopped() const { return stopped_; }
  void reset();

 private:
  struct Stop {
    std::string text;
    std::vector<std::size_t> shorter;  // by matched bytes: the next shorter prefix that matches
    std::size_t matched = 0;
  };
  static void advance(Stop& stop, char byte);
  [[nodiscard]] std::size_t bytes_to_show() const;

  std::vector<Stop> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace pajamas
