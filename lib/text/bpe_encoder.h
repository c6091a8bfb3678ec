// SPDX-License-Identifier: Apache-2.0
// Text to token ids with a BPE tokenizer, as the Hugging Face tokenizers library encodes it:
// added tokens are cut out, the rest is normalized, cut into words, and merged word by word.
// No tokens are put before or after the text; that is the post-processor's part.
//
// Built once, then read-only: encode may be called from several threads at once. Hostile
// definitions cost bounded work: text length, regex steps and memory have limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/added_token_matcher.h"
#include "text/bpe_model.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_folder.h"

namespace pajamas {

// What stands around the model in a tokenizer.json.
struct BpePipeline {
  Json normalizer{};                    // null: none
  Json pre_tokenizer{};                 // null: none
  std::optional<bool> ignore_merges{};  // instead of what the model says
};

class BpeEncoder {
 public:
  // `model` must outlive the encoder.
  static Result<BpeEncoder> create(const BpeModel& model, const AddedTokens& added,
                                   const BpePipeline& pipeline);

  // The same model and added tokens with another pipeline; keeps the old one on an error.
  Status set_pipeline(const AddedTokens& added, const BpePipeline& pipeline);

  [[nodiscard]] Result<std::vector<std::int32_t>> encode(std::string_view text) const;

 private:
  struct Merged {
    std::uint32_t rank = 0;
    std::int32_t id = 0;
  };

  explicit BpeEncoder(const BpeModel& model) : model_(&model) {}
  void index_merges();
  [[nodiscard]] Status encode_text(std::string_view text, bool is_start,
                                   std::vector<std::int32_t>& ids) const;
  void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;
  [[nodiscard]] std::vector<std::int32_t> symbols_of(std::string_view word) const;
  void append_unknown(std::string_view piece, std::vector<std::int32_t>& ids,
                      bool& previous_is_unknown) const;
  void merge(std::vector<std::int32_t>& symbols) const;

  const BpeModel* model_;
  bool ignore_merges_ = false;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  AddedTokenMatcher raw_tokens_;                      // matched before normalization
  AddedTokenMatcher normalized_tokens_;               // matched after it
  std::unordered_map<std::uint64_t, Merged> merges_;  // by the ids of a pair
};

}  // namespace pajamas
