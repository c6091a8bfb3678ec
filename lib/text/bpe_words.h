// SPDX-License-Identifier: Apache-2.0
// One word to token ids with a BPE: its characters (or bytes) as symbols, then the merges.
//
// Owns its tables; built once, then read-only: encode may be called from several threads at once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "text/bpe_model.h"
#include "text/merge_table.h"
#include "text/sentencepiece_model.h"

namespace pajamas {

class BpeWords {
 public:
  // The merges of a tokenizer.json or a merges.txt, in their order.
  static BpeWords from_merges(const BpeModel& model);

  // SentencePiece: any two neighbours whose text together is a piece merge, the best score first.
  // Control, unknown and byte pieces take no part; a character that is no piece becomes byte
  // pieces, else `unknown_id` (negative: nothing).
  static BpeWords from_scores(std::span<const SentencePiece> pieces, std::int32_t unknown_id);

  // Ranks of byte strings, as tiktoken files have them; the id is the rank.
  static BpeWords from_ranks(std::span<const std::string> pieces);

  // Appends the ids of `word`.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const;
  // The same for a word whose bytes the vocabulary spells as characters (byte_level.h).
  void encode_bytes(std::string_view word, std::vector<std::int32_t>& ids) const;

  // Where no piece goes across: a text may be cut there and encoded part by part. True when `mark`
  // (U+2581) is a piece of its own and no piece has `before` directly before it.
  [[nodiscard]] bool can_cut_before_mark(char32_t before) const {
    return mark_is_piece_ && !before_mark_.contains(before);
  }

  void set_ignore_merges(bool value) { ignore_merges_ = value; }
  [[nodiscard]] bool ignore_merges() const { return ignore_merges_; }

 private:
  static constexpr std::int32_t kNone = -1;

  void index_bytes();
  void index_mark();
  void add_score_merges(std::span<const SentencePiece> pieces);
  [[nodiscard]] std::int32_t find(std::string_view token) const;
  void append_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const;
  void append_unknown(std::string_view piece, std::vector<std::int32_t>& symbols,
                      bool& previous_is_unknown) const;
  void replace_virtual(std::vector<std::int32_t>& symbols) const;

  TokenIds ids_;
  MergeTable merges_;
  std::array<std::int32_t, 128> ascii_ids_{};     // of one character, where nothing is put to it
  std::array<std::int32_t, 256> byte_ids_{};      // of a byte in byte-level spelling
  std::array<std::int32_t, 256> fallback_ids_{};  // "<0x00>" to "<0xFF>"
  std::int32_t unknown_id_ = kNone;
  std::string prefix_;  // put before each character but the first
  std::string suffix_;  // put behind the last
  bool fuse_unknown_ = false;
  bool byte_fallback_ = false;
  bool ignore_merges_ = false;
  bool has_all_bytes_ = false;
  bool raw_bytes_ = false;  // pieces are byte strings, not spelled
  bool mark_is_piece_ = false;
  std::unordered_set<char32_t> before_mark_;
  // Characters that are no piece but part of some: they have ids from here on while words merge.
  std::int32_t first_virtual_ = INT32_MAX;
  std::vector<std::string> virtual_texts_;
};

}  // namespace pajamas
