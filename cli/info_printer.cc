// SPDX-License-Identifier: Apache-2.0
#include "info_printer.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/human_units.h"

namespace pajamas::cli {
namespace {

std::string display(std::string_view key, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (key == "tensor_bytes") return format_bytes(value.get<std::uint64_t>());
  if (key.starts_with("params_")) {
    const auto count = value.get<std::uint64_t>();
    return fmt::format("{} ({})", format_count(count), count);
  }
  if (value.is_number_float()) return fmt::format("{:.3f}", value.get<double>());
  return value.dump();
}

}  // namespace

void print_info(const Json& info) {
  for (const auto& [key, value] : info.items()) {
    if (key == "types" || key == "warnings") continue;
    std::string label = key;
    std::ranges::replace(label, '_', ' ');
    fmt::print("{:<21} {}\n", label, display(key, value));
  }
  fmt::print("\n{:<10} {:>8} {:>12}\n", "type", "tensors", "size");
  for (const auto& [type, sums] : info["types"].items()) {
    fmt::print("{:<10} {:>8} {:>12}\n", type, sums["tensors"].get<std::int64_t>(),
               format_bytes(sums["size_bytes"].get<std::uint64_t>()));
  }
  for (const Json& warning : info["warnings"]) {
    fmt::print(stderr, "warning: {}\n", warning.get<std::string>());
  }
}

}  // namespace pajamas::cli
