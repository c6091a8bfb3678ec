// SPDX-License-Identifier: Apache-2.0
#include "runtime/gguf_numbers.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <fmt/format.h>

namespace pajamas {
namespace {

template <typename T>
constexpr bool kIsWhole = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// Nothing when the value is not a whole number that fits, or an array of different ones.
std::optional<std::int64_t> as_whole(const MetadataValue& value) {
  return std::visit(
      [](const auto& typed) -> std::optional<std::int64_t> {
        using T = std::decay_t<decltype(typed)>;
        if constexpr (kIsWhole<T>) {
          if (!std::in_range<std::int64_t>(typed)) return std::nullopt;
          return static_cast<std::int64_t>(typed);
        } else if constexpr (std::is_same_v<T, std::vector<std::uint32_t>> ||
                             std::is_same_v<T, std::vector<std::int32_t>>) {
          if (typed.empty() || std::ranges::count(typed, typed.front()) !=
                                   static_cast<std::ptrdiff_t>(typed.size())) {
            return std::nullopt;
          }
          return static_cast<std::int64_t>(typed.front());
        } else {
          return std::nullopt;
        }
      },
      value);
}

std::optional<double> as_number(const MetadataValue& value) {
  return std::visit(
      [](const auto& typed) -> std::optional<double> {
        using T = std::decay_t<decltype(typed)>;
        if constexpr (kIsWhole<T> || std::is_floating_point_v<T>) {
          const auto number = static_cast<double>(typed);
          if (!std::isfinite(static_cast<float>(number))) return std::nullopt;
          return number;
        } else {
          return std::nullopt;
        }
      },
      value);
}

}  // namespace

std::string GgufNumbers::full_name(std::string_view key) const {
  return fmt::format("{}.{}", arch_, key);
}

Result<std::optional<std::int64_t>> GgufNumbers::count(std::string_view key, std::int64_t low,
                                                       std::int64_t high) const {
  const MetadataValue* value = keys_.find(full_name(key));
  if (value == nullptr) return std::nullopt;
  const auto whole = as_whole(*value);
  if (!whole) {
    return make_error(
        ErrorCode::kInvalidData,
        "the key '{}' is not a whole number, or not the same for all layers; expected "
        "{} to {}",
        full_name(key), low, high);
  }
  if (*whole < low || *whole > high) {
    return make_error(ErrorCode::kInvalidData, "the key '{}' is {}, expected {} to {}",
                      full_name(key), *whole, low, high);
  }
  return whole;
}

Result<std::int64_t> GgufNumbers::required_count(std::string_view key, std::int64_t low,
                                                 std::int64_t high) const {
  const auto found = PJ_TRY(count(key, low, high));
  if (!found) {
    return make_error(ErrorCode::kInvalidData, "the model has no key '{}', which {} models need",
                      full_name(key), arch_);
  }
  return *found;
}

Result<std::optional<double>> GgufNumbers::number(std::string_view key) const {
  const MetadataValue* value = keys_.find(full_name(key));
  if (value == nullptr) return std::nullopt;
  const auto found = as_number(*value);
  if (!found) {
    return make_error(ErrorCode::kInvalidData, "the key '{}' is not a finite number",
                      full_name(key));
  }
  return found;
}

Result<std::optional<double>> GgufNumbers::positive(std::string_view key) const {
  const auto found = PJ_TRY(number(key));
  if (found && !(static_cast<float>(*found) > 0)) {
    return make_error(ErrorCode::kInvalidData, "the key '{}' is {}, expected more than 0",
                      full_name(key), *found);
  }
  return found;
}

Result<std::optional<std::string>> GgufNumbers::text(std::string_view key) const {
  const MetadataValue* value = keys_.find(full_name(key));
  if (value == nullptr) return std::nullopt;
  const auto* found = std::get_if<std::string>(value);
  if (found == nullptr) {
    return make_error(ErrorCode::kInvalidData, "the key '{}' is not a text", full_name(key));
  }
  return *found;
}

}  // namespace pajamas
