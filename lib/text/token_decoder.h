// SPDX-License-Identifier: Apache-2.0
// From the spelling of a token to the bytes it stands for: the "decoder" of a tokenizer.json, token
// by token. The text of a list of tokens is their bytes one behind the other; some decoders drop
// a space at the very beginning.
//
// A list of steps, built once; used from any number of threads. A kind that is not known is an
// error of code kUnsupported.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace pajamas {

class TokenDecoder {
 public:
  // `definition` may be null (the JSON value): then there is a space between tokens.
  static Result<TokenDecoder> from_json(const Json& definition);
  static TokenDecoder byte_level();
  // SentencePiece: U+2581 is a space, "<0x0A>" a byte.
  static TokenDecoder sentencepiece(bool drops_first_space);
  static TokenDecoder word_piece(std::string_view prefix);

  [[nodiscard]] std::string bytes_of(std::string_view token) const;
  [[nodiscard]] bool drops_first_space() const { return drops_first_space_; }

 private:
  enum class Kind {
    kByteLevel,
    kReplace,
    kByteFallback,
    kStrip,
    kWordPiece,
    kCleanUp,
    kWordEnd,
    kSpaceBefore,
  };
  struct Step {
    Kind kind = Kind::kByteLevel;
    std::string pattern{};  // kReplace; kWordPiece: prefix; kWordEnd: suffix; kStrip
    std::string content{};  // kReplace
    std::size_t strip_left = 0;
    std::size_t strip_right = 0;
  };
  Status add_steps(const Json& definition);
  Status add_strip(const Json& definition);
  static std::string run_step(const Step& step, std::string token);

  std::vector<Step> steps_;
  bool is_fused_ = false;  // steps from here on see the whole text
  bool drops_first_space_ = false;
};

}  // namespace pajamas
