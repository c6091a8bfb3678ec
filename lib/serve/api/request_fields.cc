// SPDX-License-Identifier: Apache-2.0
#include "serve/api/request_fields.h"

#include <cmath>

namespace pajamas {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::uint64_t kMaxBodyBytes = std::uint64_t{64} << 20;  // the server's limit is lower

std::unexpected<http::ErrorBody> wrong_type(const std::string& name, const Json& value,
                                            std::string_view expected) {
  return bad_request(name, "'{}' is a {}, expected {}", name, value.type_name(), expected);
}

}  // namespace

http::ErrorBody to_error_body(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidData:
      return {.status = 400, .message = error.message};
    case ErrorCode::kNotFound:
      return {.status = 404, .message = error.message};
    case ErrorCode::kUnsupported:
      return {.status = 501, .message = error.message};
    case ErrorCode::kNoSpace:
      return {.status = 429, .message = error.message, .retry_after_s = 1};
    case ErrorCode::kCancelled:
      return {.status = 503, .message = error.message, .retry_after_s = 1};
    default:
      return {.status = 500, .message = error.message};
  }
}

ApiResult<Json> parse_body(std::string_view body) {
  auto json =
      parse_json(body, "request body", {.max_bytes = kMaxBodyBytes, .max_depth = kMaxDepth});
  if (!json) return bad_request("", "{}", json.error().message);
  if (!json->is_object()) {
    return bad_request("", "the request body is a {}, expected an object", json->type_name());
  }
  return std::move(*json);
}

ApiResult<std::optional<bool>> RequestFields::boolean(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return wrong_type(name(key), *value, "true or false");
  return value->get<bool>();
}

ApiResult<std::optional<std::int64_t>> RequestFields::integer(std::string_view key,
                                                              std::int64_t least,
                                                              std::int64_t most) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return wrong_type(name(key), *value, "an integer");
  // Unsigned numbers over the signed range and 1e300 compare right as doubles.
  const double number = value->get<double>();
  const bool is_whole = value->is_number_integer() || number == std::trunc(number);
  if (!is_whole || number < static_cast<double>(least) || number > static_cast<double>(most) ||
      number >= 0x1p63) {
    return bad_request(name(key), "'{}' is {}, expected an integer from {} to {}", name(key),
                       http::dump_json(*value), least, most);
  }
  return value->is_number_integer() ? value->get<std::int64_t>()
                                    : static_cast<std::int64_t>(number);
}

ApiResult<std::optional<double>> RequestFields::number(std::string_view key, double least,
                                                       double most) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return wrong_type(name(key), *value, "a number");
  const double number = value->get<double>();
  if (!(number >= least && number <= most)) {
    return bad_request(name(key), "'{}' is {}, expected a number from {} to {}", name(key),
                       http::dump_json(*value), least, most);
  }
  return number;
}

ApiResult<std::optional<std::string>> RequestFields::text(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong_type(name(key), *value, "a string");
  return value->get<std::string>();
}

ApiResult<std::string> RequestFields::required_text(std::string_view key) const {
  auto value = PJ_TRY(text(key));
  if (!value) return bad_request(name(key), "'{}' is missing", name(key));
  return std::move(*value);
}

ApiResult<std::vector<std::string>> RequestFields::texts(std::string_view key, std::size_t most,
                                                         std::size_t max_bytes) const {
  const Json* value = find(key);
  std::vector<std::string> result;
  if (value == nullptr) return result;
  if (value->is_string()) {
    result.push_back(value->get<std::string>());
  } else if (value->is_array()) {
    for (const Json& item : *value) {
      if (!item.is_string()) return wrong_type(name(key), item, "strings");
      result.push_back(item.get<std::string>());
    }
  } else {
    return wrong_type(name(key), *value, "a string or a list of strings");
  }
  if (result.size() > most) {
    return bad_request(name(key), "'{}' has {} entries, at most {} are allowed", name(key),
                       result.size(), most);
  }
  for (const std::string& item : result) {
    if (item.empty() || item.size() > max_bytes) {
      return bad_request(name(key), "an entry of '{}' has {} bytes, expected 1 to {}", name(key),
                         item.size(), max_bytes);
    }
  }
  return result;
}

}  // namespace pajamas
