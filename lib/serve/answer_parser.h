// SPDX-License-Identifier: Apache-2.0
// From the text of an answer to its parts: thoughts, text, calls of tools. One answer, one thread.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "serve/answer_part.h"
#include "serve/thinking/thought_splitter.h"
#include "serve/tools/tool_call_parser.h"

namespace pajamas {

class AnswerParser {
 public:
  // `tools`: whose calls are looked for; null: none.
  AnswerParser(ThoughtSplitter thoughts, const Json& tools)
      : thoughts_(std::move(thoughts)), calls_(tools) {}

  std::vector<AnswerPart> push(std::string_view text) { return parts_of(thoughts_.push(text)); }
  std::vector<AnswerPart> finish() {
    std::vector<AnswerPart> parts = parts_of(thoughts_.finish());
    std::ranges::move(calls_.finish(), std::back_inserter(parts));
    return parts;
  }

  [[nodiscard]] bool is_thinking() const { return thoughts_.is_thinking(); }
  [[nodiscard]] bool has_calls() const { return calls_.calls() > 0; }

 private:
  std::vector<AnswerPart> parts_of(const ThoughtSplitter::Output& split) {
    std::vector<AnswerPart> parts;
    append_part(parts, AnswerPart::Kind::kThought, split.thought);
    if (split.text.empty()) return parts;
    std::ranges::move(calls_.push(split.text), std::back_inserter(parts));
    return parts;
  }

  ThoughtSplitter thoughts_;
  ToolCallParser calls_;
};

}  // namespace pajamas
