// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "text/metaspace.h"
#include "text/pre_tokenizer_definitions.h"
#include "text/tokenizer.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace pajamas {
namespace {

// Pre-tokenizers with which llama.cpp takes a word that is a token whole, and begins texts with
// bos unless a key says otherwise.
constexpr std::array<std::string_view, 10> kWholeWordNames = {
    "llama3",  "llama-v3", "llama-bpe", "falcon3", "falcon-h1",
    "pixtral", "midm-2.0", "lfm2",      "tekken",  "youtu"};

struct Vocab {
  const std::vector<std::string>* tokens = nullptr;
  std::vector<float> scores;
  std::vector<TokenType> types;

  [[nodiscard]] std::size_t size() const { return tokens->size(); }
};

bool is_plain(TokenType type) {
  return type == TokenType::kNormal || type == TokenType::kUserDefined || type == TokenType::kByte;
}

Result<Vocab> read_vocab(const Metadata& keys) {
  Vocab vocab;
  vocab.tokens = keys.find_as<std::vector<std::string>>("tokenizer.ggml.tokens");
  if (vocab.tokens == nullptr || vocab.tokens->size() > static_cast<std::size_t>(kMaxTokens)) {
    return make_error(ErrorCode::kInvalidData,
                      "there is no tokenizer.ggml.tokens of at most {} texts", kMaxTokens);
  }
  vocab.scores.assign(vocab.size(), 0.0F);
  vocab.types.assign(vocab.size(), TokenType::kNormal);
  const auto check_count = [&](std::string_view key, std::size_t count) -> Status {
    if (count == vocab.size()) return {};
    return make_error(ErrorCode::kInvalidData,
                      "{} has {} entries, expected one for each of {} tokens", key, count,
                      vocab.size());
  };
  if (const auto* scores = keys.find_as<std::vector<float>>("tokenizer.ggml.scores")) {
    const Status status = check_count("tokenizer.ggml.scores", scores->size());
    if (!status) return std::unexpected(status.error());
    vocab.scores = *scores;
  }
  if (const auto* types = keys.find_as<std::vector<std::int32_t>>("tokenizer.ggml.token_type")) {
    const Status status = check_count("tokenizer.ggml.token_type", types->size());
    if (!status) return std::unexpected(status.error());
    std::ranges::transform(*types, vocab.types.begin(), [](std::int32_t type) {
      return type >= 1 && type <= 6 ? static_cast<TokenType>(type) : TokenType::kNormal;
    });
  }
  for (std::size_t id = 0; id < vocab.size(); ++id) {
    if (!std::isfinite(vocab.scores[id])) {
      return make_error(ErrorCode::kInvalidData, "token {} has the score {}, expected a number", id,
                        vocab.scores[id]);
    }
    if (!is_valid_utf8((*vocab.tokens)[id])) {
      return make_error(ErrorCode::kInvalidData, "token {} is not valid UTF-8", id);
    }
  }
  return vocab;
}

// Pieces as bytes; control, user-defined and unknown tokens are matched in raw text.
void put_tokens(const Vocab& vocab, const TokenDecoder& decoder, TokenizerParts& parts) {
  parts.drops_first_space = decoder.drops_first_space();
  for (std::size_t index = 0; index < vocab.size(); ++index) {
    const std::string& text = (*vocab.tokens)[index];
    const auto id = static_cast<std::int32_t>(index);
    const TokenType type = vocab.types[index];
    const bool is_special = type == TokenType::kControl || type == TokenType::kUnknown;
    const bool is_raw = is_special || type == TokenType::kUserDefined;
    std::string piece = is_raw ? text : decoder.bytes_of(text);
    if (type == TokenType::kUnused) piece.clear();
    parts.put(id, text, std::move(piece), is_special);
    if (!is_raw || text.empty()) continue;
    parts.added[id] = {.id = id, .text = text, .special = is_special, .normalized = false};
  }
}

std::vector<SentencePiece> pieces_of(const Vocab& vocab) {
  std::vector<SentencePiece> pieces;
  pieces.reserve(vocab.size());
  for (std::size_t id = 0; id < vocab.size(); ++id) {
    // The types have the same numbers in both kinds of file.
    pieces.push_back({.text = (*vocab.tokens)[id],
                      .score = vocab.scores[id],
                      .type = static_cast<PieceType>(vocab.types[id])});
  }
  return pieces;
}

// Ids are written as any integer type.
std::optional<std::int32_t> id_key(const Metadata& keys, std::string_view key, std::size_t count) {
  const MetadataValue* value = keys.find(key);
  if (value == nullptr) return std::nullopt;
  return std::visit(
      [&](const auto& number) -> std::optional<std::int32_t> {
        using T = std::decay_t<decltype(number)>;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          if (std::in_range<std::int32_t>(number) && std::cmp_greater_equal(number, 0) &&
              std::cmp_less(number, count)) {
            return static_cast<std::int32_t>(number);
          }
        }
        return std::nullopt;
      },
      *value);
}

