// SPDX-License-Identifier: Apache-2.0
// The text of tokens as they come, in parts that are valid UTF-8 each: a character is given out
// when it is complete, and U+FFFD when it is certain that it never will be. The parts together are
// what Tokenizer::decode makes of all ids.
//
// Keeps a pointer to the tokenizer. One thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace pajamas {

class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, const DecodeOptions& options = {})
      : tokenizer_(&tokenizer), options_(options) {}

  // The text that is complete with this token; often "" inside a character.
  std::string push(std::int32_t id);
  // What is left when no token follows. The next push begins a new text.
  std::string flush();

 private:
  const Tokenizer* tokenizer_;
  DecodeOptions options_;
  std::string pending_;  // the beginning of a character
  bool is_first_ = true;
};

}  // namespace pajamas
