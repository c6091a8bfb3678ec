// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "text/jinja/python_text.h"
#include "text/unicode_class.h"
#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int count_lines(std::string_view text) { return static_cast<int>(std::ranges::count(text, '\n')); }

std::string_view strip_end(std::string_view text) { return strip(text, Side::kRight); }

// All kinds of line ends as one, and the last of them gone.
std::string normalize(std::string_view source) {
  std::string result;
  result.reserve(source.size());
  for (std::size_t at = 0; at < source.size(); ++at) {
    if (source[at] == '\r') {
      result += '\n';
      if (at + 1 < source.size() && source[at + 1] == '\n') ++at;
    } else {
      result += source[at];
    }
  }
  if (result.ends_with('\n')) result.pop_back();
  return result;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize(source)) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) PJ_TRY(text());
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  std::unexpected<Error> error(std::string_view message) const {
    return make_error(ErrorCode::kInvalidData, "line {}: {}", line_, message);
  }

  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, line_, std::move(text)}); }

  [[nodiscard]] std::string_view rest() const { return std::string_view(source_).substr(at_); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  void advance(std::size_t bytes) {
    line_ += count_lines(rest().substr(0, bytes));
    at_ += bytes;
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  void skip_spaces() {
    const std::string_view kept = strip(rest(), Side::kLeft);
    advance(rest().size() - kept.size());
  }

  // The next "{{", "{%" or "{#".
  [[nodiscard]] std::size_t find_tag() const {
    for (std::size_t at = at_;; ++at) {
      at = source_.find('{', at);
      if (at == kNone || at + 1 >= source_.size()) return kNone;
      const char next = source_[at + 1];
      if (next == '{' || next == '%' || next == '#') return at;
    }
  }

  // What remains of the text before a tag: all of its white space goes before a '-'; before a
  // statement or comment that begins its line, the indentation goes.
  [[nodiscard]] std::string_view before_tag(std::string_view text, char sign,
                                            bool is_variable) const {
    if (sign == '-') return strip_end(text);
    if (sign == '+' || is_variable) return text;
    const std::size_t newline = text.rfind('\n');
    if (newline == kNone && !line_starting_) return text;
    const std::size_t start = newline == kNone ? 0 : newline + 1;
    if (!strip_end(text.substr(start)).empty()) return text;
    return text.substr(0, start);
  }

  void add_text(std::string_view text) {
    if (!text.empty()) add(TokenKind::kText, std::string(text));
  }

  Status text() {
    const std::size_t tag = find_tag();
    if (tag == kNone) {
      add_text(rest());
      at_ = source_.size();
      return {};
    }
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const bool has_sign = sign == '-' || sign == '+';
    add_text(before_tag(rest().substr(0, tag - at_), sign, kind == '{'));
    advance(tag - at_);
    if (kind == '%') {
      if (const std::size_t bytes = raw_begin(); bytes > 0) {
        advance(bytes);
        if (source_[at_ - 3] == '-') skip_spaces();
        return raw();
      }
    }
    advance(has_sign ? 3 : 2);
    if (kind == '#') return comment();
    add(kind == '{' ? TokenKind::kVariableBegin : TokenKind::kBlockBegin, "");
    return kind == '{' ? expression("}}", TokenKind::kVariableEnd)
                       : expression("%}", TokenKind::kBlockEnd);
  }

  // The length of "{% raw %}" here, 0 when it is something else.
  [[nodiscard]] std::size_t raw_begin() const { return word_tag(at_, "raw", false); }

  // The length of "{%", white space, `word`, white space, "%}" at that place, signs included.
  [[nodiscard]] std::size_t word_tag(std::size_t at, std::string_view word, bool allow_plus) const {
    std::string_view tag = std::string_view(source_).substr(at);
    const std::size_t all = tag.size();
    tag.remove_prefix(2);
    if (tag.starts_with('-') || tag.starts_with('+')) tag.remove_prefix(1);
    tag = strip(tag, Side::kLeft);
    if (!tag.starts_with(word)) return 0;
    tag = strip(tag.substr(word.size()), Side::kLeft);
    if (tag.starts_with('-') || (allow_plus && tag.starts_with('+'))) tag.remove_prefix(1);
    if (!tag.starts_with("%}")) return 0;
    return all - tag.size() + 2;
  }

  Status raw() {
    for (std::size_t at = at_;; ++at) {
      at = source_.find("{%", at);
      if (at == kNone) return error("a raw block has no {% endraw %}");
      const std::size_t bytes = word_tag(at, "endraw", true);
      if (bytes == 0) continue;
      add_text(before_tag(rest().substr(0, at - at_), source_[at + 2], false));
      advance(at - at_ + bytes);
      after_block(source_[at_ - 3]);
      return {};
    }
  }

  // After the end of a statement or comment: its own line end goes, before a '-' all white space.
  void after_block(char sign) {
    if (sign == '-') {
      skip_spaces();
    } else if (sign != '+' && peek() == '\n') {
      advance(1);
    }
  }

  Status comment() {
    const std::size_t end = source_.find("#}", at_);
    if (end == kNone) return error("a comment has no end, expected '#}'");
    const char sign = end > at_ ? source_[end - 1] : '\0';
    advance(end + 2 - at_);
    after_block(sign);
    return {};
  }

  // The length of the end bracket here with its sign, 0 when it is something else.
  [[nodiscard]] std::size_t end_bracket(std::string_view bracket) const {
    const std::string_view here = rest();
    if (here.starts_with(bracket)) return 2;
    const bool has_sign = peek() == '-' || (peek() == '+' && bracket == "%}");
    return has_sign && here.substr(1).starts_with(bracket) ? 3 : 0;
  }

  Status expression(std::string_view bracket, TokenKind end_kind) {
    std::string open;  // the brackets that wait for their end
    while (true) {
      skip_spaces();
      if (at_ >= source_.size()) {
        return error(fmt::format("the template ends inside of a tag, expected '{}'", bracket));
      }
      const std::size_t end = open.empty() ? end_bracket(bracket) : 0;
      if (end > 0) {
        add(end_kind, "");
        const char sign = end == 3 ? peek() : '\0';
        advance(end);
        if (end_kind == TokenKind::kBlockEnd) {
          after_block(sign);
        } else if (sign == '-') {
          skip_spaces();
        }
        return {};
      }
      PJ_TRY(token(open));
    }
  }

  Status token(std::string& open) {
    const char c = peek();
    if (is_digit(c)) return number();
    if (c == '\'' || c == '"') return string(c);
    if (const std::size_t bytes = name_bytes(); bytes > 0) {
      add(TokenKind::kName, std::string(rest().substr(0, bytes)));
      advance(bytes);
      return {};
    }
    return operation(open);
  }

  [[nodiscard]] std::size_t name_bytes() const {
    std::size_t at = at_;
    while (at < source_.size()) {
      const CodePoint point = code_point_at(source_, at);
      const char32_t c = point.value;
      const bool belongs = c < 0x80 ? c == '_' || is_alphanumeric(c) : is_unicode_word(c);
      if (!belongs) break;
      at += point.bytes;
    }
    return at - at_;
  }

  Status operation(std::string& open) {
    constexpr auto kOperators = std::to_array<std::string_view>(
        {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
         "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"});
    const auto found = std::ranges::find_if(
        kOperators, [&](std::string_view sign) { return rest().starts_with(sign); });
    if (found == kOperators.end()) {
      const std::size_t bytes = std::max<std::size_t>(code_point_at(source_, at_).bytes, 1);
      return error(fmt::format("unexpected character {}", string_repr(rest().substr(0, bytes))));
    }
    const char c = found->front();
    if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) return error(fmt::format("unexpected '{}'", c));
      if (open.back() != c)
        return error(fmt::format("unexpected '{}', expected '{}'", c, open.back()));
      open.pop_back();
    }
    add(TokenKind::kOperator, std::string(*found));
    advance(found->size());
    return {};
  }

  // Digits with single underscores between them, from `at` on.
  [[nodiscard]] std::size_t digits_end(std::size_t at, std::string_view digits) const {
    const auto is_one = [&](std::size_t place) {
      return place < source_.size() && digits.find(source_[place]) != kNone;
    };
    if (!is_one(at)) return at;
    while (is_one(at) || (at < source_.size() && source_[at] == '_' && is_one(at + 1))) ++at;
    return at;
  }

  // The end of a float that starts here, the start when it is none.
  [[nodiscard]] std::size_t float_end() const {
    constexpr std::string_view kDigits = "0123456789";
    if (at_ > 0 && source_[at_ - 1] == '.') return at_;
    std::size_t end = digits_end(at_, kDigits);
    bool is_float = false;
    if (end < source_.size() && source_[end] == '.') {
      const std::size_t fraction = digits_end(end + 1, kDigits);
      if (fraction > end + 1) {
        end = fraction;
        is_float = true;
      }
    }
    if (end < source_.size() && (source_[end] | 0x20) == 'e') {
      std::size_t start = end + 1;
      if (start < source_.size() && (source_[start] == '+' || source_[start] == '-')) ++start;
      const std::size_t exponent = digits_end(start, kDigits);
      if (exponent > start) {
        end = exponent;
        is_float = true;
      }
    }
    return is_float ? end : at_;
  }

  [[nodiscard]] std::size_t integer_end() const {
    const char letter = peek() == '0' ? static_cast<char>(peek(1) | 0x20) : '\0';
    const std::string_view digits = letter == 'b'   ? "01"
                                    : letter == 'o' ? "01234567"
                                    : letter == 'x' ? "0123456789abcdefABCDEF"
                                                    : "";
    if (!digits.empty()) {
      const std::size_t start = at_ + 2 + (peek(2) == '_' ? 1 : 0);
      const std::size_t end = digits_end(start, digits);
      if (end > start) return end;
    }
    return digits_end(at_, peek() == '0' ? "0" : "0123456789");
  }

  Status number() {
    const std::size_t float_stop = float_end();
    const bool is_float = float_stop > at_;
    const std::size_t end = is_float ? float_stop : integer_end();
    std::string text(source_, at_, end - at_);
    std::erase(text, '_');
    add(is_float ? TokenKind::kFloat : TokenKind::kInteger, std::move(text));
    advance(end - at_);
    return {};
  }

  Status string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return error("a string has no end");
    std::string value = PJ_TRY(unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1)));
    add(TokenKind::kString, std::move(value));
    advance(end + 1 - at_);
    return {};
  }

  Result<std::string> unescape(std::string_view text) const {
    std::string value;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '\\' || at + 1 >= text.size()) {
        value += text[at];
        continue;
      }
      const char c = text[++at];
      constexpr std::string_view kLetters = "\\'\"abfnrtv";
      constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
      const std::size_t simple = kLetters.find(c);
      if (simple != kNone) {
        value += kValues[simple];
      } else if (c == '\n') {
        // A line that is continued.
      } else if (c >= '0' && c <= '7') {
        char32_t code = 0;
        std::size_t digits = 0;
        for (; digits < 3 && at + digits < text.size() && text[at + digits] >= '0' &&
               text[at + digits] <= '7';
             ++digits) {
          code = code * 8 + static_cast<char32_t>(text[at + digits] - '0');
        }
        append_utf8(value, code);
        at += digits - 1;
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        append_utf8(value, PJ_TRY(hexadecimal(text.substr(at + 1), digits)));
        at += digits;
      } else if (c == 'N') {
        return error("a string has a \\N escape, which is not supported");
      } else {
        value += '\\';
        value += c;
      }
    }
    return value;
  }

  Result<char32_t> hexadecimal(std::string_view text, std::size_t digits) const {
    if (text.size() < digits) return error("a string has a truncated escape");
    std::uint64_t code = 0;
    for (const char c : text.substr(0, digits)) {
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0)
        return error("a string has a truncated escape");
      code = code * 16 + static_cast<std::uint64_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      return error("a string has an escape that is not a character");
    }
    return static_cast<char32_t>(code);
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (!is_valid_utf8(source)) {
    return make_error(ErrorCode::kInvalidData, "the template is not valid UTF-8");
  }
  return Lexer(source).run();
}

}  // namespace pajamas::jinja
