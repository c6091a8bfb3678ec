// SPDX-License-Identifier: Apache-2.0
// The "normalizer" of a tokenizer.json: how text is changed before it is cut into words.
//
// A list of steps, built once; run from any number of threads. Kinds that byte-level and
// SentencePiece-like BPE tokenizers do not use are an error of code kUnsupported.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/regex.h"

namespace pajamas {

class Normalizer {
 public:
  // `definition` may be null (the JSON value): then text stays as it is.
  static Result<Normalizer> from_json(const Json& definition);

  [[nodiscard]] Result<std::string> run(std::string_view text) const;

 private:
  enum class Kind { kNfc, kNfd, kNfkc, kNfkd, kLowercase, kPrepend, kReplace, kStrip };
  struct Step {
    Kind kind = Kind::kNfc;
    std::string pattern{};         // kReplace: a text
    std::optional<Regex> regex{};  // kReplace: or an expression
    std::string content{};         // kReplace, kPrepend
    bool strip_left = false;       // kStrip
    bool strip_right = false;
  };
  static Status add_steps(const Json& definition, std::vector<Step>& steps);
  static Result<Step> make_step(const Json& definition, std::string_view type);
  static Result<std::string> run_step(const Step& step, std::string text);

  std::vector<Step> steps_;
};

// Input text longer than this is refused, and so is what steps make of it.
inline constexpr std::size_t kMaxTextBytes = std::size_t{4} << 20;

}  // namespace pajamas
