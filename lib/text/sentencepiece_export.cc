// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <fmt/format.h>

#include "text/metaspace.h"
#include "text/utf8.h"
#include "text/vocabulary_export.h"

namespace pajamas {
namespace {

// Scores of placeholders: low enough never to win against a piece.
constexpr float kPadScore = -10000.0F;

TokenType token_type(PieceType type) {
  switch (type) {
    case PieceType::kUnknown:
      return TokenType::kUnknown;
    case PieceType::kControl:
      return TokenType::kControl;
    case PieceType::kUnused:
      return TokenType::kUnused;
    case PieceType::kByte:
      return TokenType::kByte;
    case PieceType::kNormal:
    case PieceType::kUserDefined:  // becomes user-defined only when the folder's files say so
      break;
  }
  return TokenType::kNormal;
}

class Assembler {
 public:
  Assembler(const SentencePieceModel& model, std::int64_t vocab_size)
      : vocabulary_(vocab_size, kPadScore) {
    const auto piece_count = static_cast<std::int64_t>(model.pieces.size());
    if (piece_count > vocab_size) {
      warnings_.push_back(
          fmt::format("the last {} of {} pieces are left out: the embedding has {} rows",
                      piece_count - vocab_size, piece_count, vocab_size));
    }
    for (std::int64_t id = 0; id < std::min(piece_count, vocab_size); ++id) {
      const SentencePiece& piece = model.pieces[static_cast<std::size_t>(id)];
      vocabulary_.put(id, piece.text, piece.score, token_type(piece.type));
    }
  }

  // False when the id is out of range.
  bool put_added(std::int64_t id, const std::string& text, TokenType type) {
    if (!vocabulary_.has_id(id)) {
      warnings_.push_back(
          fmt::format("the added token '{}' is left out: its id is {}, but the "
                      "embedding has {} rows",
                      text, id, vocabulary_.size()));
      return false;
    }
    if (vocabulary_.type(id) != TokenType::kUnused && vocabulary_.text(id) != text) {
      warnings_.push_back(
          fmt::format("token {} is '{}' instead of '{}'", id, text, vocabulary_.text(id)));
    }
    vocabulary_.put(id, text, kAddedScore, type);
    return true;
  }

  Vocabulary& vocabulary() { return vocabulary_; }
  std::vector<std::string>& warnings() { return warnings_; }

 private:
  Vocabulary vocabulary_;
  std::vector<std::string> warnings_;
};

// Each source by itself, so that the later one wins.
Result<AddedTokens> added_from(const TokenizerFolder& folder, bool from_config, bool from_tokenizer,
                               bool from_added) {
  TokenizerFolder part{.path = folder.path};
  if (from_tokenizer) part.tokenizer = folder.tokenizer;
  if (from_added) part.added_tokens = folder.added_tokens;
  const Json* decoder = folder.config_member("added_tokens_decoder");
  if (from_config && decoder != nullptr) {
    part.tokenizer_config = Json::object();
    (*part.tokenizer_config)["added_tokens_decoder"] = *decoder;
  }
  return read_added_tokens(part);
}

Status put_added_tokens(const TokenizerFolder& folder, const SentencePieceOptions& options,
                        Assembler& assembler) {
  for (const auto& [id, token] : PJ_TRY(added_from(folder, false, false, true))) {
    assembler.put_added(id, token.text, TokenType::kUserDefined);
  }
  for (const auto& [id, token] : PJ_TRY(added_from(folder, true, false, false))) {
    const bool control =
        token.special || (!options.tokenizer_json_last && looks_special(token.text));
    if (control) {
      assembler.put_added(id, token.text, TokenType::kControl);
    } else {
      // User-defined tokens are matched in raw text, where a space is a space.
      assembler.put_added(
          id,
          options.tokenizer_json_last ? token.text : replace_all(token.text, kMetaspaceText, " "),
          TokenType::kUserDefined);
    }
  }
  if (!options.tokenizer_json_last) return {};
  for (const auto& [id, token] : PJ_TRY(added_from(folder, false, true, false))) {
    assembler.put_added(id, token.text,
                        token.special ? TokenType::kControl : TokenType::kUserDefined);
  }
  return {};
}

}  // namespace

Result<VocabularyExport> export_sentencepiece(const TokenizerFolder& folder,
                                              const SentencePieceModel& model,
                                              const SentencePieceOptions& options) {
  if (model.kind != SentencePieceKind::kBpe && model.kind != SentencePieceKind::kUnigram) {
    return make_error(ErrorCode::kUnsupported,
                      "'{}' is a SentencePiece model of words or characters, expected BPE or "
                      "Unigram",
                      (folder.path / "tokenizer.model").string());
  }
  const bool is_bpe = model.kind == SentencePieceKind::kBpe;
  const std::int64_t vocab_size =
      options.vocab_size > 0 ? options.vocab_size : static_cast<std::int64_t>(model.pieces.size());
  Assembler assembler(model, vocab_size);
  const Status status = put_added_tokens(folder, options, assembler);
  if (!status) return std::unexpected(status.error());

  VocabularyExport result{.token_count = vocab_size, .warnings = std::move(assembler.warnings())};
  Vocabulary& vocabulary = assembler.vocabulary();
  for (const std::int64_t id : vocabulary.make_texts_unique()) {
    result.warnings.push_back(
        fmt::format("token {} repeats the text of another; it is unused", id));
  }
  result.keys.set("tokenizer.ggml.model", std::string(is_bpe ? "llama" : "t5"));
  result.keys.set("tokenizer.ggml.pre", std::string("default"));
  result.keys.set("tokenizer.ggml.tokens", vocabulary.take_tokens());
  result.keys.set("tokenizer.ggml.scores", vocabulary.take_scores());
  result.keys.set("tokenizer.ggml.token_type", vocabulary.take_types());
  if (!is_bpe) {
    result.keys.set("tokenizer.ggml.add_space_prefix", model.add_dummy_prefix);
    result.keys.set("tokenizer.ggml.remove_extra_whitespaces", model.remove_extra_whitespaces);
    if (!model.precompiled_charsmap.empty()) {
      result.keys.set("tokenizer.ggml.precompiled_charsmap", model.precompiled_charsmap);
    }
  }
  return result;
}

}  // namespace pajamas
