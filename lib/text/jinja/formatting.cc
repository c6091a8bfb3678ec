// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/formatting.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "text/jinja/lookup.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/python_text.h"
#include "text/utf8.h"

namespace pajamas::jinja {
namespace {

// One conversion, of either language.
struct FormatField {
  std::string fill = " ";
  char alignment = 0;  // '<', '>', '^', '='; 0: as the type has it
  char sign = '-';     // '-', '+', ' '
  bool alternate = false;
  bool zeros = false;
  char grouping = 0;  // ',' or '_'
  std::int64_t width = 0;
  std::optional<std::int64_t> precision;
  char type = 0;
};

Result<std::int64_t> read_number(std::string_view text, std::size_t& at) {
  std::int64_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + (text[at] - '0');
    if (number > kMaxFormatWidth) {
      return value_error("a width or precision is over {}", kMaxFormatWidth);
    }
  }
  return number;
}

std::string with_groups(std::string_view digits, char separator, std::size_t group) {
  std::string result;
  for (std::size_t at = 0; at < digits.size(); ++at) {
    if (at > 0 && (digits.size() - at) % group == 0) result += separator;
    result += digits[at];
  }
  return result;
}

// A sign and digits in their field: zeros go between them.
Result<std::string> number_field(Budget& budget, const FormatField& field, bool negative,
                                 std::string_view prefix, std::string digits) {
  std::string sign = negative ? "-" : field.sign == '-' ? "" : std::string(1, field.sign);
  sign += prefix;
  const auto used = static_cast<std::int64_t>(sign.size() + digits.size());
  const bool inside = field.alignment == '=' || (field.zeros && field.alignment == 0);
  if (inside && used < field.width) {
    PJ_TRY(budget.spend_bytes(static_cast<std::uint64_t>(field.width)));
    std::string filling;
    const std::string fill = field.zeros ? "0" : field.fill;
    for (std::int64_t n = used; n < field.width; ++n) filling += fill;
    return sign + filling + digits;
  }
  return pad(budget, sign + digits, field.width, field.alignment == 0 ? '>' : field.alignment,
             field.fill);
}

Result<std::string> format_integer(Budget& budget, const FormatField& field, std::int64_t number) {
  const std::uint64_t magnitude =
      number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  std::string digits;
  std::string_view prefix;
  switch (field.type) {
    case 'x':
      digits = fmt::format("{:x}", magnitude);
      prefix = "0x";
      break;
    case 'X':
      digits = fmt::format("{:X}", magnitude);
      prefix = "0X";
      break;
    case 'o':
      digits = fmt::format("{:o}", magnitude);
      prefix = "0o";
      break;
    case 'b':
      digits = fmt::format("{:b}", magnitude);
      prefix = "0b";
      break;
    default:
      digits = fmt::format("{}", magnitude);
      break;
  }
  if (field.precision && static_cast<std::int64_t>(digits.size()) < *field.precision) {
    PJ_TRY(budget.spend_bytes(static_cast<std::uint64_t>(*field.precision)));
    digits.insert(0, static_cast<std::size_t>(*field.precision) - digits.size(), '0');
  }
  if (field.grouping != 0) digits = with_groups(digits, field.grouping, prefix.empty() ? 3 : 4);
  return number_field(budget, field, number < 0, field.alternate ? prefix : "", std::move(digits));
}

// The digits of a finite magnitude by the C library, whose printf languages agree with Python's.
Result<std::string> float_digits(Budget& budget, const FormatField& field, double magnitude) {
  const auto precision = static_cast<int>(field.precision.value_or(6));
  PJ_TRY(budget.spend_bytes(static_cast<std::uint64_t>(precision) + 512));
  PJ_TRY(budget.spend_lookups(2 * static_cast<std::uint64_t>(precision)));
  std::string digits(static_cast<std::size_t>(precision) + 512, '\0');
  const char type = field.type == '%' ? 'f' : field.type;
  const auto print = [&](const char* format) {
    return std::snprintf(digits.data(), digits.size(), format, precision, magnitude);
  };
  int bytes = 0;
  switch (type) {
    case 'e':
      bytes = print(field.alternate ? "%#.*e" : "%.*e");
      break;
    case 'E':
      bytes = print(field.alternate ? "%#.*E" : "%.*E");
      break;
    case 'g':
      bytes = print(field.alternate ? "%#.*g" : "%.*g");
      break;
    case 'G':
      bytes = print(field.alternate ? "%#.*G" : "%.*G");
      break;
    default:
      bytes = print(field.alternate ? "%#.*f" : "%.*f");
      break;
  }
  digits.resize(static_cast<std::size_t>(std::max(bytes, 0)));
  return digits;
}

Result<std::string> format_float(Budget& budget, FormatField field, double number) {
  const bool negative = std::signbit(number) && !std::isnan(number);
  double magnitude = std::fabs(number);
  if (field.type == '%') magnitude *= 100;
  std::string digits;
  if (!std::isfinite(magnitude)) {
    digits = std::isnan(magnitude) ? "nan" : "inf";
    if (field.type >= 'A' && field.type <= 'Z') digits = to_upper(digits);
  } else if (field.type == 0 && !field.precision) {
    digits = float_repr(magnitude);
  } else {
    if (field.type == 0) field.type = 'g';
    if ((field.type == 'g' || field.type == 'G') && field.precision == 0) field.precision = 1;
    digits = PJ_TRY(float_digits(budget, field, magnitude));
  }
  if (field.grouping != 0) {
    const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
    digits = with_groups(digits.substr(0, whole), field.grouping, 3) + digits.substr(whole);
  }
  if (field.type == '%') digits += "%";
  return number_field(budget, field, negative, "", std::move(digits));
}

Result<std::string> format_text(Budget& budget, const FormatField& field, std::string_view text) {
  if (field.precision) text = text.substr(0, byte_of_code_point(text, *field.precision));
  return pad(budget, text, field.width, field.alignment == 0 ? '<' : field.alignment, field.fill);
}

// ---- text % values

class PercentFormatter {
 public:
  PercentFormatter(Budget& budget, std::string_view text, const Value& values)
      : budget_(budget), text_(text), values_(values) {}

