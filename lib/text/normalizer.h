// SPDX-License-Identifier: Apache-2.0
// The "normalizer" of a tokenizer.json: how text is changed before it is cut into words.
//
// A list of steps, built once; run from any number of threads. A kind that is not known is an error
// of code kUnsupported.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/charsmap.h"
#include "text/regex.h"

namespace pajamas {

class Normalizer {
 public:
  // `definition` may be null (the JSON value): then text stays as it is.
  static Result<Normalizer> from_json(const Json& definition);

  // What a SentencePiece model does to text before it encodes it.
  struct SentencePieceRules {
    std::span<const std::uint8_t> charsmap{};
    bool remove_extra_spaces = false;  // at both ends, and all but one between words
    bool add_space_prefix = true;
  };
  static Result<Normalizer> for_sentencepiece(const SentencePieceRules& rules);

  // Nothing to do: text stays as it is.
  [[nodiscard]] bool is_empty() const { return steps_.empty(); }

  [[nodiscard]] Result<std::string> run(std::string_view text) const;

 private:
  enum class Kind {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kLowercase,
    kPrepend,
    kReplace,
    kStrip,
    kStripAccents,
    kCleanText,  // control characters go, white space becomes a space
    kSpaceChinese,
    kByteLevel,
    kCharsmapClusters,
    kCharsmapLongest,
    kRemoveExtraSpaces,
  };
  struct Step {
    Kind kind = Kind::kNfc;
    std::string pattern{};         // kReplace: a text
    std::optional<Regex> regex{};  // kReplace: or an expression
    std::string content{};         // kReplace, kPrepend
    bool strip_left = false;       // kStrip
    bool strip_right = false;
    std::optional<Charsmap> charsmap{};
  };
  static Status add_steps(const Json& definition, std::vector<Step>& steps);
  static Result<Step> make_step(const Json& definition, std::string_view type);
  static Status add_bert_steps(const Json& definition, std::vector<Step>& steps);
  static Result<std::string> run_step(const Step& step, std::string text, std::size_t max_bytes);

  std::vector<Step> steps_;
};

// Input text longer than this is refused.
inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

}  // namespace pajamas
