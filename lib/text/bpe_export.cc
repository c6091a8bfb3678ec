// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "text/byte_level.h"
#include "text/metaspace.h"
#include "text/utf8.h"
#include "text/vocabulary_export.h"

namespace pajamas {
namespace {

constexpr float kNoScore = 0.0F;

std::int64_t last_id(const BpeModel& model, const AddedTokens& added) {
  std::int64_t last = added.empty() ? -1 : added.rbegin()->first;
  for (const auto& [token, id] : model.ids) last = std::max<std::int64_t>(last, id);
  return last;
}

// Rows of the embedding decide how many tokens there are; without that knowledge, the last id.
std::int64_t token_count(const BpeModel& model, const AddedTokens& added, std::int64_t vocab_size,
                         std::vector<std::string>& warnings) {
  const std::int64_t last = last_id(model, added);
  if (vocab_size <= 0) return last + 1;
  if (last >= vocab_size) {
    warnings.push_back(fmt::format(
        "the tokenizer has ids up to {}, but the embedding has {} rows; tokens from there on are "
        "left out",
        last, vocab_size));
  }
  return vocab_size;
}

void finish(Vocabulary& vocabulary, VocabularyExport& result) {
  result.token_count = vocabulary.size();
  for (const std::int64_t id : vocabulary.make_texts_unique()) {
    result.warnings.push_back(
        fmt::format("token {} repeats the text of another; it is unused", id));
  }
}

// What encoding the token and decoding it again gives: the decoder of byte-level vocabularies
// reads a token made of its 256 characters as bytes, and any other as it stands.
std::string decoded_text(const TokenizerFolder& folder, const std::string& text) {
  const Json* decoder = folder.tokenizer ? find_member(*folder.tokenizer, "decoder") : nullptr;
  const Json* type = decoder == nullptr ? nullptr : find_member(*decoder, "type");
  if (folder.tokenizer && (type == nullptr || *type != "ByteLevel")) return text;
  const std::optional<std::string> bytes = from_byte_level(text);
  return bytes ? replace_invalid_utf8(*bytes) : text;
}

bool has_byte_level_pieces(const BpeModel& model) {
  return model.find("\xc4\xa0").has_value() || !model.find(kMetaspaceText).has_value();
}

// A score per token such that merging the best pair first is merging in the order of the merges.
// A SentencePiece vocabulary converted to merges gets back the scores it had.
std::unordered_map<std::int32_t, float> merge_scores(const BpeModel& model) {
  std::unordered_map<std::int32_t, float> scores;
  scores.reserve(model.merges.size());
  float next = 0.0F;
  for (const BpeMerge& merge : model.merges) {
    const std::optional<std::int32_t> id = model.find(merge.left + merge.right);
    if (id && scores.emplace(*id, next).second) next -= 1.0F;
  }
  return scores;
}

}  // namespace

Result<AddedTokens> complete_added_tokens(const TokenizerFolder& folder, const BpeModel& model) {
  AddedTokens tokens = PJ_TRY(read_added_tokens(folder));
  // A text the model knows has the model's id, whatever the file says.
  for (auto it = tokens.begin(); it != tokens.end();) {
    const std::optional<std::int32_t> known = model.find(it->second.text);
    if (!known || *known == it->first) {
      ++it;
      continue;
    }
    AddedToken moved = std::move(it->second);
    it = tokens.erase(it);
    moved.id = *known;
    tokens.insert_or_assign(moved.id, std::move(moved));
  }
  std::unordered_set<std::string> texts;
  for (const auto& [id, token] : tokens) texts.insert(token.text);
  std::int64_t next = last_id(model, tokens) + 1;
  const bool has_config = folder.tokenizer_config.has_value() || folder.special_tokens_map;
  for (const std::string& name : named_special_tokens(folder)) {
    if (texts.contains(name)) continue;
    const std::optional<std::int32_t> known = model.find(name);
    if (!known && !has_config) continue;  // only a guess from the class
    if (!known && next >= kMaxTokens) break;
    const std::int64_t id = known ? *known : next++;
    tokens.insert_or_assign(
        id, AddedToken{.id = id, .text = name, .special = true, .normalized = false});
  }
  return tokens;
}

Result<VocabularyExport> export_byte_level_bpe(const TokenizerFolder& folder, const BpeModel& model,
                                               const AddedTokens& added, const std::string& pre,
                                               std::int64_t vocab_size) {
  VocabularyExport result;
  Vocabulary vocabulary(token_count(model, added, vocab_size, result.warnings), kNoScore);
  std::size_t repeated = 0;
  for (const auto& [token, id] : model.ids) {
    if (!vocabulary.has_id(id)) continue;
    if (vocabulary.type(id) != TokenType::kUnused) {
      ++repeated;
      // The order of the map is no order: the smaller text wins.
      if (vocabulary.text(id) < token) continue;
    }
    vocabulary.put(id, token, kNoScore, TokenType::kNormal);
  }
  if (repeated > 0) {
    result.warnings.push_back(fmt::format("{} tokens share their id with another", repeated));
  }
  for (const auto& [id, token] : added) {
    if (!vocabulary.has_id(id)) continue;
    std::string text = token.normalized ? token.text : decoded_text(folder, token.text);
    if (token.special || looks_special(text)) {
      vocabulary.put(id, std::move(text), kNoScore, TokenType::kControl);
    } else {
      // User-defined tokens are matched in raw text, where a space is a space.
      vocabulary.put(id, replace_all(text, kMetaspaceText, " "), kNoScore, TokenType::kUserDefined);
    }
  }
  if (!has_byte_level_pieces(model)) {
    result.warnings.emplace_back(
        "the vocabulary is written as byte-level BPE, but its pieces are not spelled so");
  }
  result.warnings.insert(result.warnings.end(), model.warnings.begin(), model.warnings.end());
  finish(vocabulary, result);
  result.keys.set("tokenizer.ggml.model", std::string("gpt2"));
  result.keys.set("tokenizer.ggml.pre", pre);
  result.keys.set("tokenizer.ggml.tokens", vocabulary.take_tokens());
  result.keys.set("tokenizer.ggml.token_type", vocabulary.take_types());
  if (!model.merges.empty()) {
    result.keys.set("tokenizer.ggml.merges", merge_lines(model));
  } else {
    result.warnings.emplace_back("no merges were found; the tokenizer cannot work without them");
  }
  return result;
}

Result<VocabularyExport> export_byte_fallback_bpe(const TokenizerFolder& folder,
                                                  const BpeModel& model, std::int64_t vocab_size) {
  VocabularyExport result;
  const AddedTokens added = PJ_TRY(complete_added_tokens(folder, model));
  Vocabulary vocabulary(token_count(model, added, vocab_size, result.warnings), kAddedScore);
  const std::unordered_map<std::int32_t, float> scores = merge_scores(model);
  const float lowest = std::min(kAddedScore, -static_cast<float>(scores.size()) - 1.0F);
  for (const auto& [token, id] : model.ids) {
    if (!vocabulary.has_id(id)) continue;
    const auto score = scores.find(id);
    vocabulary.put(id, token, score == scores.end() ? lowest : score->second,
                   is_byte_token(token) ? TokenType::kByte : TokenType::kNormal);
  }
  const std::vector<std::string> named = named_special_tokens(folder);
  const std::unordered_set<std::string> specials(named.begin(), named.end());
  const auto model_size = static_cast<std::int64_t>(model.ids.size());
  for (const auto& [id, token] : added) {
    if (!vocabulary.has_id(id)) continue;
    // Where no file names special tokens, the flags of the added tokens do.
    const bool is_special = named.empty() ? token.special : specials.contains(token.text);
    // Tokens of the model stay what they are unless they are special; those behind it were added.
    if (!is_special && id < model_size) continue;
    vocabulary.put(id, token.text, lowest,
                   is_special ? TokenType::kControl : TokenType::kUserDefined);
  }
  result.warnings.insert(result.warnings.end(), model.warnings.begin(), model.warnings.end());
  finish(vocabulary, result);
  result.keys.set("tokenizer.ggml.model", std::string("llama"));
  result.keys.set("tokenizer.ggml.pre", std::string("default"));
  result.keys.set("tokenizer.ggml.tokens", vocabulary.take_tokens());
  result.keys.set("tokenizer.ggml.scores", vocabulary.take_scores());
  result.keys.set("tokenizer.ggml.token_type", vocabulary.take_types());
  return result;
}

}  // namespace pajamas
