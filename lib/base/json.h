// SPDX-License-Identifier: Apache-2.0
// JSON from outside: parsed with limits, read through getters that name what is wrong.
//
// Json keeps the order of keys. Parsing never throws; a duplicate key, a depth over the limit or
// invalid UTF-8 is an error with the byte offset.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace pajamas {

using Json = nlohmann::ordered_json;

struct JsonLimits {
  std::uint64_t max_bytes = std::uint64_t{16} << 20;
  int max_depth = 64;
};

// `where` names the document in messages (usually its path).
Result<Json> parse_json(std::string_view text, std::string_view where, const JsonLimits& limits);
Result<Json> read_json_file(const std::filesystem::path& path, const JsonLimits& limits);

// The member `key` of an object, null when absent or null. Never fails on a non-object.
const Json* find_member(const Json& object, std::string_view key);

// Typed members. Absent (or null) gives nothing; present with another type or out of range is an
// error naming the key.
Result<std::optional<std::int64_t>> get_int(const Json& object, std::string_view key);
Result<std::optional<double>> get_number(const Json& object, std::string_view key);
Result<std::optional<bool>> get_bool(const Json& object, std::string_view key);
Result<std::optional<std::string>> get_string(const Json& object, std::string_view key);

}  // namespace pajamas
