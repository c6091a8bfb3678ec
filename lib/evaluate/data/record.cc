// SPDX-License-Identifier: Apache-2.0
#include "evaluate/data/record.h"

#include <charconv>

namespace pajamas {
namespace {

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

const Json* Record::find(std::string_view name) const {
  const Json* value = &fields_;
  while (value != nullptr) {
    const std::size_t dot = name.find('.');
    value = find_member(*value, name.substr(0, dot));
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return value;
}

std::string Record::where() const { return fmt::format("'{}', {} {}", *file_, unit_, number_); }

std::unexpected<Error> Record::error(std::string_view message) const {
  return make_error(ErrorCode::kInvalidData, "{}: {}", where(), message);
}

std::unexpected<Error> Record::wrong(std::string_view name, const Json* found,
                                     std::string_view expected) const {
  if (found == nullptr) {
    std::string there;
    for (const auto& [key, value] : fields_.items()) {
      if (there.size() > 200) {
        there += ", ...";
        break;
      }
      there += (there.empty() ? "'" : ", '") + key + "'";
    }
    return error(fmt::format("no field '{}', expected {} there; the fields are {}", name, expected,
                             there.empty() ? "none" : there));
  }
  return error(fmt::format("'{}' is {}, expected {}", name, shown(*found), expected));
}

Result<std::string> Record::text(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr || !value->is_string()) return wrong(name, value, "a string");
  return value->get<std::string>();
}

Result<std::int64_t> Record::integer(std::string_view name) const {
  constexpr std::string_view kExpected = "an integer";
  const Json* value = find(name);
  if (value == nullptr) return wrong(name, value, kExpected);
  if (value->is_boolean()) return value->get<bool>() ? 1 : 0;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) {
    return wrong(name, value, kExpected);
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  if (value->is_string()) {
    if (const auto number = parse_integer(value->get_ref<const std::string&>())) return *number;
  }
  return wrong(name, value, kExpected);
}

Result<std::vector<std::string>> Record::texts(std::string_view name) const {
  constexpr std::string_view kExpected = "a list of strings";
  const Json* value = find(name);
  if (value == nullptr || !value->is_array()) return wrong(name, value, kExpected);
  std::vector<std::string> result;
  for (const Json& entry : *value) {
    if (!entry.is_string()) return wrong(name, value, kExpected);
    result.push_back(entry.get<std::string>());
  }
  return result;
}

}  // namespace pajamas
