// SPDX-License-Identifier: Apache-2.0
#include "serve/thinking/thought_splitter.h"

#include <array>
#include <utility>

#include "serve/tools/tag_match.h"

namespace pajamas {
namespace {

constexpr auto kThoughtTags = std::to_array<ThoughtTags>({
    {"<think>", "</think>"},            // DeepSeek R1, Qwen 3, QwQ, GLM 4.5 and most others
    {"[THINK]", "[/THINK]"},            // Magistral
    {"<seed:think>", "</seed:think>"},  // Seed-OSS
    {"<|START_THINKING|>", "<|END_THINKING|>"},  // Command R7B, Command A
});

}  // namespace

std::optional<ReasoningFormat> parse_reasoning_format(std::string_view name) {
  if (name == "none") return ReasoningFormat::kNone;
  if (name == "auto" || name == "deepseek") return ReasoningFormat::kSplit;
  return std::nullopt;
}

std::span<const ThoughtTags> known_thought_tags() { return kThoughtTags; }

const ThoughtTags* thought_opened_by(std::string_view prompt) {
  const std::string_view end = trim_right(prompt);
  for (const ThoughtTags& tags : kThoughtTags) {
    if (end.ends_with(tags.open)) return &tags;
  }
  return nullptr;
}

ThoughtSplitter::ThoughtSplitter(ReasoningFormat format, const ThoughtTags* opened)
    : state_(format == ReasoningFormat::kNone ? State::kText
             : opened != nullptr              ? State::kOpened
                                              : State::kStart),
      tags_(opened) {}

ThoughtSplitter::Output ThoughtSplitter::push(std::string_view text) {
  Output output;
  if (state_ == State::kText) {
    output.text = text;
    return output;
  }
  held_ += text;
  if (state_ == State::kStart && !read_start()) return output;
  if (state_ == State::kOpened && !read_opened()) return output;
  if (state_ == State::kThinking && !read_thinking(output)) return output;
  if (state_ == State::kBehind) {
    held_.erase(0, held_.size() - trim_left(held_).size());
    if (held_.empty()) return output;
    state_ = State::kText;
  }
  output.text += std::exchange(held_, {});
  return output;
}

// These say whether the next state goes on with what is held.
bool ThoughtSplitter::read_start() {
  const std::string_view seen = trim_left(held_);
  bool may_be_tag = seen.empty();
  for (const ThoughtTags& tags : kThoughtTags) {
    if (seen.starts_with(tags.open)) {
      tags_ = &tags;
      held_.erase(0, held_.size() - seen.size() + tags.open.size());
      state_ = State::kOpened;
      return true;
    }
    may_be_tag = may_be_tag || tags.open.starts_with(seen);
  }
  if (!may_be_tag) state_ = State::kText;
  return !may_be_tag;
}

bool ThoughtSplitter::read_opened() {
  held_.erase(0, held_.size() - trim_left(held_).size());
  // Some models repeat the tag that the prompt ends with.
  if (held_.starts_with(tags_->open)) {
    held_.erase(0, tags_->open.size());
    held_.erase(0, held_.size() - trim_left(held_).size());
  } else if (tags_->open.starts_with(held_)) {
    return false;
  }
  if (held_.empty()) return false;
  state_ = State::kThinking;
  return true;
}

bool ThoughtSplitter::read_thinking(Output& output) {
  const std::size_t end = held_.find(tags_->close);
  if (end != std::string::npos) {
    output.thought += trim_right(std::string_view(held_).substr(0, end));
    held_.erase(0, end + tags_->close.size());
    state_ = State::kBehind;
    return true;
  }
  // White space may be the one before the tag.
  const std::size_t certain = held_.size() - partial_match(held_, tags_->close);
  const std::size_t shown = trim_right(std::string_view(held_).substr(0, certain)).size();
  output.thought += held_.substr(0, shown);
  held_.erase(0, shown);
  return false;
}

ThoughtSplitter::Output ThoughtSplitter::finish() {
  Output output;
  if (is_thinking()) {
    output.thought = trim_right(held_);
  } else if (state_ == State::kStart) {
    output.text = std::exchange(held_, {});
  }
  held_.clear();
  return output;
}

}  // namespace pajamas
