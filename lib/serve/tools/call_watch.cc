// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/call_watch.h"

#include <array>
#include <utility>

namespace pajamas {
namespace {

constexpr std::array<std::string_view, 3> kTags = {"<tool_call>", "[TOOL_CALLS]", "<|python_tag|>"};
constexpr std::size_t kLongestTag = 14;
constexpr std::string_view kSpace = " \t\r\n";
// What may stand between a tag and a call: lists have brackets and commas.
constexpr std::string_view kBetween = " \t\r\n[,";

}  // namespace

std::optional<std::string> CallWatch::push(std::string_view bytes) {
  seen_ += bytes;
  if (state_ == State::kStart) {
    if (auto call = read_start()) return call;
  }
  if (state_ == State::kText) {
    std::size_t behind = std::string::npos;
    for (const std::string_view tag : kTags) {
      const std::size_t at = seen_.rfind(tag);
      if (at != std::string::npos) behind = at + tag.size();
    }
    if (behind == std::string::npos) {
      if (seen_.size() > kLongestTag) seen_.erase(0, seen_.size() - kLongestTag);
      return std::nullopt;
    }
    seen_.erase(0, behind);
    state_ = State::kOpened;
  }
  return state_ == State::kOpened ? read_opened() : std::nullopt;
}

// An answer that begins with {"name" is a call; any other is text.
std::optional<std::string> CallWatch::read_start() {
  const std::size_t begin = seen_.find_first_not_of(kSpace);
  if (begin == std::string::npos) return std::nullopt;
  std::string compact;
  for (const char c : seen_.substr(begin)) {
    if (kSpace.find(c) == std::string_view::npos) compact += c;
  }
  constexpr std::string_view kCall = "{\"name\"";
  if (compact.starts_with(kCall)) {
    state_ = State::kOpened;
    return std::exchange(seen_, {}).substr(begin);
  }
  if (!kCall.starts_with(compact)) state_ = State::kText;
  return std::nullopt;
}

std::optional<std::string> CallWatch::read_opened() {
  const std::size_t begin = seen_.find_first_not_of(kBetween);
  if (begin == std::string::npos) return std::nullopt;
  if (seen_[begin] == '{') return std::exchange(seen_, {}).substr(begin);
  state_ = State::kText;
  return std::nullopt;
}

void CallWatch::end_call() {
  seen_.clear();
  state_ = State::kOpened;
}

}  // namespace pajamas
