// SPDX-License-Identifier: Apache-2.0
#include "archs/config_view.h"

#include <cmath>

namespace pajamas {
namespace {

template <typename T>
Result<T> in_config(Result<T> result) {
  if (!result) return std::unexpected(result.error().with_context("config.json"));
  return result;
}

}  // namespace

const Json& ConfigView::owner(std::string_view key) const {
  return text_ != nullptr && find_member(*text_, key) != nullptr ? *text_ : *root_;
}

const Json* ConfigView::find(std::string_view key) const { return find_member(owner(key), key); }

Result<std::optional<std::int64_t>> ConfigView::count(std::string_view key, std::int64_t low,
                                                      std::int64_t high) const {
  const auto value = PJ_TRY(in_config(get_int(owner(key), key)));
  if (value && (*value < low || *value > high)) {
    return make_error(ErrorCode::kInvalidData, "config.json: '{}' is {}, expected {} to {}", key,
                      *value, low, high);
  }
  return value;
}

Result<std::int64_t> ConfigView::required_count(std::string_view key, std::int64_t low,
                                                std::int64_t high, std::int64_t fallback) const {
  const auto value = PJ_TRY(count(key, low, high));
  if (value) return *value;
  if (fallback >= low) return fallback;
  return make_error(ErrorCode::kInvalidData, "config.json: '{}' is missing, expected {} to {}", key,
                    low, high);
}

Result<std::optional<double>> ConfigView::number(std::string_view key) const {
  const auto value = PJ_TRY(in_config(get_number(owner(key), key)));
  // Keys end up as F32, so a number F32 cannot hold is as bad as infinity.
  if (value && !std::isfinite(static_cast<float>(*value))) {
    return make_error(ErrorCode::kInvalidData, "config.json: '{}' is {}, expected a finite number",
                      key, *value);
  }
  return value;
}

Result<std::optional<double>> ConfigView::positive(std::string_view key) const {
  const auto value = PJ_TRY(number(key));
  if (value && !(static_cast<float>(*value) > 0)) {
    return make_error(ErrorCode::kInvalidData, "config.json: '{}' is {}, expected more than 0", key,
                      *value);
  }
  return value;
}

Result<std::optional<bool>> ConfigView::flag(std::string_view key) const {
  return in_config(get_bool(owner(key), key));
}

Result<std::optional<std::string>> ConfigView::text(std::string_view key) const {
  return in_config(get_string(owner(key), key));
}

}  // namespace pajamas