  Result<std::string> run() {
    std::string out;
    while (at_ < text_.size()) {
      const std::size_t percent = std::min(text_.find('%', at_), text_.size());
      PJ_TRY(budget_.spend_bytes(percent - at_ + 1));
      out += text_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < text_.size()) out += PJ_TRY(conversion());
    }
    const std::size_t given = values_.is(Kind::kTuple) ? values_.items().size() : 1;
    if (!values_.is(Kind::kDict) && used_ < given && !by_name_ && !values_.is(Kind::kList)) {
      return value_error("'%': not all values are used by the format");
    }
    return out;
  }

 private:
  Result<Value> next_value() {
    if (values_.is(Kind::kTuple)) {
      if (used_ < values_.items().size()) return values_.items()[used_++];
    } else if (used_++ == 0) {
      return values_;
    }
    return value_error("'%': the format needs more values than there are");
  }

  Result<Value> named_value() {
    const std::size_t close = text_.find(')', at_);
    if (close == std::string_view::npos) return value_error("'%': '(' without ')'");
    const std::string name(text_.substr(at_ + 1, close - at_ - 1));
    at_ = close + 1;
    by_name_ = true;
    if (!values_.is(Kind::kDict)) return value_error("'%({})' needs a dict", name);
    const Value* found = PJ_TRY(find_entry(budget_, values_, PJ_TRY(make_string(budget_, name))));
    if (found == nullptr) return value_error("'%({})': the dict has no such key", name);
    return *found;
  }

  Result<std::int64_t> number_or_star() {
    if (at_ >= text_.size() || text_[at_] != '*') return read_number(text_, at_);
    ++at_;
    const Value value = PJ_TRY(next_value());
    if (!value.is_integral() || std::abs(value.integer()) > kMaxFormatWidth) {
      return value_error("'%*' needs an integer of at most {}", kMaxFormatWidth);
    }
    return value.integer();
  }

