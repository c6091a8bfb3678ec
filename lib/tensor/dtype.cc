// SPDX-License-Identifier: Apache-2.0
#include "tensor/dtype.h"

#include <algorithm>
#include <cctype>

namespace pajamas {

std::optional<DType> parse_dtype(std::string_view name) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  for (const DTypeInfo& info : kDTypes) {
    if (std::ranges::equal(name, info.name, same)) return info.dtype;
  }
  return std::nullopt;
}

}  // namespace pajamas
