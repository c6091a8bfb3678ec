// SPDX-License-Identifier: Apache-2.0
// A template's text as tokens, with the white-space rules of trim_blocks and lstrip_blocks applied.
//
// Comments and raw blocks are gone afterwards: the tokens are text, the two kinds of brackets, and
// what stands between them. Text that is not valid UTF-8 or not a template is an error with its
// line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pajamas::jinja {

enum class TokenKind : std::uint8_t {
  kText,
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string text;  // of a string: its value; of a number: without underscores
};

Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace pajamas::jinja
