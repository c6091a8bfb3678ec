// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/tool_call_parser.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "http/error_response.h"
#include "serve/api/answer_json.h"
#include "serve/tools/tag_match.h"

namespace pajamas {
namespace {

constexpr std::string_view kTagOpen = "<tool_call>";
constexpr std::string_view kTagClose = "</tool_call>";
constexpr std::array<std::string_view, 2> kListTags = {"[TOOL_CALLS]", "<|python_tag|>"};
constexpr std::string_view kFence = "```";

// The content of ```json ... ```, or the text as it is.
std::string_view without_fence(std::string_view text) {
  text = trim(text);
  if (!text.starts_with(kFence) || !text.ends_with(kFence) || text.size() < 6) return text;
  text.remove_suffix(kFence.size());
  const std::size_t line = text.find('\n');
  return line == std::string_view::npos ? text : trim(text.substr(line));
}

// Where the first call of a list or inside a fence begins: behind ```json, '[' or ','.
std::size_t call_begin(std::string_view text) {
  std::size_t at = text.size() - trim_left(text).size();
  if (text.substr(at).starts_with(kFence)) {
    const std::size_t line = text.find('\n', at);
    if (line == std::string_view::npos) return text.size();
    at = line + 1;
  }
  const std::size_t begin = text.find_first_not_of(" \t\r\n[", at);
  return begin == std::string_view::npos ? text.size() : begin;
}

}  // namespace

ToolCallParser::ToolCallParser(const Json& tools) {
  for (const Json& tool : tools) names_.push_back(tool["function"]["name"].get<std::string>());
  if (names_.empty()) state_ = State::kText;
}

ToolCallParser::Parts ToolCallParser::push(std::string_view text) {
  Parts parts;
  if (names_.empty()) {
    append_part(parts, AnswerPart::Kind::kText, text);
    return parts;
  }
  held_ += text;
  while (step(parts)) {
  }
  return parts;
}

// Takes what the state can; whether another state goes on with the rest.
bool ToolCallParser::step(Parts& parts) {
  const State before = state_;
  switch (state_) {
    case State::kStart:
      read_start();
      break;
    case State::kText:
      read_text(parts);
      break;
    case State::kCall:
      read_call(parts);
      break;
    case State::kArguments:
      read_arguments(parts);
      break;
    case State::kTail:
      read_tail();
      break;
    case State::kBetween:
      read_between();
      break;
  }
  return state_ != before && !held_.empty();
}

// White space behind a call is nobody's text.
void ToolCallParser::say(Parts& parts, std::string_view text) {
  if (is_behind_call_ && trim(text).empty()) return;
  is_behind_call_ = is_behind_call_ && text.empty();
  append_part(parts, AnswerPart::Kind::kText, text);
}

void ToolCallParser::read_start() {
  const std::string_view seen = trim(held_);
  if (seen.empty()) return;
  if (seen.front() == '{' || seen.front() == '[' || seen.starts_with(kFence)) {
    const bool may_be_list_tag = kListTags[0].starts_with(seen.substr(0, kListTags[0].size()));
    if (may_be_list_tag && seen.size() < kListTags[0].size()) return;
    state_ = seen.starts_with(kListTags[0]) ? State::kText : State::kCall;
    style_ = Style::kWhole;
    return;
  }
  if (kFence.starts_with(seen)) return;
  state_ = State::kText;
}

void ToolCallParser::read_text(Parts& parts) {
  std::size_t first = std::string::npos;
  std::string_view tag;
  std::size_t keep = partial_match(held_, kTagOpen);
  for (const std::string_view candidate : {kTagOpen, kListTags[0], kListTags[1]}) {
    const std::size_t at = held_.find(candidate);
    if (at < first) {
      first = at;
      tag = candidate;
    }
    keep = std::max(keep, partial_match(held_, candidate));
  }
  if (tag.empty()) {
    say(parts, std::string_view(held_).substr(0, held_.size() - keep));
    held_.erase(0, held_.size() - keep);
    return;
  }
  say(parts, std::string_view(held_).substr(0, first));
  held_.erase(0, first + tag.size());
  opening_ = tag;
  state_ = State::kCall;
  style_ = tag == kTagOpen ? Style::kTagged : Style::kListed;
}

void ToolCallParser::read_call(Parts& parts) {
  const std::size_t begin = call_begin(held_);
  CallHead head = match_call_head(std::string_view(held_).substr(begin));
  if (head.match == CallHead::Match::kYes && is_offered(head.tool)) {
    begin_call(std::move(head.tool), parts);
    held_.erase(0, begin + head.bytes);
    opening_.clear();
    is_wrapped_ = head.is_wrapped;
    scanner_ = ObjectScanner();
    state_ = State::kArguments;
    return;
  }
  if (style_ == Style::kTagged) read_whole_call(parts);
}

// A call between tags that cannot be passed on in pieces, or is none.
void ToolCallParser::read_whole_call(Parts& parts) {
  const std::size_t end = held_.find(kTagClose);
  if (end == std::string::npos) return;
  const std::string inside = held_.substr(0, end);
  held_.erase(0, end + kTagClose.size());
  if (!read_calls(inside, parts)) say(parts, opening_ + inside + std::string(kTagClose));
  opening_.clear();
  state_ = State::kText;
}

void ToolCallParser::read_arguments(Parts& parts) {
  std::string compact;
  held_.erase(0, scanner_.push(held_, compact));
  append_part(parts, AnswerPart::Kind::kArguments, compact);
  if (!scanner_.is_complete()) return;
  scanner_ = ObjectScanner(1);
  state_ = is_wrapped_ ? State::kTail : State::kBetween;
}

void ToolCallParser::read_tail() {
  std::string dropped;
  held_.erase(0, scanner_.push(held_, dropped));
  if (scanner_.is_complete()) state_ = State::kBetween;
}

void ToolCallParser::read_between() {
  held_.erase(0, held_.size() - trim_left(held_).size());
  if (held_.empty()) return;
  const std::string_view close = style_ == Style::kTagged ? kTagClose : kFence;
  if (held_.starts_with(close)) {
    held_.erase(0, close.size());
    state_ = State::kText;
  } else if (close.starts_with(held_)) {
    return;
  } else if (style_ != Style::kTagged && std::string_view("{,;").find(held_[0]) < 3) {
    if (held_[0] != '{') held_.erase(0, 1);
    state_ = State::kCall;
  } else {
    if (style_ != Style::kTagged && held_[0] == ']') held_.erase(0, 1);
    state_ = State::kText;
  }
}

ToolCallParser::Parts ToolCallParser::finish() {
  Parts parts;
  const std::string rest = std::exchange(held_, {});
  // What is not complete behind a call that was passed on is its closing.
  if (state_ == State::kArguments || state_ == State::kTail || state_ == State::kBetween) {
    return parts;
  }
  if (state_ == State::kCall) {
    if (read_calls(rest, parts)) return parts;
    // Further calls of a list whose beginning was passed on; its bracket closes behind the last.
    std::string_view inside = trim(rest);
    if (call_count_ > 0 && inside.ends_with(']')) inside.remove_suffix(1);
    if (read_calls(inside, parts)) return parts;
  }
  say(parts, opening_ + rest);
  return parts;
}

bool ToolCallParser::read_calls(std::string_view text, Parts& parts) {
  const auto json = parse_json(without_fence(text), "tool call", {});
  if (!json) return false;
  if (!json->is_array()) return add_call(*json, parts);
  Parts calls;
  const std::size_t before = call_count_;
  const bool all = !json->empty() && std::ranges::all_of(*json, [&](const Json& call) {
    return add_call(call, calls);
  });
  if (!all) {
    call_count_ = before;
    is_behind_call_ = before > 0;
    return false;
  }
  std::ranges::move(calls, std::back_inserter(parts));
  return true;
}

bool ToolCallParser::add_call(const Json& call, Parts& parts) {
  const Json* outer = find_member(call, "function");
  const Json& body = outer != nullptr && outer->is_object() ? *outer : call;
  const Json* name = find_member(body, "name");
  if (name == nullptr || !name->is_string() || !is_offered(name->get<std::string>())) return false;
  const Json* arguments = find_member(body, "arguments");
  if (arguments == nullptr) arguments = find_member(body, "parameters");
  std::string text = "{}";
  if (arguments != nullptr) {
    text = arguments->is_string() ? arguments->get<std::string>() : http::dump_json(*arguments);
  }
  begin_call(name->get<std::string>(), parts);
  parts.push_back({.kind = AnswerPart::Kind::kArguments, .text = std::move(text)});
  return true;
}

void ToolCallParser::begin_call(std::string tool, Parts& parts) {
  parts.push_back({.kind = AnswerPart::Kind::kCall,
                   .call_id = make_answer_id("call_"),
                   .tool = std::move(tool)});
  ++call_count_;
  is_behind_call_ = true;
}

bool ToolCallParser::is_offered(std::string_view name) const {
  return std::ranges::find(names_, name) != names_.end();
}

}  // namespace pajamas
