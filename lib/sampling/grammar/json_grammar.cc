// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/json_grammar.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace pajamas {
namespace {

// White space is optional and bounded, so that a model cannot write it for ever. Numbers are
// bounded so that they stay finite. An escape never makes half a surrogate pair, so that each
// `char` is one code point.
constexpr SharedRule kSharedRules[] = {
    {"ws", R"(| " " | "\n"{1,2} [ \t]{0,20})", ""},
    {"value", "object | array | string | number | boolean | null",
     "object array string number boolean null"},
    {"object", R"("{" ws ( member ( ws "," ws member )* )? ws "}")", "ws member"},
    {"member", R"(string ws ":" ws value)", "string ws value"},
    {"array", R"("[" ws ( value ( ws "," ws value )* )? ws "]")", "ws value"},
    {"string", R"("\"" char* "\"")", "char"},
    {"char",
     R"([^"\\\x00-\x1F\x7F] | "\\" ( ["\\/bfnrt] | "u" ( [0-9abcefABCEF] hex | [dD] [0-7] ) hex hex ))",
     "hex"},
    {"hex", "[0-9a-fA-F]", ""},
    {"number", R"(integer ( "." [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,2} )?)", "integer"},
    {"integer", R"("-"? ( "0" | [1-9] [0-9]{0,15} ))", ""},
    {"boolean", R"("true" | "false")", ""},
    {"null", R"("null")", ""},
    // RFC 3339, with the true number of days of each month.
    {"date", R"("\"" full-date "\"")", "full-date"},
    {"time", R"("\"" full-time "\"")", "full-time"},
    {"date-time", R"("\"" full-date "T" full-time "\"")", "full-date full-time"},
    {"full-date", R"(year "-" month-day | leap-year "-02-29")", "year month-day leap-year"},
    {"year", R"([1-9] [0-9]{3} | "0" [1-9] [0-9]{2} | "00" [1-9] [0-9] | "000" [1-9])", ""},
    {"leap-year",
     R"([0-9]{2} ( "0" [48] | [2468] [048] | [13579] [26] ) | ( "0" [48] | [2468] [048] | [13579] [26] ) "00")",
     ""},
    {"month-day",
     R"(( "0" [13578] | "1" [02] ) "-" ( "0" [1-9] | [12] [0-9] | "3" [01] ) | ( "0" [469] | "11" ) "-" ( "0" [1-9] | [12] [0-9] | "30" ) | "02-" ( "0" [1-9] | "1" [0-9] | "2" [0-8] ))",
     ""},
    {"full-time", R"(hour ":" sixty ":" sixty ( "." [0-9]{1,6} )? ( "Z" | [-+] hour ":" sixty ))",
     "hour sixty"},
    {"hour", R"([01] [0-9] | "2" [0-3])", ""},
    {"sixty", "[0-5] [0-9]", ""},
    {"uuid", R"("\"" hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12} "\"")", "hex"},
};

constexpr std::size_t kUnboundedDigits = 16;
constexpr std::uint64_t kNoBound = UINT64_MAX;
// Bounds beyond this count as missing: no number of 16 digits reaches them.
constexpr double kLargestBound = 1e18;
// Up to here a double still tells the six decimals apart that a fraction may have.
constexpr std::int64_t kLargestWithFraction = 1'000'000'000;
constexpr std::string_view kFraction = R"("." [0-9]{0,5} [1-9])";

std::string digit_class(char first, char last) {
  return first == last ? fmt::format("\"{}\"", first) : fmt::format("[{}-{}]", first, last);
}

std::string any_digits(std::size_t count) {
  return count == 0 ? "" : fmt::format(" [0-9]{{{}}}", count);
}

// Numbers between two of equal length, digit by digit. One of the halves of each split has a free
// bound, so the text is linear in the digits.
void append_same_length(std::string_view prefix, std::string_view first, std::string_view last,
                        std::vector<std::string>& parts) {
  const auto all = [](std::string_view digits, char digit) {
    return std::all_of(digits.begin(), digits.end(), [&](char c) { return c == digit; });
  };
  const std::string lead = prefix.empty() ? "" : fmt::format("\"{}\" ", prefix);
  if (first.empty()) {
    parts.push_back(fmt::format("\"{}\"", prefix));
    return;
  }
  const std::size_t rest = first.size() - 1;
  if (all(first.substr(1), '0') && all(last.substr(1), '9')) {
    parts.push_back(lead + digit_class(first[0], last[0]) + any_digits(rest));
    return;
  }
  const std::string with_first = std::string(prefix) + first[0];
  if (first[0] == last[0]) {
    append_same_length(with_first, first.substr(1), last.substr(1), parts);
    return;
  }
  append_same_length(with_first, first.substr(1), std::string(rest, '9'), parts);
  if (last[0] - first[0] > 1) {
    const auto low = static_cast<char>(first[0] + 1);
    const auto high = static_cast<char>(last[0] - 1);
    parts.push_back(lead + digit_class(low, high) + any_digits(rest));
  }
  append_same_length(std::string(prefix) + last[0], std::string(rest, '0'), last.substr(1), parts);
}

// Numbers of [least, most] without their sign; kNoBound is 16 digits.
void append_unsigned(std::uint64_t least, std::uint64_t most, std::string_view sign,
                     std::vector<std::string>& parts) {
  const std::size_t before = parts.size();
  const std::string first = fmt::format("{}", least);
  const std::string last = most != kNoBound
                               ? fmt::format("{}", most)
                               : std::string(std::max(kUnboundedDigits, first.size()), '9');
  for (std::size_t digits = first.size(); digits <= last.size(); ++digits) {
    const std::string low = digits == first.size() ? first : "1" + std::string(digits - 1, '0');
    const std::string high = digits == last.size() ? last : std::string(digits, '9');
    append_same_length("", low, high, parts);
  }
  if (sign.empty()) return;
  for (std::size_t at = before; at < parts.size(); ++at) {
    parts[at] = fmt::format("\"{}\" {}", sign, parts[at]);
  }
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value)
                   : static_cast<std::uint64_t>(value);
}

