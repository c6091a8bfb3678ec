// SPDX-License-Identifier: Apache-2.0
// A question with its choices, as texts of which a model says how likely they are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pajamas {

// Either one context and an ending for each choice, or ("partial" scoring, where the choice stands
// in the middle of a sentence) a context for each choice and one ending. With one of both the
// question is whether the model would go on so.
struct Question {
  std::vector<std::string> contexts;
  std::vector<std::string> endings;
  std::size_t gold = 0;  // index of the right choice

  [[nodiscard]] std::size_t choices() const { return std::max(contexts.size(), endings.size()); }
  [[nodiscard]] const std::string& context(std::size_t choice) const {
    return contexts[std::min(choice, contexts.size() - 1)];
  }
  [[nodiscard]] const std::string& ending(std::size_t choice) const {
    return endings[std::min(choice, endings.size() - 1)];
  }
};

}  // namespace pajamas
