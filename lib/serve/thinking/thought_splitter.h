// SPDX-License-Identifier: Apache-2.0
// Splits what a model says to itself from its answer: <think>...</think> and the other tags that
// models were trained with.
//
// Thoughts stand at the beginning of an answer or nowhere; a tag further behind is text. Some
// templates write the opening tag themselves, at the end of the prompt. White space around the tags
// belongs to neither. One answer, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pajamas {

// "none" leaves thoughts in the text, with their tags; "auto" and "deepseek" split them off.
enum class ReasoningFormat : std::uint8_t { kNone, kSplit };

// By one of those names; nothing for another.
std::optional<ReasoningFormat> parse_reasoning_format(std::string_view name);

struct ThoughtTags {
  std::string_view open;
  std::string_view close;
};
std::span<const ThoughtTags> known_thought_tags();

// The tags whose opening one ends the prompt; null when the answer does not begin inside a thought.
const ThoughtTags* thought_opened_by(std::string_view prompt);

class ThoughtSplitter {
 public:
  // Where the answer begins: `opened` inside such a thought, or null.
  explicit ThoughtSplitter(ReasoningFormat format, const ThoughtTags* opened = nullptr);

  struct Output {
    std::string thought{};
    std::string text{};
  };
  // What is certain with this text.
  Output push(std::string_view text);
  Output finish();

  [[nodiscard]] bool is_thinking() const {
    return state_ == State::kOpened || state_ == State::kThinking;
  }

 private:
  enum class State : std::uint8_t {
    kStart,
    kOpened,    // in a thought of which nothing was said
    kThinking,  // in a thought
    kBehind,    // behind one; white space is dropped
    kText,
  };
  [[nodiscard]] bool read_start();
  [[nodiscard]] bool read_opened();
  [[nodiscard]] bool read_thinking(Output& output);

  State state_;
  const ThoughtTags* tags_;
  std::string held_;
};

}  // namespace pajamas
