// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/pattern_grammar.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "sampling/grammar/code_point_set.h"
#include "sampling/grammar/json_grammar.h"

namespace pajamas {
namespace {

constexpr int kMaxGroupNesting = 64;

const CodePointSet& digits() {
  static const CodePointSet set({{'0', '9'}});
  return set;
}
const CodePointSet& word_characters() {
  static const CodePointSet set({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
  return set;
}
const CodePointSet& white_space() {
  static const CodePointSet set({{0x09, 0x0D},
                                 {' ', ' '},
                                 {0xA0, 0xA0},
                                 {0x1680, 0x1680},
                                 {0x2000, 0x200A},
                                 {0x2028, 0x2029},
                                 {0x202F, 0x202F},
                                 {0x205F, 0x205F},
                                 {0x3000, 0x3000},
                                 {0xFEFF, 0xFEFF}});
  return set;
}
const CodePointSet& line_ends() {
  static const CodePointSet set({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});
  return set;
}

class PatternParser {
 public:
  explicit PatternParser(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> parse() {
    std::vector<std::string> alternatives;
    do {
      std::string text;
      if (!take('^')) text = "char* ";
      text += PJ_TRY(parse_sequence(0));
      if (!take('$')) text += " char*";
      alternatives.push_back(std::move(text));
    } while (take('|'));
    if (at_ < pattern_.size()) return fail("found '{}', expected the end", pattern_[at_]);
    return fmt::format("( {} )", fmt::join(alternatives, " | "));
  }

 private:
  template <typename... Args>
  [[nodiscard]] std::unexpected<Error> fail(fmt::format_string<Args...> format,
                                            Args&&... args) const {
    return make_error(ErrorCode::kUnsupported, "pattern, byte {}: {}", at_,
                      fmt::format(format, std::forward<Args>(args)...));
  }

  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  bool take(char c) {
    if (at_ >= pattern_.size() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool is_at_end_of_sequence() const {
    if (at_ >= pattern_.size() || peek() == '|' || peek() == ')') return true;
    // The anchor of a top-level alternative.
    return peek() == '$' && (at_ + 1 == pattern_.size() || peek(1) == '|');
  }

  Result<std::string> parse_sequence(int nesting) {
    std::string text;
    while (!is_at_end_of_sequence()) {
      std::string atom = PJ_TRY(parse_atom(nesting));
      atom += PJ_TRY(parse_repetition());
      text += (text.empty() ? "" : " ") + atom;
    }
    if (nesting > 0 && peek() == '$') return fail("an anchor inside a group is not supported");
    return text;
  }

  Result<std::string> parse_atom(int nesting) {
    const char c = peek();
    if (c == '(') return parse_group(nesting);
    if (c == '^' || c == '$') return fail("an anchor that is not at an end is not supported");
    if (c == '*' || c == '+' || c == '?' || c == '{') return fail("'{}' repeats nothing", c);
    CodePointSet set;
    if (c == '[') {
      set = PJ_TRY(parse_class());
    } else if (c == '.') {
      ++at_;
      set = line_ends().complement();
    } else if (c == '\\') {
      set = PJ_TRY(parse_escape());
    } else {
      const char32_t character = PJ_TRY(parse_plain());
      set = CodePointSet({{character, character}});
    }
    std::string expression = json_character(set);
    if (expression.empty()) return fail("a class that nothing is in");
    return expression;
  }

  Result<std::string> parse_group(int nesting) {
    if (nesting >= kMaxGroupNesting)
      return fail("groups are nested deeper than {} levels", kMaxGroupNesting);
    ++at_;
    if (take('?') && !take(':')) return fail("'(?{}' is not supported", peek());
    std::vector<std::string> alternatives;
    do {
      alternatives.push_back(PJ_TRY(parse_sequence(nesting + 1)));
    } while (take('|'));
    if (!take(')')) return fail("a group has no closing ')'");
    return fmt::format("( {} )", fmt::join(alternatives, " | "));
  }

  // As GBNF writes it. Lazy repetitions match the same texts.
  Result<std::string> parse_repetition() {
    std::string text;
    const char c = peek();
    if (c == '*' || c == '+' || c == '?') {
      text = c;
      ++at_;
    } else if (c == '{') {
      const std::size_t end = pattern_.find('}', at_);
      if (end == std::string_view::npos) return fail("a repetition has no closing '}}'");
      text = pattern_.substr(at_, end + 1 - at_);
      const bool is_count = std::all_of(text.begin() + 1, text.end() - 1,
                                        [](char d) { return (d >= '0' && d <= '9') || d == ','; });
      if (!is_count || text.size() > 20) return fail("'{}' is no repetition", text);
      at_ = end + 1;
    } else {
      return text;
    }
    take('?');
    if (peek() == '+') return fail("possessive repetitions are not supported");
    return text;
  }

  Result<char32_t> parse_plain() {
    const DecodedCodePoint decoded = decode_utf8(pattern_, at_);
    if (decoded.bytes == 0) return fail("not valid UTF-8");
    at_ += decoded.bytes;
    return decoded.value;
  }

  Result<CodePointSet> parse_escape() {
    ++at_;
    switch (peek()) {
      case 'd':
        return taken(digits());
      case 'D':
        return taken(digits().complement());
      case 'w':
        return taken(word_characters());
      case 'W':
        return taken(word_characters().complement());
      case 's':
        return taken(white_space());
      case 'S':
        return taken(white_space().complement());
      default:
        break;
    }
    const char32_t character = PJ_TRY(parse_escaped_character());
    return CodePointSet({{character, character}});
  }

  CodePointSet taken(CodePointSet set) {
    ++at_;
    return set;
  }

  Result<char32_t> parse_escaped_character() {
    const char c = peek();
    static constexpr std::pair<char, char32_t> kControls[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'},
                                                              {'f', '\f'}, {'v', '\v'}, {'0', 0}};
    for (const auto& [name, value] : kControls) {
      if (c == name) return ++at_, value;
    }
    if (c == 'x') return parse_hex(2);
    if (c == 'u') return parse_hex(4);
    const bool is_letter_or_digit = word_characters().contains(static_cast<unsigned char>(c));
    if (is_letter_or_digit || at_ >= pattern_.size()) return fail("'\\{}' is not supported", c);
    return parse_plain();
  }

  Result<char32_t> parse_hex(std::size_t count) {
    char32_t value = 0;
    for (std::size_t digit = 1; digit <= count; ++digit) {
      const char c = peek(digit);
      const bool is_hex =
          (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!is_hex) return fail("expected {} hexadecimal digits", count);
      value = value * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (value >= 0xD800 && value <= 0xDFFF) return fail("surrogates are not supported");
    at_ += count + 1;
    return value;
  }

  Result<CodePointSet> parse_class() {
    ++at_;
    const bool is_negated = take('^');
    CodePointSet set;
    while (!take(']')) {
      if (at_ >= pattern_.size()) return fail("a class has no closing ']'");
      const CodePointSet first = PJ_TRY(parse_class_member());
      if (peek() != '-' || peek(1) == ']' || at_ + 1 >= pattern_.size()) {
        set = set.united_with(first);
        continue;
      }
      ++at_;
      const CodePointSet last = PJ_TRY(parse_class_member());
      const auto single = [](const CodePointSet& one) {
        return one.ranges().size() == 1 && one.ranges()[0].first == one.ranges()[0].last;
      };
      if (!single(first) || !single(last) || first.ranges()[0].first > last.ranges()[0].first) {
        return fail("a range of a class does not go from one character up to another");
      }
      set = set.united_with(CodePointSet({{first.ranges()[0].first, last.ranges()[0].first}}));
    }
    return is_negated ? set.complement() : set;
  }

  Result<CodePointSet> parse_class_member() {
    if (peek() == '\\') {
      if (peek(1) == 'b') return at_ += 2, CodePointSet({{'\b', '\b'}});
      return parse_escape();
    }
    const char32_t character = PJ_TRY(parse_plain());
    return CodePointSet({{character, character}});
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string> pattern_to_gbnf(std::string_view pattern) {
  return PatternParser(pattern).parse();
}

}  // namespace pajamas
