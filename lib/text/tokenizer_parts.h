// SPDX-License-Identifier: Apache-2.0
// What a tokenizer is made of, whichever files it comes from. For those who open them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/bpe_words.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/text_pipeline.h"
#include "text/token_decoder.h"
#include "text/tokenizer_folder.h"
#include "text/unigram_model.h"
#include "text/word_piece_model.h"

namespace pajamas {

struct SpecialIds {
  std::optional<std::int32_t> bos{};
  std::optional<std::int32_t> eos{};
  std::optional<std::int32_t> eot{};
  std::optional<std::int32_t> eom{};
  std::optional<std::int32_t> pad{};
  std::optional<std::int32_t> unk{};
};

struct TokenizerParts {
  Normalizer normalizer{};
  PreTokenizer pre_tokenizer{};
  TextPipeline::AddedText added_text = TextPipeline::AddedText::kNormalize;
  AddedTokens added{};
  std::variant<BpeWords, UnigramModel, WordPieceModel> model{};
  TextSurroundings around{};  // of a text, with add_special

  // By id; one entry for each token.
  std::vector<std::string> texts{};   // as files spell it
  std::vector<std::string> pieces{};  // the bytes it stands for
  std::vector<bool> is_control{};
  bool drops_first_space = false;

  SpecialIds special{};
  std::vector<std::int32_t> end_of_generation{};  // besides eos, eot, eom and the usual names

  // The token `id` becomes what is given; the lists grow up to it.
  void put(std::int64_t id, std::string_view text, std::string piece, bool control);
};

// Texts that end what a model says, in any vocabulary that has them.
bool is_end_text(std::string_view text);

// Each opens one kind of file; see tokenizer.h.
Result<TokenizerParts> tokenizer_from_json(const TokenizerFolder& folder);
Result<TokenizerParts> tokenizer_from_sentencepiece(const TokenizerFolder& folder,
                                                    const std::filesystem::path& file);
Result<TokenizerParts> tokenizer_from_bpe_files(const TokenizerFolder& folder);
Result<TokenizerParts> tokenizer_from_word_list(const TokenizerFolder& folder);

}  // namespace pajamas