void append_integers(const IntegerRange& range, std::vector<std::string>& parts) {
  if (!range.least || *range.least < 0) {
    const std::uint64_t nearest = range.most && *range.most < 0 ? magnitude(*range.most) : 1;
    append_unsigned(nearest, range.least ? magnitude(*range.least) : kNoBound, "-", parts);
  }
  if (!range.most || *range.most >= 0) {
    const std::uint64_t least =
        range.least ? magnitude(std::max<std::int64_t>(*range.least, 0)) : 0;
    append_unsigned(least, range.most ? magnitude(*range.most) : kNoBound, "", parts);
  }
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("( {} )", fmt::join(parts, " | "));
}

std::string class_character(char32_t c) {
  if (c < 0x20 || c == 0x7F) return fmt::format("\\x{:02X}", static_cast<unsigned>(c));
  if (c == '[' || c == ']' || c == '\\' || c == '"') return {'\\', static_cast<char>(c)};
  // As escapes these cannot be read as the signs of a range or a negation.
  if (c == '-' || c == '^') return fmt::format("\\x{:02X}", static_cast<unsigned>(c));
  std::string text;
  append_code_point(text, c);
  return text;
}

}  // namespace

std::span<const SharedRule> shared_json_rules() { return kSharedRules; }

std::string gbnf_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      literal += fmt::format("\\x{:02X}", byte);
    } else {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
  }
  return literal + '"';
}

const CodePointSet& plain_json_characters() {
  static const CodePointSet plain =
      CodePointSet({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}}).complement();
  return plain;
}

std::string gbnf_class(const CodePointSet& set) {
  std::string text = "[";
  for (const CodePointRange range : set.ranges()) {
    text += class_character(range.first);
    if (range.last != range.first) text += "-" + class_character(range.last);
  }
  return text + "]";
}

