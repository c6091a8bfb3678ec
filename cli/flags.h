// SPDX-License-Identifier: Apache-2.0
// Command-line flags as a table: one line per flag gives its name, its place in the command's Flags
// struct, and its help; parsing, defaults and the echo in JSON follow from that.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"

namespace CLI {
class App;
}

namespace pajamas::cli {

template <typename Flags>
struct Flag {
  const char* name;  // "--threads", "-o,--output", or a positional without dashes
  std::variant<bool Flags::*, int Flags::*, double Flags::*, std::string Flags::*,
               std::vector<std::string> Flags::*>
      member;
  const char* value_name;  // "" for switches
  const char* help;
  bool is_required = false;
};

// Where the value of a flag goes.
using FlagTarget = std::variant<bool*, int*, double*, std::string*, std::vector<std::string>*>;

void add_flag(CLI::App& command, const char* name, const char* value_name, const char* help,
              bool is_required, FlagTarget target);

template <typename Flags>
void add_flags(CLI::App& command, Flags& flags, std::span<const Flag<Flags>> table) {
  for (const Flag<Flags>& flag : table) {
    const FlagTarget target =
        std::visit([&](auto member) -> FlagTarget { return &(flags.*member); }, flag.member);
    add_flag(command, flag.name, flag.value_name, flag.help, flag.is_required, target);
  }
}

// Every flag with its value, by name without dashes.
template <typename Flags>
Json flags_to_json(const Flags& flags, std::span<const Flag<Flags>> table) {
  Json echo = Json::object();
  for (const Flag<Flags>& flag : table) {
    std::string name = flag.name;
    if (const std::size_t dashes = name.rfind("--"); dashes != std::string::npos) {
      name = name.substr(dashes + 2);
    }
    std::visit([&](auto member) { echo[name] = flags.*member; }, flag.member);
  }
  return echo;
}

// "a,b" and repeated flags alike: {"a", "b"}.
std::vector<std::string> split_commas(const std::vector<std::string>& values);

}  // namespace pajamas::cli
