// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/gbnf_text.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "sampling/grammar/json_grammar.h"

namespace pajamas {

void GbnfText::add(std::string_view name, std::string_view body) {
  text_ += fmt::format("{} ::= {}\n", name, body);
}

std::string GbnfText::new_name(std::string_view wish) {
  std::string name;
  for (const char c : wish) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_plain || (!name.empty() && name.back() != '-')) name += is_plain ? c : '-';
  }
  if (name.size() > 60) name = name.substr(name.size() - 60);
  if (name.empty()) name = "rule";
  // The shared rules and `root` keep their names: these all have a number.
  return fmt::format("{}-{}", name, ++names_);
}

std::string GbnfText::named(std::string_view wish, std::string_view body) {
  const std::string name = new_name(wish);
  add(name, body);
  return name;
}

std::string GbnfText::shared(std::string_view name) {
  std::vector<std::string_view> wanted = {name};
  while (!wanted.empty()) {
    const std::string_view next = wanted.back();
    wanted.pop_back();
    if (!shared_.emplace(next).second) continue;
    for (const SharedRule& rule : shared_json_rules()) {
      if (rule.name != next) continue;
      add(rule.name, rule.body);
      for (std::string_view uses = rule.uses; !uses.empty();) {
        const std::size_t end = std::min(uses.find(' '), uses.size());
        wanted.push_back(uses.substr(0, end));
        uses.remove_prefix(std::min(end + 1, uses.size()));
      }
    }
  }
  return std::string(name);
}

std::string in_group(std::string_view expression) { return fmt::format("( {} )", expression); }

std::string repetition(std::int64_t least, std::optional<std::int64_t> most) {
  if (!most) return fmt::format("{{{},}}", least);
  return fmt::format("{{{},{}}}", least, *most);
}

}  // namespace pajamas