bool flag_key(const Metadata& keys, std::string_view key, bool fallback) {
  const bool* value = keys.find_as<bool>(key);
  return value == nullptr ? fallback : *value;
}

struct Habits {
  bool add_bos = false;
  bool add_eos = false;
  std::optional<std::int32_t> bos{};  // where no key names it
  std::optional<std::int32_t> eos{};
};

void put_special_ids(const Metadata& keys, const Habits& habits, TokenizerParts& parts) {
  const auto id_of = [&](std::string_view role) {
    return id_key(keys, fmt::format("tokenizer.ggml.{}_token_id", role), parts.texts.size());
  };
  const auto in_range = [&](std::optional<std::int32_t> id) {
    return id && static_cast<std::size_t>(*id) < parts.texts.size() ? id : std::nullopt;
  };
  SpecialIds& special = parts.special;
  special.bos = id_of("bos");
  special.eos = id_of("eos");
  if (!special.bos) special.bos = in_range(habits.bos);
  if (!special.eos) special.eos = in_range(habits.eos);
  special.eot = id_of("eot");
  special.eom = id_of("eom");
  special.pad = id_of("padding");
  if (const auto unknown = id_of("unknown")) special.unk = unknown;
  if (flag_key(keys, "tokenizer.ggml.add_bos_token", habits.add_bos) && special.bos) {
    parts.around.before.push_back(*special.bos);
  }
  if (flag_key(keys, "tokenizer.ggml.add_eos_token", habits.add_eos) && special.eos) {
    parts.around.after.push_back(*special.eos);
  }
}

Result<TokenizerParts> byte_level_parts(const Metadata& keys, const Vocab& vocab) {
  const auto* pre = keys.find_as<std::string>("tokenizer.ggml.pre");
  const std::string name = pre == nullptr ? "default" : *pre;
  const PreTokenizerDefinition* definition = find_pre_tokenizer(name);
  if (definition == nullptr) {
    return make_error(ErrorCode::kUnsupported,
                      "tokenizer.ggml.pre is '{}', which is not a known way to cut text into words",
                      name);
  }
  TokenizerParts parts;
  parts.pre_tokenizer = PJ_TRY(PreTokenizer::from_json(pre_tokenizer_json(definition->steps)));
  put_tokens(vocab, TokenDecoder::byte_level(), parts);
  BpeModel model;
  for (std::size_t id = 0; id < vocab.size(); ++id) {
    if (!is_plain(vocab.types[id])) continue;
    model.ids.try_emplace((*vocab.tokens)[id], static_cast<std::int32_t>(id));
  }
  if (const auto* merges = keys.find_as<std::vector<std::string>>("tokenizer.ggml.merges")) {
    model.merges.reserve(merges->size());
    for (const std::string& line : *merges) {
      const std::size_t space = line.find(' ', 1);
      if (space == std::string::npos) continue;
      model.merges.push_back({line.substr(0, space), line.substr(space + 1)});
    }
  }
  const bool takes_whole_words = std::ranges::find(kWholeWordNames, name) != kWholeWordNames.end();
  BpeWords words = BpeWords::from_merges(model);
  words.set_ignore_merges(takes_whole_words);
  parts.model = std::move(words);
  put_special_ids(keys, {.add_bos = takes_whole_words, .bos = 11, .eos = 11}, parts);
  return parts;
}

