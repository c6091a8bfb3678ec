// SPDX-License-Identifier: Apache-2.0
#include "tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pajamas {

std::string Shape::to_string() const { return fmt::format("({})", fmt::join(dims, ", ")); }

}  // namespace pajamas