  void read_flags(FormatField& field) {
    for (; at_ < text_.size(); ++at_) {
      switch (text_[at_]) {
        case '-':
          field.alignment = '<';
          break;
        case '+':
          field.sign = '+';
          break;
        case ' ':
          if (field.sign == '-') field.sign = ' ';
          break;
        case '#':
          field.alternate = true;
          break;
        case '0':
          field.zeros = true;
          break;
        default:
          return;
      }
    }
  }

  Result<std::string> conversion() {
    std::optional<Value> value;
    if (at_ < text_.size() && text_[at_] == '(') value = PJ_TRY(named_value());
    FormatField field;
    read_flags(field);
    field.width = PJ_TRY(number_or_star());
    if (field.width < 0) {
      field.alignment = '<';
      field.width = -field.width;
    }
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      field.precision = std::max<std::int64_t>(PJ_TRY(number_or_star()), 0);
    }
    while (at_ < text_.size() && (text_[at_] == 'h' || text_[at_] == 'l' || text_[at_] == 'L')) {
      ++at_;
    }
    if (at_ >= text_.size()) return value_error("'%': the format ends inside of a conversion");
    field.type = text_[at_++];
    if (field.type == '%') return "%";
    if (!value) value = PJ_TRY(next_value());
    return converted(field, *value);
  }

  Result<std::string> converted(FormatField field, const Value& value) {
    if (field.alignment == 0 && !field.zeros) field.alignment = '>';
    switch (field.type) {
      case 's':
      case 'r':
      case 'a':
        if (field.alignment == 0) field.alignment = '>';
        return format_text(
            budget_, field,
            PJ_TRY(field.type == 's' ? to_text(budget_, value) : to_repr(budget_, value)));
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return integer(field, value);
      case 'c':
        return character(field, value);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (value.is_undefined()) return undefined_error(value);
        if (!value.is_number()) {
          return value_error("'%{}' needs a number, found a {}", field.type,
                             kind_name(value.kind()));
        }
        return format_float(budget_, field, value.number());
      default:
        return value_error("'%{}' is not a conversion", printable_letter(field.type));
    }
  }

  static std::string printable_letter(char letter) {
    return letter > 0x20 && letter < 0x7f ? std::string(1, letter) : "?";
  }

  Result<std::string> integer(const FormatField& field, const Value& value) {
    if (value.is_undefined()) return undefined_error(value);
    const bool decimal = field.type == 'd' || field.type == 'i' || field.type == 'u';
    if (value.is_integral()) return format_integer(budget_, field, value.integer());
    if (decimal && value.is(Kind::kFloat) && std::fabs(value.number()) < 9.2e18) {
      return format_integer(budget_, field, static_cast<std::int64_t>(value.number()));
    }
    return value_error("'%{}' needs an integer, found a {}", field.type, kind_name(value.kind()));
  }

  Result<std::string> character(const FormatField& field, const Value& value) {
    std::string text;
    if (value.is_integral() && value.integer() >= 0 && value.integer() < 0x110000 &&
        (value.integer() & ~std::int64_t{0x7ff}) != 0xd800) {
      append_utf8(text, static_cast<char32_t>(value.integer()));
    } else if (value.is_string() && count_code_points(value.text()) == 1) {
      text = value.text();
    } else {
      return value_error("'%c' needs a code point or one character");
    }
    return format_text(budget_, field, text);
  }

  Budget& budget_;
  std::string_view text_;
  const Value& values_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
  bool by_name_ = false;
};

// ---- str.format

class BraceFormatter {
 public:
  BraceFormatter(Budget& budget, const Arguments& values) : budget_(budget), values_(values) {}

