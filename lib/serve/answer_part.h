// SPDX-License-Identifier: Apache-2.0
// What an answer is made of, in the order in which the model says it.
//
// A call of a tool comes as one kCall and then its arguments in pieces, so that a client sees them
// grow; pieces of one kind that follow each other belong together.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pajamas {

struct AnswerPart {
  enum class Kind : std::uint8_t {
    kText,
    kThought,    // what a model says to itself before it answers
    kCall,       // a call of a tool begins
    kArguments,  // a piece of the JSON of the call that began last
  };
  Kind kind = Kind::kText;
  std::string text{};     // not of kCall
  std::string call_id{};  // of kCall
  std::string tool{};     // of kCall
};

// Adds text to a list, to the last part where that is of the same kind.
inline void append_part(std::vector<AnswerPart>& parts, AnswerPart::Kind kind,
                        std::string_view text) {
  if (text.empty()) return;
  if (parts.empty() || parts.back().kind != kind) parts.push_back({.kind = kind});
  parts.back().text += text;
}

}  // namespace pajamas
