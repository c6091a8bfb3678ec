// SPDX-License-Identifier: Apache-2.0
// What happens to a text before a model sees its words: added tokens are cut out, the rest is
// normalized, added tokens that are spelled in normalized text are cut out of that.
//
// Built once, then read-only: run may be called from several threads at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/added_token_matcher.h"
#include "text/normalizer.h"
#include "text/tokenizer_folder.h"

namespace pajamas {

// Longer added tokens are an error: each place of a text may cost this many steps.
inline constexpr std::size_t kMaxAddedTokenBytes = 1024;
// So are more of them than this in all; real files have some 100 kB.
inline constexpr std::size_t kMaxAddedTokensBytes = std::size_t{4} << 20;

class TextPipeline {
 public:
  // How the text of an added token becomes what stands in normalized text.
  enum class AddedText { kNormalize, kKeep };
  static Result<TextPipeline> create(const AddedTokens& added, Normalizer normalizer,
                                     AddedText added_text = AddedText::kNormalize);

  // Calls on_token(id) and on_text(text, is_start) -> Status from left to right. `is_start`: the
  // text is the beginning of the input, not what follows an added token. `text` is valid UTF-8.
  template <typename OnToken, typename OnText>
  Status run(std::string_view text, AddedTokenMatcher::Special special, OnToken on_token,
             OnText on_text) const {
    bool is_start = true;
    for (const AddedTokenMatcher::Part& raw : raw_tokens_.split(text, special)) {
      if (raw.id != AddedTokenMatcher::kText) {
        on_token(static_cast<std::int32_t>(raw.id));
        is_start = false;
        continue;
      }
      std::string owned;
      std::string_view normalized = raw.text;
      if (!normalizer_.is_empty()) {
        owned = PJ_TRY(normalizer_.run(raw.text));
        normalized = owned;
      }
      for (const AddedTokenMatcher::Part& part : normalized_tokens_.split(normalized, special)) {
        if (part.id != AddedTokenMatcher::kText) {
          on_token(static_cast<std::int32_t>(part.id));
        } else {
          const Status status = on_text(part.text, is_start);
          if (!status) return status;
        }
        is_start = false;
      }
    }
    return {};
  }

 private:
  Normalizer normalizer_;
  AddedTokenMatcher raw_tokens_;         // matched before normalization
  AddedTokenMatcher normalized_tokens_;  // matched after it
};

}  // namespace pajamas
