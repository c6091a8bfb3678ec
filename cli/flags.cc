// SPDX-License-Identifier: Apache-2.0
#include "flags.h"

#include <algorithm>
#include <type_traits>

#include <CLI/CLI.hpp>

namespace pajamas::cli {

void add_flag(CLI::App& command, const char* name, const char* value_name, const char* help,
              bool is_required, FlagTarget target) {
  std::visit(
      [&](auto* value) {
        using Value = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, bool>) {
          command.add_flag(name, *value, help);
        } else {
          CLI::Option* option = command.add_option(name, *value, help);
          option->type_name(value_name)->required(is_required);
          if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
            option->allow_extra_args(false);  // repeat the flag for more
          } else {
            option->take_last();
          }
        }
      },
      target);
}

std::vector<std::string> split_commas(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) {
    std::size_t start = 0;
    while (start <= value.size()) {
      const std::size_t comma = std::min(value.find(',', start), value.size());
      if (comma > start) parts.push_back(value.substr(start, comma - start));
      start = comma + 1;
    }
  }
  return parts;
}

}  // namespace pajamas::cli
