// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/call_watch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "serve/tools/tag_match.h"

namespace pajamas {
namespace {

constexpr std::array<std::string_view, 3> kCallTags = {"<tool_call>", "[TOOL_CALLS]",
                                                       "<|python_tag|>"};
constexpr std::string_view kNamedTag = "[TOOL_CALLS]";
constexpr std::size_t kLongestTag = 14;
constexpr std::size_t kMaxNameBytes = 256;  // with the id of a call
constexpr std::string_view kSpace = " \t\r\n";
// What may stand between a tag and a call: lists have brackets and commas.
constexpr std::string_view kBetween = " \t\r\n[,";

}  // namespace

std::optional<CallWatch::Begun> CallWatch::push(std::string_view bytes) {
  seen_ += bytes;
  if (state_ == State::kStart) {
    if (auto call = read_start()) return call;
  }
  if (state_ == State::kText) {
    std::size_t behind = std::string::npos;
    for (const std::string_view tag : kCallTags) {
      const std::size_t at = seen_.rfind(tag);
      if (at == std::string::npos) continue;
      behind = at + tag.size();
      may_be_named_ = tag == kNamedTag;
    }
    if (behind == std::string::npos) {
      if (seen_.size() > kLongestTag) seen_.erase(0, seen_.size() - kLongestTag);
      return std::nullopt;
    }
    seen_.erase(0, behind);
    state_ = State::kOpened;
  }
  if (state_ == State::kOpened) {
    if (auto call = read_opened()) return call;
  }
  return state_ == State::kNamed ? read_named() : std::nullopt;
}

// An answer that begins with {"name" is a call; any other is text.
std::optional<CallWatch::Begun> CallWatch::read_start() {
  const std::size_t begin = seen_.find_first_not_of(kSpace);
  if (begin == std::string::npos) return std::nullopt;
  std::string compact;
  for (const char c : seen_.substr(begin)) {
    if (kSpace.find(c) == std::string_view::npos) compact += c;
  }
  constexpr std::string_view kCall = "{\"name\"";
  if (compact.starts_with(kCall)) {
    state_ = State::kOpened;
    return Begun{.json = std::exchange(seen_, {}).substr(begin)};
  }
  if (!kCall.starts_with(compact)) state_ = State::kText;
  return std::nullopt;
}

std::optional<CallWatch::Begun> CallWatch::read_opened() {
  const std::size_t begin = seen_.find_first_not_of(kBetween);
  if (begin == std::string::npos) return std::nullopt;
  if (seen_[begin] == '{') return Begun{.json = std::exchange(seen_, {}).substr(begin)};
  const bool is_list = seen_.substr(0, begin).find('[') != std::string::npos;
  state_ = may_be_named_ && !is_list ? State::kNamed : State::kText;
  return std::nullopt;
}

std::optional<CallWatch::Begun> CallWatch::read_named() {
  const std::size_t tag = seen_.find(kArgumentsTag);
  if (tag == std::string::npos) {
    if (seen_.size() > kMaxNameBytes) state_ = State::kText;
    return std::nullopt;
  }
  const std::size_t begin = seen_.find_first_not_of(kSpace, tag + kArgumentsTag.size());
  if (begin == std::string::npos) return std::nullopt;
  if (seen_[begin] != '{') {
    state_ = State::kText;
    return std::nullopt;
  }
  const std::string name = seen_.substr(0, std::min(tag, seen_.find(kCallIdTag)));
  Begun call{.json = seen_.substr(begin), .tool = std::string(trim(name))};
  seen_.clear();
  state_ = State::kOpened;
  return call;
}

void CallWatch::end_call() {
  seen_.clear();
  may_be_named_ = false;
  state_ = State::kOpened;
}

}  // namespace pajamas
