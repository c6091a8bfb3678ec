// SPDX-License-Identifier: Apache-2.0
// Numbers under an architecture's prefix of the GGUF keys, with ranges.
//
// Borrows the Metadata. Errors name the key, what was found and what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tensor/metadata.h"

namespace pajamas {

class GgufNumbers {
 public:
  GgufNumbers(const Metadata& keys, std::string_view arch) : keys_(keys), arch_(arch) {}

  // A whole number of any width, or an array of one and the same (one per layer).
  [[nodiscard]] Result<std::optional<std::int64_t>> count(std::string_view key, std::int64_t low,
                                                          std::int64_t high) const;
  [[nodiscard]] Result<std::int64_t> required_count(std::string_view key, std::int64_t low,
                                                    std::int64_t high) const;
  // A finite number, as F32 too.
  [[nodiscard]] Result<std::optional<double>> number(std::string_view key) const;
  // A finite number above zero.
  [[nodiscard]] Result<std::optional<double>> positive(std::string_view key) const;
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view key) const;

 private:
  [[nodiscard]] std::string full_name(std::string_view key) const;

  const Metadata& keys_;
  std::string arch_;
};

}  // namespace pajamas