std::string json_character(const CodePointSet& set) {
  std::vector<std::string> parts;
  const CodePointSet plain = set.without(plain_json_characters().complement());
  if (!plain.ranges().empty()) parts.push_back(gbnf_class(plain));
  static constexpr std::pair<char32_t, char> kShort[] = {
      {'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
  for (char32_t c = 0; c <= 0x7F; ++c) {
    if (!set.contains(c) || plain_json_characters().contains(c)) continue;
    const auto known = std::find_if(std::begin(kShort), std::end(kShort),
                                    [&](const auto& entry) { return entry.first == c; });
    parts.push_back(gbnf_literal(known != std::end(kShort)
                                     ? std::string{'\\', known->second}
                                     : fmt::format("\\u{:04x}", static_cast<unsigned>(c))));
  }
  if (parts.empty()) return "";
  return parts.size() == 1 ? parts[0] : joined(parts);
}

// A tree of the names' common beginnings, with a way out of each place by a character that no name
// has there.
std::string other_texts(std::span<const std::string> names,
                        const std::function<std::string(std::string_view body)>& add_rule) {
  struct TreeNode {
    std::map<char32_t, std::size_t> next{};
    bool is_name = false;
  };
  std::vector<TreeNode> tree(1);
  for (const std::string& name : names) {
    std::size_t node = 0;
    for (std::size_t at = 0; at < name.size();) {
      const DecodedCodePoint decoded = decode_utf8(name, at);
      at += std::max<std::size_t>(decoded.bytes, 1);
      const auto [entry, is_new] = tree[node].next.try_emplace(decoded.value, tree.size());
      node = entry->second;
      if (is_new) tree.emplace_back();
    }
    tree[node].is_name = true;
  }
  std::vector<std::string> rules(tree.size());
  const std::string plain = gbnf_class(plain_json_characters());
  for (std::size_t node = tree.size(); node-- > 0;) {
    std::vector<CodePointRange> taken;
    std::vector<std::string> parts;
    if (!tree[node].is_name) parts.emplace_back("\"\"");
    for (const auto& [character, next] : tree[node].next) {
      taken.push_back({character, character});
      const CodePointSet one({{character, character}});
      if (plain_json_characters().contains(character)) {
        parts.push_back(fmt::format("{} {}", gbnf_class(one), rules[next]));
      }
    }
    const CodePointSet free = plain_json_characters().without(CodePointSet(taken));
    parts.push_back(fmt::format("{} {}*", gbnf_class(free), plain));
    rules[node] = add_rule(fmt::format("{}", fmt::join(parts, " | ")));
  }
  return rules[0];
}

Result<std::string> integers_in(const IntegerRange& range) {
  if (range.least && range.most && *range.least > *range.most) {
    return make_error(ErrorCode::kInvalidArgument, "no integer lies between {} and {}",
                      *range.least, *range.most);
  }
  std::vector<std::string> parts;
  append_integers(range, parts);
  return joined(parts);
}

Result<IntegerRange> integer_bounds(const NumberRange& range) {
  IntegerRange integers;
  if (range.least && *range.least > -kLargestBound) {
    const double bound =
        range.excludes_least ? std::floor(*range.least) + 1 : std::ceil(*range.least);
    if (bound >= kLargestBound) {
      return make_error(ErrorCode::kUnsupported, "a minimum of {}, expected less than 1e18", bound);
    }
    integers.least = static_cast<std::int64_t>(bound);
  }
  if (range.most && *range.most < kLargestBound) {
    const double bound = range.excludes_most ? std::ceil(*range.most) - 1 : std::floor(*range.most);
    if (bound <= -kLargestBound) {
      return make_error(ErrorCode::kUnsupported, "a maximum of {}, expected more than -1e18",
                        bound);
    }
    integers.most = static_cast<std::int64_t>(bound);
  }
  return integers;
}

Result<std::string> numbers_in(const NumberRange& range) {
  std::vector<std::string> parts;
  const IntegerRange integers = PJ_TRY(integer_bounds(range));
  if (!integers.least || !integers.most || *integers.least <= *integers.most) {
    append_integers(integers, parts);
  }
  // k.f lies between k and k + 1, and -k.f between -k - 1 and -k; the fraction is never zero.
  NumberRange closed = range;
  closed.excludes_least = closed.excludes_most = false;
  const IntegerRange bounds = PJ_TRY(integer_bounds(closed));
  const auto add_fractions = [&](std::optional<std::int64_t> least,
                                 std::optional<std::int64_t> most, std::string_view sign) {
    const std::int64_t from = std::max<std::int64_t>(least.value_or(0), 0);
    const std::int64_t to = std::min(most ? *most - 1 : kLargestWithFraction, kLargestWithFraction);
    if (from > to) return;
    std::vector<std::string> whole;
    append_unsigned(magnitude(from), magnitude(to), sign, whole);
    parts.push_back(fmt::format("{} {}", joined(whole), kFraction));
  };
  const auto negated = [](std::optional<std::int64_t> bound) {
    return bound ? std::optional(-*bound) : std::nullopt;
  };
  add_fractions(bounds.least, bounds.most, "");
  add_fractions(negated(bounds.most), negated(bounds.least), "-");
  if (parts.empty()) {
    return make_error(ErrorCode::kUnsupported,
                      "no integer lies in the range of a number, expected bounds around one");
  }
  return joined(parts);
}

}  // namespace pajamas
