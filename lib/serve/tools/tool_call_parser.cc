// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/tool_call_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "http/error_response.h"

namespace pajamas {
namespace {

constexpr std::string_view kTagOpen = "<tool_call>";
constexpr std::string_view kTagClose = "</tool_call>";
constexpr std::array<std::string_view, 2> kListTags = {"[TOOL_CALLS]", "<|python_tag|>"};
constexpr std::string_view kArgumentsTag = "[ARGS]";

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The content of ```json ... ```, or the text as it is.
std::string_view without_fence(std::string_view text) {
  text = trim(text);
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  text.remove_suffix(3);
  const std::size_t line = text.find('\n');
  return line == std::string_view::npos ? text : trim(text.substr(line));
}

// How many bytes at the end of `text` may be the beginning of `tag`.
std::size_t partial_match(std::string_view text, std::string_view tag) {
  for (std::size_t count = std::min(text.size(), tag.size() - 1); count > 0; --count) {
    if (text.ends_with(tag.substr(0, count))) return count;
  }
  return 0;
}

}  // namespace

ToolCallParser::ToolCallParser(const Json& tools) {
  for (const Json& tool : tools) names_.push_back(tool["function"]["name"].get<std::string>());
  if (names_.empty()) state_ = State::kText;
}

ToolCallParser::Output ToolCallParser::push(std::string_view text) {
  Output output;
  if (names_.empty()) {
    output.text = text;
    return output;
  }
  held_ += text;
  // Each state takes what it can and may hand over to the next.
  State before = state_;
  do {
    before = state_;
    if (state_ == State::kStart) read_start();
    if (state_ == State::kText) read_text(output);
    if (state_ == State::kTagged) read_tagged(output);
  } while (state_ != before);
  drop_space_between_calls(output);
  return output;
}

void ToolCallParser::drop_space_between_calls(Output& output) const {
  if (call_count_ > 0 && trim(output.text).empty()) output.text.clear();
}

void ToolCallParser::read_start() {
  const std::string_view seen = trim(held_);
  if (seen.empty()) return;
  if (seen.front() == '{' || seen.front() == '[' || seen.starts_with("```")) {
    const bool may_be_list_tag = kListTags[0].starts_with(seen.substr(0, kListTags[0].size()));
    if (may_be_list_tag && seen.size() < kListTags[0].size()) return;
    state_ = seen.starts_with(kListTags[0]) ? State::kText : State::kWhole;
    return;
  }
  if (std::string_view("```").starts_with(seen)) return;
  state_ = State::kText;
}

void ToolCallParser::read_text(Output& output) {
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
    output.text += held_.substr(0, held_.size() - keep);
    held_.erase(0, held_.size() - keep);
    return;
  }
  output.text += held_.substr(0, first);
  held_.erase(0, first + tag.size());
  opening_ = tag;
  state_ = tag == kTagOpen ? State::kTagged : State::kListed;
}

void ToolCallParser::read_tagged(Output& output) {
  const std::size_t end = held_.find(kTagClose);
  if (end == std::string::npos) return;
  const std::string inside = held_.substr(0, end);
  held_.erase(0, end + kTagClose.size());
  if (!read_calls(inside, output)) {
    output.text += std::string(kTagOpen) + inside + std::string(kTagClose);
  }
  opening_.clear();
  state_ = State::kText;
}

ToolCallParser::Output ToolCallParser::finish() {
  Output output;
  const std::string rest = std::exchange(held_, {});
  const bool may_be_call =
      state_ == State::kTagged || state_ == State::kListed || state_ == State::kWhole;
  if (may_be_call && read_calls(rest, output)) return output;
  output.text += opening_ + rest;
  drop_space_between_calls(output);
  return output;
}

bool ToolCallParser::read_calls(std::string_view text, Output& output) {
  text = without_fence(text);
  if (const std::size_t at = text.find(kArgumentsTag);
      at != std::string_view::npos && is_offered(trim(text.substr(0, at)))) {
    const auto arguments = parse_json(text.substr(at + kArgumentsTag.size()), "arguments", {});
    return arguments &&
           add_call({{"name", std::string(trim(text.substr(0, at)))}, {"arguments", *arguments}},
                    output);
  }
  const auto json = parse_json(text, "tool call", {});
  if (!json) return false;
  if (!json->is_array()) return add_call(*json, output);
  Output calls;
  const bool all = !json->empty() && std::ranges::all_of(*json, [&](const Json& call) {
    return add_call(call, calls);
  });
  if (!all) {
    call_count_ -= calls.calls.size();
    return false;
  }
  std::ranges::move(calls.calls, std::back_inserter(output.calls));
  return true;
}

bool ToolCallParser::add_call(const Json& call, Output& output) {
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
  output.calls.push_back({make_answer_id("call_"), name->get<std::string>(), std::move(text)});
  ++call_count_;
  return true;
}

bool ToolCallParser::is_offered(std::string_view name) const {
  return std::ranges::find(names_, name) != names_.end();
}

}  // namespace pajamas