Result<TokenizerParts> scored_parts(const Metadata& keys, const Vocab& vocab) {
  TokenizerParts parts;
  const bool prefix = flag_key(keys, "tokenizer.ggml.add_space_prefix", true);
  parts.normalizer = PJ_TRY(Normalizer::for_sentencepiece({.add_space_prefix = prefix}));
  put_tokens(vocab, TokenDecoder::sentencepiece(prefix), parts);
  parts.special.unk = id_key(keys, "tokenizer.ggml.unknown_token_id", vocab.size()).value_or(0);
  parts.model = BpeWords::from_scores(pieces_of(vocab), *parts.special.unk);
  put_special_ids(keys, {.add_bos = true, .bos = 1, .eos = 2}, parts);
  return parts;
}

Result<TokenizerParts> unigram_parts(const Metadata& keys, const Vocab& vocab) {
  TokenizerParts parts;
  std::vector<std::uint8_t> charsmap;
  constexpr std::string_view kCharsmapKey = "tokenizer.ggml.precompiled_charsmap";
  if (const auto* bytes = keys.find_as<std::vector<std::uint8_t>>(kCharsmapKey)) {
    charsmap = *bytes;
  } else if (const auto* chars = keys.find_as<std::vector<std::int8_t>>(kCharsmapKey)) {
    charsmap.assign(chars->begin(), chars->end());
  }
  const bool prefix = flag_key(keys, "tokenizer.ggml.add_space_prefix", true);
  parts.normalizer = PJ_TRY(Normalizer::for_sentencepiece(
      {.charsmap = charsmap,
       .remove_extra_spaces = flag_key(keys, "tokenizer.ggml.remove_extra_whitespaces", true),
       .add_space_prefix = prefix}));
  put_tokens(vocab, TokenDecoder::sentencepiece(prefix), parts);
  const std::int32_t unknown =
      id_key(keys, "tokenizer.ggml.unknown_token_id", vocab.size()).value_or(2);
  parts.special.unk = unknown;
  parts.model = PJ_TRY(UnigramModel::create(pieces_of(vocab), unknown));
  put_special_ids(keys, {.add_eos = true, .eos = 1}, parts);
  return parts;
}

// GGUF spells the pieces that begin a word with U+2581 and the others bare.
Result<TokenizerParts> word_piece_parts(const Metadata& keys, const Vocab& vocab) {
  TokenizerParts parts;
  put_tokens(vocab, TokenDecoder::sentencepiece(true), parts);
  WordPieceModel words;
  for (std::size_t id = 0; id < vocab.size(); ++id) {
    if (!is_plain(vocab.types[id])) continue;
    const std::string& text = (*vocab.tokens)[id];
    const bool begins_word = text.starts_with(kMetaspaceText);
    words.ids.try_emplace(
        begins_word ? text.substr(kMetaspaceText.size()) : words.continuing_prefix + text,
        static_cast<std::int32_t>(id));
  }
  words.unknown_id = id_key(keys, "tokenizer.ggml.unknown_token_id", vocab.size()).value_or(-1);
  if (words.unknown_id >= 0) parts.special.unk = words.unknown_id;
  parts.model = std::move(words);
  parts.normalizer = PJ_TRY(Normalizer::from_json({{"type", "BertNormalizer"}}));
  parts.pre_tokenizer = PJ_TRY(PreTokenizer::from_json({{"type", "BertPreTokenizer"}}));
  Habits habits{.add_bos = true, .add_eos = true, .bos = 101};
  habits.eos = id_key(keys, "tokenizer.ggml.seperator_token_id", vocab.size()).value_or(102);
  put_special_ids(keys, habits, parts);
  return parts;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_metadata(const Metadata& keys) {
  using Open = Result<TokenizerParts> (*)(const Metadata&, const Vocab&);
  constexpr auto kKinds = std::to_array<std::pair<std::string_view, Open>>({
      {"gpt2", byte_level_parts},
      {"llama", scored_parts},
      {"t5", unigram_parts},
      {"bert", word_piece_parts},
  });
  const auto* model = keys.find_as<std::string>("tokenizer.ggml.model");
  if (model == nullptr) {
    return make_error(ErrorCode::kInvalidData, "the file has no tokenizer.ggml.model");
  }
  for (const auto& [name, open] : kKinds) {
    if (*model != name) continue;
    const Vocab vocab = PJ_TRY(read_vocab(keys));
    return from_parts(PJ_TRY(open(keys, vocab)));
  }
  return make_error(ErrorCode::kUnsupported,
                    "tokenizer.ggml.model is '{}', expected gpt2, llama, t5 or bert", *model);
}

}  // namespace pajamas
