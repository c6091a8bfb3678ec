// SPDX-License-Identifier: Apache-2.0
// Regular expressions as tokenizer files write them (Oniguruma, Ruby syntax, UTF-8), with limits
// on what a hostile pattern may cost.
//
// Owns the compiled pattern; movable. find_all may be called from several threads at once.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"

struct re_pattern_buffer;

namespace pajamas {

// Bytes [begin, end) of a text.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const TextRange&) const = default;
};

// Where `literal` stands in the text, from left to right, none over another; an empty one nowhere.
std::vector<TextRange> find_literal(std::string_view text, std::string_view literal);

class Regex {
 public:
  static Result<Regex> compile(std::string_view pattern);

  // All matches from left to right. Empty matches count, except directly behind another match.
  // Too many steps of backtracking is an error. `text` must be valid UTF-8.
  [[nodiscard]] Result<std::vector<TextRange>> find_all(std::string_view text) const;

 private:
  struct Deleter {
    void operator()(re_pattern_buffer* pattern) const;
  };
  explicit Regex(re_pattern_buffer* pattern) : pattern_(pattern) {}

  std::unique_ptr<re_pattern_buffer, Deleter> pattern_;
};

}  // namespace pajamas
