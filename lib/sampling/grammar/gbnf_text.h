// SPDX-License-Identifier: Apache-2.0
// The text of a GBNF grammar while it is made from a JSON schema: rules with names of their own,
// and the rules of JSON that it uses.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace pajamas {

class GbnfText {
 public:
  void add(std::string_view name, std::string_view body);

  // A rule name that none has, made of the letters and digits of `wish`.
  std::string new_name(std::string_view wish);

  // Adds `body` under a new name, which it returns.
  std::string named(std::string_view wish, std::string_view body);

  // Emits a shared rule of JSON and what it uses, once, and returns its name.
  std::string shared(std::string_view name);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::set<std::string, std::less<>> shared_;
  std::size_t names_ = 0;
};

std::string in_group(std::string_view expression);

// {m,n} of GBNF; without an end {m,}.
std::string repetition(std::int64_t least, std::optional<std::int64_t> most);

}  // namespace pajamas
