// SPDX-License-Identifier: Apache-2.0
// Text to token ids with a BPE tokenizer, as the Hugging Face tokenizers library encodes it:
// added tokens are cut out, the rest is normalized, cut into words, and merged word by word.
// No tokens are put before or after the text; that is the post-processor's part. This is what the
// export to GGUF asks; programs that run models use tokenizer.h.
//
// Built once, then read-only: encode may be called from several threads at once. Hostile
// definitions cost bounded work: text length, regex steps and memory have limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/bpe_model.h"
#include "text/bpe_words.h"
#include "text/pre_tokenizer.h"
#include "text/text_pipeline.h"
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
  static Result<BpeEncoder> create(const BpeModel& model, const AddedTokens& added,
                                   const BpePipeline& pipeline);

  // The same model and added tokens with another pipeline; keeps the old one on an error.
  Status set_pipeline(const AddedTokens& added, const BpePipeline& pipeline);

  [[nodiscard]] Result<std::vector<std::int32_t>> encode(std::string_view text) const;

 private:
  explicit BpeEncoder(const BpeModel& model)
      : words_(BpeWords::from_merges(model)), ignore_merges_(model.ignore_merges) {}

  BpeWords words_;
  bool ignore_merges_ = false;  // what the model says
  TextPipeline pipeline_;
  PreTokenizer pre_tokenizer_;
};

}  // namespace pajamas
