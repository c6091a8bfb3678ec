// SPDX-License-Identifier: Apache-2.0
// The "pre_tokenizer" of a tokenizer.json: how normalized text is cut into words, before merges
// work inside each word.
//
// A list of steps, built once; run from any number of threads. A kind that is not known is an error
// of code kUnsupported.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/regex.h"
#include "text/word_splitter.h"

namespace pajamas {

class PreTokenizer {
 public:
  // `definition` may be null (the JSON value): then the text is one word.
  static Result<PreTokenizer> from_json(const Json& definition);

  // `is_start`: the text is the beginning of the input, not what follows an added token.
  [[nodiscard]] Result<std::vector<std::string>> run(std::string_view text, bool is_start) const;

  // True when the words are parts of the text as it stands (or their bytes, spelled as
  // characters): then cut gives them without copying.
  [[nodiscard]] bool only_cuts() const;
  // The words are to be spelled as byte_level.h has it; run does so, cut does not.
  [[nodiscard]] bool spells_bytes() const;
  [[nodiscard]] Result<std::vector<TextRange>> cut(std::string_view text) const;

 private:
  enum class Kind { kByteLevel, kSplit, kDigits, kPunctuation, kSpaces, kMetaspace };
  // What becomes of a match.
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  enum class Prepend { kAlways, kFirst, kNever };
  struct Step {
    Kind kind = Kind::kByteLevel;
    Behavior behavior = Behavior::kIsolated;
    WordSplitter splitter = nullptr;  // instead of the pattern, where there is one
    std::optional<Regex> regex{};     // kSplit, kByteLevel with its pattern
    std::string text{};               // kSplit by a text; kMetaspace: its character
    bool invert = false;              // kSplit: what does not match is the match
    bool add_prefix_space = false;
    Prepend prepend = Prepend::kAlways;
    bool split_at_space = true;  // kMetaspace
  };
  // A part of the text and whether it is a match.
  struct Part {
    TextRange range;
    bool is_match = false;
  };

  static Status add_steps(const Json& definition, std::vector<Step>& steps);
  static Result<Step> make_step(const Json& definition, std::string_view type);
  static Result<Step> make_split(const Json& definition);
  static Result<Step> make_metaspace(const Json& definition);
  static Result<Behavior> parse_behavior(const Json& definition, Behavior fallback);
  static Result<std::vector<std::string>> run_step(const Step& step, std::string word,
                                                   bool is_start);
  static Status set_pattern(Step& step, std::string_view pattern);
  static Result<std::vector<Part>> find_parts(const Step& step, std::string_view word);
  static std::vector<TextRange> keep(std::vector<Part> parts, Behavior behavior);
  static Status cut_range(const Step& step, std::string_view text, TextRange range,
                          std::vector<TextRange>& words);

  std::vector<Step> steps_;
};

}  // namespace pajamas
