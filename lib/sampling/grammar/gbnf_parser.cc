// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/gbnf_parser.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace pajamas {
namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Whether a line break may stand between the parts of what is being read.
enum class Lines : std::uint8_t { kOne, kMany };

class GbnfParser {
 public:
  GbnfParser(std::string_view text, const GrammarLimits& limits) : text_(text), limits_(limits) {}

  Result<GrammarRules> parse() {
    skip_space(Lines::kMany);
    while (at_ < text_.size()) {
      PJ_TRY(parse_rule());
      skip_space(Lines::kMany);
    }
    const auto root = indexes_.find("root");
    if (root == indexes_.end() || grammar_.rules[root->second].alternates.empty()) {
      return make_error(ErrorCode::kInvalidData,
                        "grammar: there is no rule 'root', expected 'root ::= ...'");
    }
    for (const GrammarRule& rule : grammar_.rules) {
      if (rule.alternates.empty()) {
        return make_error(ErrorCode::kInvalidData, "grammar: the rule '{}' is used but not defined",
                          rule.name);
      }
    }
    grammar_.root = root->second;
    return std::move(grammar_);
  }

 private:
  using Alternate = std::vector<GrammarElement>;

  template <typename... Args>
  [[nodiscard]] std::unexpected<Error> fail(fmt::format_string<Args...> format,
                                            Args&&... args) const {
    const std::string_view before = text_.substr(0, std::min(at_, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1;
    return make_error(ErrorCode::kInvalidData, "grammar line {}, column {}: {}", line,
                      before.size() - line_start + 1,
                      fmt::format(format, std::forward<Args>(args)...));
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  [[nodiscard]] std::string found() const {
    if (at_ >= text_.size()) return "the end";
    const DecodedCodePoint decoded = decode_utf8(text_, at_);
    if (text_[at_] == '\n' || text_[at_] == '\r') return "the end of the line";
    return decoded.bytes == 0 || decoded.value < 0x20
               ? fmt::format("byte 0x{:02x}", static_cast<unsigned char>(text_[at_]))
               : fmt::format("'{}'", text_.substr(at_, decoded.bytes));
  }

  void skip_space(Lines lines) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (lines == Lines::kMany && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view read_name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_word_byte(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  std::uint32_t rule_index(std::string_view name) {
    const auto next = static_cast<std::uint32_t>(grammar_.rules.size());
    const auto [entry, is_new] = indexes_.try_emplace(std::string(name), next);
    if (is_new) grammar_.rules.push_back({.name = std::string(name)});
    return entry->second;
  }

  Status parse_rule() {
    const std::string_view name = read_name();
    if (name.empty()) return fail("found {}, expected the name of a rule", found());
    skip_space(Lines::kOne);
    if (text_.substr(at_, 3) != "::=") return fail("found {}, expected '::='", found());
    const std::uint32_t index = rule_index(name);
    if (!grammar_.rules[index].alternates.empty()) {
      return fail("the rule '{}' is defined twice", name);
    }
    at_ += 3;
    skip_space(Lines::kMany);
    auto alternates = PJ_TRY(parse_alternates(name, 0));
    grammar_.rules[index].alternates = std::move(alternates);
    if (at_ < text_.size() && peek() != '\n' && peek() != '\r') {
      return fail("found {}, expected the end of the rule", found());
    }
    return {};
  }

  Result<std::vector<Alternate>> parse_alternates(std::string_view rule_name, int nesting) {
    std::vector<Alternate> alternates;
    const Lines lines = nesting > 0 ? Lines::kMany : Lines::kOne;
    while (true) {
      alternates.push_back(PJ_TRY(parse_sequence(rule_name, nesting, lines)));
      if (peek() != '|') return alternates;
      ++at_;
      skip_space(Lines::kMany);
    }
  }

  Result<Alternate> parse_sequence(std::string_view rule_name, int nesting, Lines lines) {
    Alternate sequence;
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == '"') {
        sequence.push_back({.text = PJ_TRY(parse_literal())});
      } else if (c == '[') {
        sequence.push_back(set_element(PJ_TRY(parse_class())));
      } else if (c == '.') {
        ++at_;
        sequence.push_back(set_element(CodePointSet::any()));
      } else if (c == '(') {
        sequence.push_back(PJ_TRY(parse_group(rule_name, nesting)));
      } else if (is_word_byte(c)) {
        sequence.push_back(rule_element(rule_index(read_name())));
      } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (sequence.empty()) return fail("'{}' stands behind nothing that it could repeat", c);
        PJ_TRY(parse_repetition(rule_name, sequence.back()));
      } else if (c == '<' || c == '!') {
        return fail(
            "token references ('<...>') are not supported, expected text, a class or a rule");
      } else {
        break;
      }
      skip_space(lines);
    }
    return sequence;
  }

  GrammarElement set_element(CodePointSet set) {
    const auto index = static_cast<std::uint32_t>(grammar_.sets.size());
    grammar_.sets.push_back(std::move(set));
    return {.kind = GrammarElement::Kind::kSet, .index = index};
  }

  static GrammarElement rule_element(std::uint32_t index) {
    return {.kind = GrammarElement::Kind::kRule, .index = index};
  }

  GrammarElement new_rule(std::string_view parent, std::vector<Alternate> alternates) {
    const auto index = static_cast<std::uint32_t>(grammar_.rules.size());
    grammar_.rules.push_back({std::string(parent), std::move(alternates)});
    return rule_element(index);
  }

  Result<GrammarElement> parse_group(std::string_view rule_name, int nesting) {
    if (nesting >= limits_.max_nesting) {
      return fail("groups are nested deeper than {} levels", limits_.max_nesting);
    }
    ++at_;
    skip_space(Lines::kMany);
    auto alternates = PJ_TRY(parse_alternates(rule_name, nesting + 1));
    if (peek() != ')' || at_ >= text_.size()) return fail("found {}, expected ')'", found());
    ++at_;
    return new_rule(rule_name, std::move(alternates));
  }

  Result<std::uint32_t> parse_count() {
    if (!is_digit(peek())) return fail("found {}, expected a number", found());
    std::uint64_t count = 0;
    for (; is_digit(peek()); ++at_) {
      count = count * 10 + static_cast<std::uint64_t>(peek() - '0');
      if (count > limits_.max_repetition) {
        return fail("more than {} repetitions are asked for", limits_.max_repetition);
      }
    }
    skip_space(Lines::kOne);
    return static_cast<std::uint32_t>(count);
  }

  Status parse_repetition(std::string_view rule_name, GrammarElement& element) {
    // What is repeated already becomes a rule, so that counts nest instead of multiplying.
    if (element.min_times != 1 || element.max_times != 1) {
      element = new_rule(rule_name, {{std::move(element)}});
    }
    const char c = peek();
    ++at_;
    element.min_times = c == '+' ? 1 : 0;
    element.max_times = c == '?' ? 1 : kUnbounded;
    if (c != '{') return {};
    skip_space(Lines::kOne);
    element.min_times = PJ_TRY(parse_count());
    element.max_times = element.min_times;
    if (peek() == ',') {
      ++at_;
      skip_space(Lines::kOne);
      element.max_times = peek() == '}' ? kUnbounded : PJ_TRY(parse_count());
    }
    if (peek() != '}') return fail("found {}, expected '}}'", found());
    if (element.max_times < element.min_times) {
      return fail("the repetition {{{},{}}} ends before it begins", element.min_times,
                  element.max_times);
    }
    ++at_;
    return {};
  }

  Result<std::string> parse_literal() {
    const std::size_t start = at_++;
    std::string bytes;
    while (peek() != '"') {
      if (at_ >= text_.size()) {
        at_ = start;
        return fail("the text that begins here has no closing '\"'");
      }
      append_code_point(bytes, PJ_TRY(parse_character()));
    }
    ++at_;
    return bytes;
  }

  Result<CodePointSet> parse_class() {
    const std::size_t start = at_++;
    const bool is_negated = peek() == '^';
    if (is_negated) ++at_;
    std::vector<CodePointRange> ranges;
    while (peek() != ']') {
      if (at_ >= text_.size()) {
        at_ = start;
        return fail("the class that begins here has no closing ']'");
      }
      const char32_t first = PJ_TRY(parse_character());
      char32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = PJ_TRY(parse_character());
        if (last < first) return fail("the range of the class ends before it begins");
      }
      ranges.push_back({first, last});
    }
    ++at_;
    const CodePointSet set(std::move(ranges));
    return is_negated ? set.complement() : set;
  }

  // One code point, written as itself or as an escape.
  Result<char32_t> parse_character() {
    if (peek() != '\\') {
      const DecodedCodePoint decoded = decode_utf8(text_, at_);
      if (decoded.bytes == 0) return fail("found {}, expected valid UTF-8", found());
      at_ += decoded.bytes;
      return decoded.value;
    }
    ++at_;
    const char c = peek();
    static constexpr std::pair<char, char32_t> kEscapes[] = {
        {'t', '\t'}, {'r', '\r'}, {'n', '\n'}, {'\\', '\\'}, {'"', '"'}, {'[', '['}, {']', ']'}};
    for (const auto& [name, value] : kEscapes) {
      if (c == name) {
        ++at_;
        return value;
      }
    }
    if (c == 'x') return parse_hex(2);
    if (c == 'u') return parse_hex(4);
    if (c == 'U') return parse_hex(8);
    return fail("found {} behind '\\', expected one of t r n \\ \" [ ] x u U", found());
  }

  Result<char32_t> parse_hex(int digits) {
    ++at_;
    char32_t value = 0;
    for (int digit = 0; digit < digits; ++digit, ++at_) {
      const int nibble = hex_value(peek());
      if (nibble < 0) return fail("found {}, expected {} hexadecimal digits", found(), digits);
      value = (value << 4) | static_cast<char32_t>(nibble);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return fail("U+{:X} is not a code point that text can have", static_cast<unsigned>(value));
    }
    return value;
  }

  std::string_view text_;
  const GrammarLimits& limits_;
  std::size_t at_ = 0;
  GrammarRules grammar_;
  std::unordered_map<std::string, std::uint32_t> indexes_;
};

}  // namespace

Result<GrammarRules> parse_gbnf(std::string_view text, const GrammarLimits& limits) {
  if (text.size() > limits.max_text_bytes) {
    return make_error(ErrorCode::kInvalidData, "grammar: {} bytes of text, expected at most {}",
                      text.size(), limits.max_text_bytes);
  }
  return GbnfParser(text, limits).parse();
}

}  // namespace pajamas
