// SPDX-License-Identifier: Apache-2.0
// Reads GBNF text, the grammar notation of llama.cpp, into rules (docs/grammars.md).
//
// Groups become rules of their own, so a rule is a flat list of alternates. The text is hostile
// input: its size, nesting and repetition counts have limits, and an error names line and column.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sampling/grammar/code_point_set.h"

namespace pajamas {

constexpr std::uint32_t kUnbounded = UINT32_MAX;

struct GrammarElement {
  enum class Kind : std::uint8_t { kText, kSet, kRule };
  Kind kind = Kind::kText;
  std::string text{};       // kText: its UTF-8 bytes
  std::uint32_t index = 0;  // kSet: of sets, kRule: of rules
  std::uint32_t min_times = 1;
  std::uint32_t max_times = 1;  // or kUnbounded
};

struct GrammarRule {
  std::string name;
  std::vector<std::vector<GrammarElement>> alternates{};  // empty: not defined
};

struct GrammarRules {
  std::vector<GrammarRule> rules;
  std::vector<CodePointSet> sets;
  std::uint32_t root = 0;
};

struct GrammarLimits {
  std::size_t max_text_bytes = std::size_t{4} << 20;
  int max_nesting = 128;                   // of groups
  std::uint32_t max_repetition = 100'000;  // of m and n in {m,n}
  std::size_t max_nodes = 1'000'000;       // of the compiled grammar
};

// Every rule that is used is defined, and there is a rule `root`.
Result<GrammarRules> parse_gbnf(std::string_view text, const GrammarLimits& limits);

}  // namespace pajamas
