// SPDX-License-Identifier: Apache-2.0
// A Unigram vocabulary: a word is cut into the pieces whose scores sum up to the most.
//
// Owns its tables; built once, then read-only: encode may be called from several threads at once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/byte_trie.h"
#include "text/sentencepiece_model.h"

namespace pajamas {

class UnigramModel {
 public:
  // Normal and user-defined pieces take part. A character that no piece begins with is unknown:
  // byte pieces if there are all of them, else `unknown_id` once for a run (negative: nothing).
  // `exact_scores` are used instead of those of the pieces where they are given: one for each.
  static Result<UnigramModel> create(std::span<const SentencePiece> pieces, std::int32_t unknown_id,
                                     std::span<const double> exact_scores = {});

  void encode(std::string_view word, std::vector<std::int32_t>& ids) const;

  // True when no piece has `before` directly before U+2581, which is a piece of its own.
  [[nodiscard]] bool can_cut_before_mark(char32_t before) const;

 private:
  void append_unknown(std::string_view run, std::vector<std::int32_t>& ids) const;

  ByteTrie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
  std::int32_t unknown_id_ = -1;
  std::vector<std::int32_t> byte_ids_;  // 256, or none
  bool mark_is_piece_ = false;
  std::vector<char32_t> before_mark_;  // sorted
};

// "vocab" of a Unigram in a tokenizer.json. All pieces are normal; with "byte_fallback", byte
// pieces are bytes. The scores are more exact than a piece can hold, which decides between equal
// sums.
struct UnigramPieces {
  std::vector<SentencePiece> pieces{};
  std::vector<double> scores{};
};
Result<UnigramPieces> parse_unigram_pieces(const Json& model);

}  // namespace pajamas
