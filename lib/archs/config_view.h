// SPDX-License-Identifier: Apache-2.0
// Reading config.json: the text model's part first, then the whole, with ranges.
//
// A view holds pointers into a Json that must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace pajamas {

class ConfigView {
 public:
  // `text` may be null. A key of `text` hides the same key of `root`.
  ConfigView(const Json& root, const Json* text) : root_(&root), text_(text) {}

  // Null when the key is absent or null in both.
  [[nodiscard]] const Json* find(std::string_view key) const;

  // A whole number in [low, high].
  [[nodiscard]] Result<std::optional<std::int64_t>> count(std::string_view key, std::int64_t low,
                                                          std::int64_t high) const;
  // The same, where absence is an error unless `fallback` is at least `low`.
  [[nodiscard]] Result<std::int64_t> required_count(std::string_view key, std::int64_t low,
                                                    std::int64_t high, std::int64_t fallback) const;
  // A finite number.
  [[nodiscard]] Result<std::optional<double>> number(std::string_view key) const;
  // A finite number above zero, also as F32.
  [[nodiscard]] Result<std::optional<double>> positive(std::string_view key) const;
  [[nodiscard]] Result<std::optional<bool>> flag(std::string_view key) const;
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view key) const;

 private:
  [[nodiscard]] const Json& owner(std::string_view key) const;

  const Json* root_;
  const Json* text_;
};

}  // namespace pajamas
