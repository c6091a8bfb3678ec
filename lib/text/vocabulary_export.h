// SPDX-License-Identifier: Apache-2.0
// The three kinds of vocabulary, from the files of a folder to tokens, scores, types and merges.
//
// Plain functions; each gives the tokenizer.ggml.* keys of its kind without special tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/metadata.h"
#include "text/bpe_model.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_folder.h"
#include "text/vocabulary.h"

namespace pajamas {

// The score of an added token: low enough never to win against a piece.
inline constexpr float kAddedScore = -1000.0F;

struct VocabularyExport {
  Metadata keys{};
  std::int64_t token_count = 0;
  std::vector<std::string> warnings{};
};

// What differs between architectures in the converter this follows.
struct SentencePieceOptions {
  std::int64_t vocab_size = 0;  // 0: as many as the model has pieces
  // Take the added tokens of tokenizer.json as they are written, after all other sources.
  bool tokenizer_json_last = false;
};

// tokenizer.model of kind BPE ("llama") or Unigram ("t5").
Result<VocabularyExport> export_sentencepiece(const TokenizerFolder& folder,
                                              const SentencePieceModel& model,
                                              const SentencePieceOptions& options);

// tokenizer.json of a SentencePiece-like BPE with byte fallback ("llama").
Result<VocabularyExport> export_byte_fallback_bpe(const TokenizerFolder& folder,
                                                  const BpeModel& model, std::int64_t vocab_size);

// Byte-level BPE ("gpt2"); `pre` is the name of its pre-tokenizer.
Result<VocabularyExport> export_byte_level_bpe(const TokenizerFolder& folder, const BpeModel& model,
                                               const AddedTokens& added, const std::string& pre,
                                               std::int64_t vocab_size);

// Added tokens of the folder, and after them the named special tokens that no file gives an id:
// those the model knows keep that id, others follow the last one.
Result<AddedTokens> complete_added_tokens(const TokenizerFolder& folder, const BpeModel& model);

}  // namespace pajamas
