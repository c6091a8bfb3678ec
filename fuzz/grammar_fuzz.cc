// SPDX-License-Identifier: Apache-2.0
// Any bytes as a grammar; what stands behind the first NUL is read as text under it.
#include <cstdint>
#include <string_view>

#include "sampling/grammar/grammar_matcher.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const std::vector<std::string> pieces = {"a",    "ab",   "\"", "{", "1",
                                                  "\xC3", "\xA9", "x",  "",  " "};
  static const std::vector<std::int32_t> ends = {8};
  static const auto trie = pajamas::TokenTrie::create({pieces, ends}).value();
  const std::string input(data, data + bytes);
  const auto grammar =
      pajamas::Grammar::parse(input.substr(0, input.find('\0')), {.max_nodes = 50'000});
  if (!grammar) return 0;
  pajamas::GrammarMatcher matcher(*grammar, trie);
  const std::size_t nul = std::min(input.find('\0'), input.size());
  for (const char byte : std::string_view(input).substr(nul)) {
    if (!matcher.allowed()) return 0;
    static_cast<void>(matcher.accept(byte % 10));
    static_cast<void>(matcher.accept_text({&byte, 1}));
  }
  static_cast<void>(matcher.allowed());
  return 0;
}
