// SPDX-License-Identifier: Apache-2.0
#include "serve/tools/call_scanner.h"

#include "serve/tools/tag_match.h"

namespace pajamas {
namespace {

// Longer heads than this are no heads: names have at most 64 bytes.
constexpr std::size_t kMaxHeadBytes = 512;

// Consumes what it expects; the first thing that is missing decides.
class HeadReader {
 public:
  explicit HeadReader(std::string_view text) : text_(text) {}

  void expect(std::string_view literal) {
    skip_blank();
    if (match_ != CallHead::Match::kYes) return;
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with(literal)) {
      at_ += literal.size();
    } else {
      match_ = literal.starts_with(rest) ? CallHead::Match::kPerhaps : CallHead::Match::kNo;
    }
  }

  // One of the two.
  void expect_either(std::string_view first, std::string_view second) {
    skip_blank();
    const std::size_t begin = at_;
    const CallHead::Match before = match_;
    expect(first);
    if (before != CallHead::Match::kYes || match_ != CallHead::Match::kNo) return;
    at_ = begin;
    match_ = CallHead::Match::kYes;
    expect(second);
  }

  // A string without escapes: names of tools have none.
  std::string expect_string() {
    expect("\"");
    if (match_ != CallHead::Match::kYes) return {};
    const std::size_t end = text_.find_first_of("\"\\", at_);
    if (end == std::string_view::npos) {
      match_ = CallHead::Match::kPerhaps;
      return {};
    }
    if (text_[end] == '\\') match_ = CallHead::Match::kNo;
    const std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }

  void skip_blank() {
    while (at_ < text_.size() && kBlank.find(text_[at_]) != std::string_view::npos) ++at_;
  }

  [[nodiscard]] CallHead::Match match() const { return match_; }
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  CallHead::Match match_ = CallHead::Match::kYes;
};

CallHead match_json_head(std::string_view text) {
  HeadReader reader(text);
  CallHead head{.is_wrapped = true};
  reader.expect("{");
  reader.expect("\"name\"");
  reader.expect(":");
  head.tool = reader.expect_string();
  reader.expect(",");
  reader.expect_either("\"arguments\"", "\"parameters\"");
  reader.expect(":");
  reader.skip_blank();
  head.bytes = reader.at();
  reader.expect("{");
  head.match = reader.match();
  return head;
}

// f[ARGS]{...} or f[CALL_ID]id[ARGS]{...}
CallHead match_tagged_head(std::string_view text) {
  const std::size_t at = text.find(kArgumentsTag);
  if (at == std::string_view::npos) return {.match = CallHead::Match::kPerhaps};
  std::string_view name = text.substr(0, at);
  if (const std::size_t id = name.find(kCallIdTag); id != std::string_view::npos) {
    name = name.substr(0, id);
  }
  HeadReader reader(text.substr(at + kArgumentsTag.size()));
  reader.skip_blank();
  CallHead head{.tool = std::string(trim(name)), .bytes = at + kArgumentsTag.size() + reader.at()};
  reader.expect("{");
  head.match = reader.match();
  return head;
}

}  // namespace

CallHead match_call_head(std::string_view text) {
  const std::string_view seen = trim_left(text);
  if (seen.empty()) return {.match = CallHead::Match::kPerhaps};
  const char first = seen.front();
  CallHead head;
  if (first == '{') {
    head = match_json_head(text);
  } else if (first != '[' && first != '`' && first != '"') {
    head = match_tagged_head(text);
  }
  if (head.match == CallHead::Match::kPerhaps && text.size() > kMaxHeadBytes) {
    head.match = CallHead::Match::kNo;
  }
  return head;
}

std::size_t ObjectScanner::push(std::string_view text, std::string& compact) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string_) {
      if (!is_escaped_ && c == '"') in_string_ = false;
      is_escaped_ = !is_escaped_ && c == '\\';
      compact += c;
      continue;
    }
    if (kBlank.find(c) != std::string_view::npos) continue;
    compact += c;
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && depth_ > 0 && --depth_ == 0) {
      is_complete_ = true;
      return at + 1;
    }
  }
  return text.size();
}

}  // namespace pajamas
