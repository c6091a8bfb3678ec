// SPDX-License-Identifier: Apache-2.0
// Reads the members of a request's JSON, with the range of each number.
//
// Absent and null are the same. A wrong type or a number out of range is a 400 that names the
// member. Members nobody reads are ignored: clients send many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/api/api_result.h"

namespace pajamas {

// The body as an object; 400 when it is not.
ApiResult<Json> parse_body(std::string_view body);

class RequestFields {
 public:
  // `path` stands before member names in messages ("messages[2]."). Borrows `object`.
  explicit RequestFields(const Json& object, std::string path = {})
      : object_(object), path_(std::move(path)) {}

  [[nodiscard]] const Json* find(std::string_view key) const { return find_member(object_, key); }
  [[nodiscard]] std::string name(std::string_view key) const { return path_ + std::string(key); }

  ApiResult<std::optional<bool>> boolean(std::string_view key) const;
  ApiResult<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t least,
                                                 std::int64_t most) const;
  ApiResult<std::optional<double>> number(std::string_view key, double least, double most) const;
  ApiResult<std::optional<std::string>> text(std::string_view key) const;
  ApiResult<std::string> required_text(std::string_view key) const;
  // A string or a list of at most `most` strings, none longer than `max_bytes`.
  ApiResult<std::vector<std::string>> texts(std::string_view key, std::size_t most,
                                            std::size_t max_bytes) const;

 private:
  const Json& object_;
  std::string path_;
};

}  // namespace pajamas