  Result<std::string> run(std::string_view text, int level) {
    if (level > 1) return value_error("format(): fields nest too deep");
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const char c = text[at];
      if (c != '{' && c != '}') {
        const std::size_t end = std::min(text.find_first_of("{}", at), text.size());
        PJ_TRY(budget_.spend_bytes(end - at));
        out += text.substr(at, end - at);
        at = end;
      } else if (at + 1 < text.size() && text[at + 1] == c) {
        out += c;
        at += 2;
      } else if (c == '}') {
        return value_error("format(): single '}}' in the text");
      } else {
        const std::size_t end = end_of_field(text, at);
        if (end == std::string_view::npos) return value_error("format(): '{{' without '}}'");
        out += PJ_TRY(field(text.substr(at + 1, end - at - 1), level));
        at = end + 1;
      }
    }
    return out;
  }

 private:
  static std::size_t end_of_field(std::string_view text, std::size_t open) {
    int depth = 0;
    for (std::size_t at = open; at < text.size(); ++at) {
      if (text[at] == '{') ++depth;
      if (text[at] == '}' && --depth == 0) return at;
    }
    return std::string_view::npos;
  }

  Result<std::string> field(std::string_view inside, int level) {
    PJ_TRY(budget_.spend_steps(1 + inside.size()));
    const std::size_t colon = std::min(inside.find(':'), inside.size());
    std::string_view name = inside.substr(0, colon);
    const std::string_view spec = colon < inside.size() ? inside.substr(colon + 1) : "";
    char conversion = 0;
    if (const std::size_t mark = name.find('!'); mark != std::string_view::npos) {
      if (mark + 2 != name.size()) return value_error("format(): '!' needs one of s, r, a");
      conversion = name[mark + 1];
      name = name.substr(0, mark);
    }
    Value value = PJ_TRY(lookup(name));
    if (conversion == 'r' || conversion == 'a') {
      value = PJ_TRY(make_string(budget_, PJ_TRY(to_repr(budget_, value))));
    } else if (conversion == 's') {
      value = PJ_TRY(make_string(budget_, PJ_TRY(to_text(budget_, value))));
    } else if (conversion != 0) {
      return value_error("format(): '!' needs one of s, r, a");
    }
    const std::string expanded = PJ_TRY(run(spec, level + 1));
    return formatted(value, expanded);
  }

  Result<Value> first_value(std::string_view name) {
    if (name.empty()) {
      if (next_ >= values_.positional.size()) return value_error("format(): too few values");
      return values_.positional[next_++];
    }
    if (name.find_first_not_of("0123456789") == std::string_view::npos) {
      std::size_t at = 0;
      const auto index = static_cast<std::size_t>(PJ_TRY(read_number(name, at)));
      if (index >= values_.positional.size()) return value_error("format(): too few values");
      return values_.positional[index];
    }
    for (const auto& [key, value] : values_.named) {
      if (key == name) return value;
    }
    return value_error("format(): no value is named '{}'", name);
  }

  Result<Value> lookup(std::string_view name) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = PJ_TRY(first_value(name.substr(0, end)));
    for (std::size_t at = end; at < name.size();) {
      if (name[at] == '.') {
        const std::size_t stop = std::min(name.find_first_of(".[", at + 1), name.size());
        value = PJ_TRY(get_attribute(budget_, value, name.substr(at + 1, stop - at - 1)));
        at = stop;
      } else if (name[at] == '[') {
        const std::size_t close = name.find(']', at);
        if (close == std::string_view::npos) return value_error("format(): '[' without ']'");
        const std::string_view key = name.substr(at + 1, close - at - 1);
        const auto index = parse_int(key, 10);
        const Value subscript =
            index ? Value::integer(*index) : PJ_TRY(make_string(budget_, std::string(key)));
        value = PJ_TRY(get_item(budget_, value, subscript));
        at = close + 1;
      } else {
        return value_error("format(): '.' or '[' expected after ']'");
      }
    }
    return value;
  }

  static Result<FormatField> parse_spec(std::string_view spec) {
    FormatField field;
    std::size_t at = 0;
    constexpr std::string_view kAlignments = "<>=^";
    const std::size_t fill_bytes = spec.empty() ? 0 : code_point_at(spec, 0).bytes;
    if (fill_bytes > 0 && fill_bytes < spec.size() &&
        kAlignments.find(spec[fill_bytes]) != std::string_view::npos) {
      field.fill = spec.substr(0, fill_bytes);
      field.alignment = spec[fill_bytes];
      at = fill_bytes + 1;
    } else if (!spec.empty() && kAlignments.find(spec[0]) != std::string_view::npos) {
      field.alignment = spec[0];
      at = 1;
    }
    const auto skip = [&](std::string_view letters) -> char {
      if (at >= spec.size() || letters.find(spec[at]) == std::string_view::npos) return 0;
      return spec[at++];
    };
    if (const char sign = skip("+- ")) field.sign = sign;
    field.alternate = skip("#") != 0;
    field.zeros = skip("0") != 0;
    field.width = PJ_TRY(read_number(spec, at));
    field.grouping = skip(",_");
    if (skip(".") != 0) {
      const std::size_t start = at;
      field.precision = PJ_TRY(read_number(spec, at));
      if (at == start) return value_error("format(): '.' without a precision");
    }
    if (at < spec.size()) field.type = spec[at++];
    if (at != spec.size()) return value_error("format(): '{}' is not a format", spec);
    return field;
  }

  Result<std::string> formatted(const Value& value, std::string_view spec) {
    if (spec.empty()) return to_text(budget_, value);
    FormatField field = PJ_TRY(parse_spec(spec));
    constexpr std::string_view kIntegerTypes = "dxXobn";
    constexpr std::string_view kFloatTypes = "eEfFgG%";
    const bool wants_float = field.type != 0 && kFloatTypes.find(field.type) < kFloatTypes.size();
    const bool wants_int = field.type != 0 && kIntegerTypes.find(field.type) < kIntegerTypes.size();
    if (value.is(Kind::kInt) || (value.is(Kind::kBool) && field.type != 0)) {
      if (wants_float) return format_float(budget_, field, value.number());
      if (wants_int || (field.type == 0 && !field.precision)) {
        return format_integer(budget_, field, value.integer());
      }
    } else if (value.is(Kind::kFloat) && (wants_float || field.type == 0)) {
      return format_float(budget_, field, value.number());
    } else if (value.is_string() && (field.type == 's' || field.type == 0) &&
               field.alignment != '=') {
      if (field.zeros) {
        field.fill = "0";
        field.zeros = false;
      }
      return format_text(budget_, field, value.text());
    }
    return value_error("format(): '{}' is not a format of a {}", spec, kind_name(value.kind()));
  }

  Budget& budget_;
  const Arguments& values_;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::string> pad(Budget& budget, std::string_view text, std::int64_t width, char alignment,
                        std::string_view fill) {
  PJ_TRY(budget.spend_bytes(text.size()));
  const std::int64_t missing = width - count_code_points(text);
  if (missing <= 0) return std::string(text);
  if (width > kMaxFormatWidth) return value_error("a width is over {}", kMaxFormatWidth);
  PJ_TRY(budget.spend_bytes(static_cast<std::uint64_t>(missing) * fill.size()));
  std::int64_t before = missing / 2;
  if (alignment == '<') before = 0;
  if (alignment == '>') before = missing;
  if (alignment == '|') before += missing & width & 1;
  std::string result;
  for (std::int64_t n = 0; n < before; ++n) result += fill;
  result += text;
  for (std::int64_t n = before; n < missing; ++n) result += fill;
  return result;
}

Result<std::string> format_percent(Budget& budget, std::string_view text, const Value& values) {
  return PercentFormatter(budget, text, values).run();
}

Result<std::string> format_braces(Budget& budget, std::string_view text, const Arguments& values) {
  return BraceFormatter(budget, values).run(text, 0);
}

}  // namespace pajamas::jinja
