// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/json_schema_merge.h"

#include <algorithm>
#include <charconv>

namespace pajamas {
namespace {

constexpr std::string_view kAnnotations[] = {
    "title",    "description", "default",          "examples",        "example",      "$schema",
    "$id",      "id",          "$comment",         "$defs",           "definitions",  "deprecated",
    "readOnly", "writeOnly",   "contentMediaType", "contentEncoding", "discriminator"};

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(text.data() + at + 1, text.data() + at + 3, value, 16).ptr ==
            text.data() + at + 3) {
      decoded += static_cast<char>(value);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

std::string pointer_token(std::string_view text) {
  std::string token;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_escape = text[at] == '~' && at + 1 < text.size();
    if (is_escape && (text[at + 1] == '0' || text[at + 1] == '1')) {
      token += text[++at] == '0' ? '~' : '/';
    } else {
      token += text[at];
    }
  }
  return token;
}

const Json* member_or_element(const Json& parent, const std::string& token) {
  if (parent.is_object()) {
    const auto found = parent.find(token);
    return found == parent.end() ? nullptr : &*found;
  }
  std::size_t index = 0;
  const char* const end = token.data() + token.size();
  const auto parsed = std::from_chars(token.data(), end, index);
  const bool is_index = parsed.ec == std::errc() && parsed.ptr == end && !token.empty();
  return parent.is_array() && is_index && index < parent.size() ? &parent[index] : nullptr;
}

Json as_array(const Json& value) { return value.is_array() ? value : Json::array({value}); }

Json intersection(const Json& left, const Json& right) {
  Json both = Json::array();
  for (const Json& item : left) {
    if (std::find(right.begin(), right.end(), item) != right.end()) both.push_back(item);
  }
  return both;
}

Result<Json> merge_types(const Json& left, const Json& right) {
  Json both = Json::array();
  for (const Json& one : as_array(left)) {
    for (const Json& other : as_array(right)) {
      if (one == other) both.push_back(one);
      if (one == "number" && other == "integer") both.push_back(other);
      if (one == "integer" && other == "number") both.push_back(one);
    }
  }
  if (both.empty()) {
    return make_error(ErrorCode::kInvalidArgument, "no type is both {} and {}", left.dump(),
                      right.dump());
  }
  return both;
}

Result<Json> merge_properties(const Json& left, const Json& right) {
  if (!left.is_object() || !right.is_object()) {
    return make_error(ErrorCode::kInvalidArgument, "'properties' is no object");
  }
  Json both = left;
  for (const auto& [name, schema] : right.items()) {
    const auto known = both.find(name);
    if (known == both.end()) {
      both[name] = schema;
    } else {
      *known = PJ_TRY(merge_schemas(Json(*known), schema));
    }
  }
  return both;
}

// Two values of one keyword as one.
Result<Json> merge_keyword(const std::string& keyword, const Json& left, const Json& right) {
  if (left == right) return left;
  if (keyword == "type") return merge_types(left, right);
  if (keyword == "properties") return merge_properties(left, right);
  if (keyword == "enum" && left.is_array() && right.is_array()) return intersection(left, right);
  if (keyword == "items") return merge_schemas(left, right);
  if (keyword == "nullable") return Json(left == true && right == true);
  if (keyword == "required" && left.is_array() && right.is_array()) {
    Json both = left;
    for (const Json& name : right) {
      if (std::find(both.begin(), both.end(), name) == both.end()) both.push_back(name);
    }
    return both;
  }
  const bool are_numbers = left.is_number() && right.is_number();
  for (const std::string_view lower : {"minimum", "exclusiveMinimum", "minLength", "minItems"}) {
    if (keyword == lower && are_numbers) return left < right ? right : left;
  }
  for (const std::string_view upper : {"maximum", "exclusiveMaximum", "maxLength", "maxItems"}) {
    if (keyword == upper && are_numbers) return left < right ? left : right;
  }
  return make_error(ErrorCode::kUnsupported,
                    "'{}' has two values that cannot be merged into one schema", keyword);
}

Status check_closed(const Json& closed, const Json& other) {
  const Json* additional = find_member(closed, "additionalProperties");
  const bool is_open = additional == nullptr || *additional == true ||
                       (additional->is_object() && additional->empty());
  const Json* properties = find_member(other, "properties");
  if (is_open || properties == nullptr || !properties->is_object()) return {};
  const Json* own = find_member(closed, "properties");
  for (const auto& [name, schema] : properties->items()) {
    if (own == nullptr || !own->is_object() || !own->contains(name)) {
      return make_error(ErrorCode::kUnsupported,
                        "'{}' is a property of one part, but 'additionalProperties' of another "
                        "part rules it; name it in both parts",
                        name);
    }
  }
  return {};
}

}  // namespace

bool is_annotation(std::string_view keyword) {
  return keyword.starts_with("x-") || std::find(std::begin(kAnnotations), std::end(kAnnotations),
                                                keyword) != std::end(kAnnotations);
}

Result<const Json*> resolve_reference(const Json& root, std::string_view reference) {
  if (!reference.starts_with('#')) {
    return make_error(ErrorCode::kUnsupported,
                      "the reference '{}' leads out of the schema, expected '#/...'", reference);
  }
  const std::string pointer = percent_decoded(reference.substr(1));
  const Json* at = &root;
  std::string_view rest = pointer;
  while (!rest.empty()) {
    if (rest.front() != '/') {
      return make_error(ErrorCode::kUnsupported,
                        "the reference '{}' is no JSON pointer, expected "
                        "'#/...'",
                        reference);
    }
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    at = member_or_element(*at, pointer_token(rest.substr(0, end)));
    if (at == nullptr) {
      return make_error(ErrorCode::kNotFound, "the reference '{}' names nothing in the schema",
                        reference);
    }
    rest.remove_prefix(end);
  }
  return at;
}

Result<Json> merge_schemas(const Json& left, const Json& right) {
  if (left == true) return right;
  if (right == true) return left;
  if (!left.is_object() || !right.is_object()) {
    return make_error(ErrorCode::kInvalidArgument, "a part of a merged schema accepts nothing");
  }
  PJ_TRY(check_closed(left, right));
  PJ_TRY(check_closed(right, left));
  Json merged = Json::object();
  for (const Json* part : {&left, &right}) {
    for (const auto& [keyword, value] : part->items()) {
      if (is_annotation(keyword)) continue;
      // Null is valid only when both parts say so.
      if (keyword == "nullable" && !(left.contains(keyword) && right.contains(keyword))) continue;
      const auto known = merged.find(keyword);
      if (known == merged.end()) {
        merged[keyword] = value;
      } else {
        *known = PJ_TRY(merge_keyword(keyword, Json(*known), value));
      }
    }
  }
  return merged;
}

}  // namespace pajamas
