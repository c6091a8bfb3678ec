// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "text/base64.h"
#include "text/byte_level.h"
#include "text/pre_tokenizer_definitions.h"
#include "text/pre_tokenizer_name.h"
#include "text/special_tokens.h"
#include "text/tokenizer.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"
#include "text/vocabulary.h"
#include "text/vocabulary_export.h"

namespace pajamas {
namespace {

constexpr JsonLimits kConfigLimits{};

const Json& member_or_null(const Json& object, std::string_view key) {
  static const Json null = nullptr;
  const Json* member = find_member(object, key);
  return member == nullptr ? null : *member;
}

void put_added_tokens(const TokenDecoder& decoder, TokenizerParts& parts) {
  for (const auto& [id, token] : parts.added) {
    parts.put(id, token.text, decoder.bytes_of(token.text), token.special);
  }
}

void put_model_tokens(const TokenIds& ids, const TokenDecoder& decoder, TokenizerParts& parts) {
  for (const auto& [token, id] : ids) parts.put(id, token, decoder.bytes_of(token), false);
}

// Which kind of model a tokenizer.json has; old files do not say it.
std::string model_type(const Json& model) {
  const Json& type = member_or_null(model, "type");
  if (type.is_string()) return type.get<std::string>();
  if (model.contains("merges")) return "BPE";
  return member_or_null(model, "vocab").is_array() ? "Unigram" : "WordPiece";
}

Result<WordPieceModel> parse_word_piece(const Json& model) {
  const BpeModel vocabulary = PJ_TRY(parse_bpe_model(model));  // the same list of tokens
  WordPieceModel result{.ids = vocabulary.ids};
  const std::string unknown = vocabulary.unknown_token.value_or("[UNK]");
  result.unknown_id = vocabulary.find(unknown).value_or(-1);
  result.continuing_prefix = PJ_TRY(get_string(model, "continuing_subword_prefix")).value_or("##");
  const auto chars = PJ_TRY(get_int(model, "max_input_chars_per_word")).value_or(100);
  result.max_word_chars = static_cast<std::size_t>(std::clamp<std::int64_t>(chars, 1, 1000));
  return result;
}

Status read_model(const Json& model, const TokenDecoder& decoder, TokenizerParts& parts) {
  const std::string type = model_type(model);
  if (type == "BPE") {
    const BpeModel bpe = PJ_TRY(parse_bpe_model(model));
    put_model_tokens(bpe.ids, decoder, parts);
    if (bpe.unknown_token) parts.special.unk = bpe.find(*bpe.unknown_token);
    parts.model = BpeWords::from_merges(bpe);
  } else if (type == "WordPiece") {
    WordPieceModel words = PJ_TRY(parse_word_piece(model));
    put_model_tokens(words.ids, decoder, parts);
    if (words.unknown_id >= 0) parts.special.unk = words.unknown_id;
    parts.model = std::move(words);
  } else if (type == "Unigram") {
    const auto [pieces, scores] = PJ_TRY(parse_unigram_pieces(model));
    const auto unknown = PJ_TRY(get_int(model, "unk_id")).value_or(-1);
    if (unknown >= static_cast<std::int64_t>(pieces.size())) {
      return make_error(ErrorCode::kInvalidData, "'unk_id' is {}, but there are {} pieces", unknown,
                        pieces.size());
    }
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      parts.put(static_cast<std::int64_t>(id), pieces[id].text, decoder.bytes_of(pieces[id].text),
                false);
    }
    if (unknown >= 0) parts.special.unk = static_cast<std::int32_t>(unknown);
    parts.model = PJ_TRY(UnigramModel::create(
        pieces, static_cast<std::int32_t>(std::max<std::int64_t>(unknown, -1)), scores));
  } else {
    return make_error(ErrorCode::kUnsupported,
                      "the tokenizer model is of type '{}', expected BPE, Unigram or WordPiece",
                      type);
  }
  return {};
}

Result<TokenizerParts> parts_from_json(const TokenizerFolder& folder) {
  const Json& file = *folder.tokenizer;
  const Json* model = find_member(file, "model");
  if (model == nullptr || !model->is_object()) {
    return make_error(ErrorCode::kInvalidData, "there is no 'model' object");
  }
  TokenizerParts parts;
  const TokenDecoder decoder = PJ_TRY(TokenDecoder::from_json(member_or_null(file, "decoder")));
  parts.drops_first_space = decoder.drops_first_space();
  parts.normalizer = PJ_TRY(Normalizer::from_json(member_or_null(file, "normalizer")));
  parts.pre_tokenizer = PJ_TRY(PreTokenizer::from_json(member_or_null(file, "pre_tokenizer")));
  const Status status = read_model(*model, decoder, parts);
  if (!status) return std::unexpected(status.error());
  parts.added = PJ_TRY(read_added_tokens(folder));
  put_added_tokens(decoder, parts);
  parts.around = read_post_processor(member_or_null(file, "post_processor"));
  return parts;
}

std::optional<std::int32_t> find_text(const TokenizerParts& parts, std::string_view text) {
  const auto found = std::ranges::find(parts.texts, text);
  if (found == parts.texts.end() || text.empty()) return std::nullopt;
  return static_cast<std::int32_t>(found - parts.texts.begin());
}

void add_end_ids(const Json& config, const TokenizerParts& parts, std::vector<std::int32_t>& ends) {
  const auto add = [&](const Json& id) {
    if (!id.is_number_integer()) return;
    const auto value = id.get<std::int64_t>();
    if (value < 0 || value >= static_cast<std::int64_t>(parts.texts.size())) return;
    ends.push_back(static_cast<std::int32_t>(value));
  };
  const Json& eos = member_or_null(config, "eos_token_id");
  add(eos);
  if (!eos.is_array()) return;
  for (const Json& id : eos) add(id);
}

// Ids by role: from the files as the export reads them, then by the texts that
// tokenizer_config.json names, then those of `usual` that the vocabulary has.
using UsualTexts = std::vector<std::pair<std::string_view, std::string_view>>;
Result<SpecialTokens> read_special_ids(const TokenizerFolder& folder, const UsualTexts& usual,
                                       TokenizerParts& parts) {
  Json config = Json::object();
  for (const std::string_view name : {"config.json", "generation_config.json"}) {
    if (!folder.has_file(name)) continue;
    const Json file = PJ_TRY(read_json_file(folder.path / name, kConfigLimits));
    add_end_ids(file, parts, parts.end_of_generation);
    if (name == "config.json") config = file;
  }
  const SpecialTokens found =
      find_special_tokens(folder, config, static_cast<std::int64_t>(parts.texts.size()));
  const auto id_of = [&](std::string_view role) -> std::optional<std::int32_t> {
    if (const auto id = found.id_of(role)) return static_cast<std::int32_t>(*id);
    if (const Json* entry = folder.config_member(fmt::format("{}_token", role))) {
      if (const auto id = find_text(parts, token_content(*entry).value_or(""))) return id;
    }
    for (const auto& [usual_role, text] : usual) {
      if (usual_role != role) continue;
      if (const auto id = find_text(parts, text)) return id;
    }
    return std::nullopt;
  };
  SpecialIds& special = parts.special;
  const std::optional<std::int32_t> model_unknown = special.unk;
  special = {.bos = id_of("bos"),
             .eos = id_of("eos"),
             .eot = id_of("eot"),
             .eom = id_of("eom"),
             .pad = id_of("pad"),
             .unk = id_of("unk")};
  if (!special.unk) special.unk = model_unknown;
  return found;
}

// add_bos and add_eos of the files, where they say so, instead of the class's habit.
void surround(const SpecialTokens& found, bool usual_bos, bool usual_eos, TokenizerParts& parts) {
  const auto wanted = [&](std::string_view role, bool usual) {
    for (const auto& [name, value] : found.add) {
      if (name == role) return value;
    }
    return usual;
  };
  if (wanted("bos", usual_bos) && parts.special.bos) {
    parts.around.before.push_back(*parts.special.bos);
  }
  if (wanted("eos", usual_eos) && parts.special.eos) {
    parts.around.after.push_back(*parts.special.eos);
  }
}

// tiktoken's text form: a line is the base64 of a token and its rank.
Result<std::vector<std::string>> parse_ranks(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const std::size_t space = line.find(' ');
    std::size_t rank = 0;
    const std::string_view digits =
        space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    const auto [stop, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), rank);
    const std::optional<std::string> bytes = decode_base64(line.substr(0, space));
    if (problem != std::errc{} || rank != pieces.size() || !bytes || bytes->empty() ||
        rank >= static_cast<std::size_t>(kMaxTokens)) {
      return make_error(ErrorCode::kInvalidData, "line {} is no base64 text with the rank {}",
                        pieces.size() + 1, pieces.size());
    }
    pieces.push_back(*bytes);
  }
  return pieces;
}

// The ranks do not say how text is cut; the only models that ship them bare are Llama 3's, which
// begin a text with their first special token.
Result<TokenizerParts> parts_from_ranks(std::string_view text, const TokenizerFolder& folder) {
  const std::vector<std::string> pieces = PJ_TRY(parse_ranks(text));
  TokenizerParts parts;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    parts.put(static_cast<std::int64_t>(id), to_byte_level(pieces[id]), pieces[id], false);
  }
  parts.model = BpeWords::from_ranks(pieces);
  parts.pre_tokenizer =
      PJ_TRY(PreTokenizer::from_json(pre_tokenizer_json(find_pre_tokenizer("llama-bpe")->steps)));
  parts.added = PJ_TRY(read_added_tokens(folder));
  put_added_tokens(TokenDecoder::byte_level(), parts);
  const SpecialTokens found = PJ_TRY(
      read_special_ids(folder, {{"bos", "<|begin_of_text|>"}, {"eos", "<|end_of_text|>"}}, parts));
  surround(found, true, false, parts);
  return parts;
}

Result<TokenizerParts> parts_from_sentencepiece(const SentencePieceModel& model,
                                                const TokenizerFolder& folder) {
  TokenizerParts parts;
  const TokenDecoder decoder = TokenDecoder::sentencepiece(model.add_dummy_prefix);
  parts.drops_first_space = model.add_dummy_prefix;
  parts.normalizer =
      PJ_TRY(Normalizer::for_sentencepiece({.charsmap = model.precompiled_charsmap,
                                            .remove_extra_spaces = model.remove_extra_whitespaces,
                                            .add_space_prefix = model.add_dummy_prefix}));
  parts.added_text = TextPipeline::AddedText::kKeep;
  std::int32_t unknown = -1;
  for (std::size_t index = 0; index < model.pieces.size(); ++index) {
    const SentencePiece& piece = model.pieces[index];
    const auto id = static_cast<std::int32_t>(index);
    const bool is_control = piece.type == PieceType::kControl;
    const bool is_unknown = piece.type == PieceType::kUnknown;
    if (is_unknown) unknown = id;
    parts.put(id, piece.text, is_control ? piece.text : decoder.bytes_of(piece.text),
              is_control || is_unknown);
    if (is_control) {
      parts.added[id] = {.id = id, .text = piece.text, .special = true, .normalized = false};
    } else if (piece.type == PieceType::kUserDefined) {
      parts.added[id] = {.id = id, .text = replace_all(piece.text, " ", "\xe2\x96\x81")};
    }
  }
  for (const auto& [id, token] : PJ_TRY(read_added_tokens(folder))) {
    // The model's own tokens stay what they are.
    if (id < static_cast<std::int64_t>(model.pieces.size())) continue;
    AddedToken raw = token;
    raw.normalized = false;
    parts.added[id] = raw;
    parts.put(id, token.text, token.text, token.special);
  }
  if (unknown >= 0) parts.special.unk = unknown;
  const bool is_bpe = model.kind == SentencePieceKind::kBpe;
  if (is_bpe) {
    parts.model = BpeWords::from_scores(model.pieces, unknown);
  } else {
    parts.model = PJ_TRY(UnigramModel::create(model.pieces, unknown));
  }
  const SpecialTokens found = PJ_TRY(read_special_ids(
      folder, {{"bos", "<s>"}, {"eos", "</s>"}, {"unk", "<unk>"}, {"pad", "<pad>"}}, parts));
  surround(found, is_bpe, !is_bpe, parts);
  return parts;
}

}  // namespace

Result<TokenizerParts> tokenizer_from_json(const TokenizerFolder& folder) {
  const std::string where = fmt::format("'{}'", (folder.path / "tokenizer.json").string());
  Result<TokenizerParts> parts = parts_from_json(folder);
  if (!parts) return std::unexpected(parts.error().with_context(where));
  const UsualTexts usual = {{"bos", "<|begin_of_text|>"},
                            {"bos", "<s>"},
                            {"bos", "[CLS]"},
                            {"eos", "<|endoftext|>"},
                            {"eos", "</s>"},
                            {"eos", "[SEP]"},
                            {"pad", "<pad>"},
                            {"pad", "[PAD]"}};
  static_cast<void>(PJ_TRY(read_special_ids(folder, usual, *parts)));
  return parts;
}

Result<TokenizerParts> tokenizer_from_sentencepiece(const TokenizerFolder& folder,
                                                    const std::filesystem::path& file) {
  const std::string bytes = PJ_TRY(read_text_file(file, kMaxTokenizerBytes));
  const std::string where = fmt::format("'{}'", file.string());
  // A protobuf of pieces begins with the tag of its first field, a line of base64 with a letter.
  const bool is_ranks = !bytes.empty() && bytes.front() != '\n';
  if (is_ranks) {
    Result<TokenizerParts> parts = parts_from_ranks(bytes, folder);
    if (!parts) return std::unexpected(parts.error().with_context(where));
    return parts;
  }
  const SentencePieceModel model =
      PJ_TRY(parse_sentencepiece(std::as_bytes(std::span(bytes)), file.string()));
  if (model.kind != SentencePieceKind::kBpe && model.kind != SentencePieceKind::kUnigram) {
    return make_error(ErrorCode::kUnsupported,
                      "{} is a SentencePiece model of words or characters, expected BPE or Unigram",
                      where);
  }
  Result<TokenizerParts> parts = parts_from_sentencepiece(model, folder);
  if (!parts) return std::unexpected(parts.error().with_context(where));
  return parts;
}

Result<TokenizerParts> tokenizer_from_bpe_files(const TokenizerFolder& folder) {
  const BpeModel bpe = PJ_TRY(read_bpe_files(folder.path));
  TokenizerParts parts;
  parts.added = PJ_TRY(complete_added_tokens(folder, bpe));
  const PreTokenizerName named =
      name_pre_tokenizer({.model = bpe, .added = parts.added, .folder = folder});
  const PreTokenizerDefinition* definition = find_pre_tokenizer(named.name);
  if (definition == nullptr) {
    return make_error(ErrorCode::kUnsupported,
                      "'{}' has vocab.json and merges.txt of the kind '{}', whose way to cut words "
                      "is not known; a tokenizer.json is needed",
                      folder.path.string(), named.name);
  }
  const TokenDecoder decoder = TokenDecoder::byte_level();
  put_model_tokens(bpe.ids, decoder, parts);
  put_added_tokens(decoder, parts);
  BpeWords words = BpeWords::from_merges(bpe);
  // These files do not say whether words that are tokens are taken whole. Vocabularies that were
  // made for tiktoken are meant so, and in the others all tokens are reached by merges anyway.
  words.set_ignore_merges(definition->steps == find_pre_tokenizer("llama-bpe")->steps);
  parts.model = std::move(words);
  parts.pre_tokenizer = PJ_TRY(PreTokenizer::from_json(pre_tokenizer_json(definition->steps)));
  // Qwen's class normalizes, GPT-2's does not.
  if (folder.tokenizer_class().starts_with("Qwen2")) {
    parts.normalizer = PJ_TRY(Normalizer::from_json({{"type", "NFC"}}));
  }
  const SpecialTokens found = PJ_TRY(read_special_ids(
      folder, {{"bos", "<|begin_of_text|>"}, {"eos", "<|endoftext|>"}, {"eos", "<|end_of_text|>"}},
      parts));
  surround(found, false, false, parts);
  return parts;
}

Result<TokenizerParts> tokenizer_from_word_list(const TokenizerFolder& folder) {
  const std::filesystem::path file = folder.path / "vocab.txt";
  const std::string text = PJ_TRY(read_text_file(file, kMaxTokenizerBytes));
  if (!is_valid_utf8(text)) {
    return make_error(ErrorCode::kInvalidData, "'{}' is not valid UTF-8", file.string());
  }
  WordPieceModel words;
  TokenizerParts parts;
  const TokenDecoder decoder = TokenDecoder::word_piece(words.continuing_prefix);
  parts.drops_first_space = decoder.drops_first_space();
  std::int64_t next = 0;
  for (std::size_t start = 0; start < text.size() && next < kMaxTokens; ++next) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = std::string_view(text).substr(start, end - start);
    start = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    words.ids.insert_or_assign(std::string(line), static_cast<std::int32_t>(next));
    parts.put(next, line, decoder.bytes_of(line), false);
  }
  const UsualTexts usual = {
      {"bos", "[CLS]"}, {"eos", "[SEP]"}, {"pad", "[PAD]"}, {"unk", "[UNK]"}, {"mask", "[MASK]"}};
  for (const auto& [role, token] : usual) {
    const auto found = words.ids.find(token);
    if (found == words.ids.end()) continue;
    const std::int32_t id = found->second;
    parts.added[id] = {.id = id, .text = std::string(token), .special = true, .normalized = false};
  }
  for (const auto& [id, token] : PJ_TRY(read_added_tokens(folder))) parts.added[id] = token;
  put_added_tokens(decoder, parts);
  if (const auto id = find_text(parts, "[UNK]")) words.unknown_id = *id;
  const Json* lower = folder.config_member("do_lower_case");
  const bool lowercase = lower == nullptr || !lower->is_boolean() || lower->get<bool>();
  parts.normalizer =
      PJ_TRY(Normalizer::from_json({{"type", "BertNormalizer"}, {"lowercase", lowercase}}));
  parts.pre_tokenizer = PJ_TRY(PreTokenizer::from_json({{"type", "BertPreTokenizer"}}));
  parts.model = std::move(words);
  const SpecialTokens found = PJ_TRY(read_special_ids(folder, usual, parts));
  surround(found, true, true, parts);
  return parts;
}

Result<Tokenizer> Tokenizer::open_folder(const std::filesystem::path& path) {
  const TokenizerFolder folder = PJ_TRY(read_tokenizer_folder(path));
  if (folder.tokenizer) return from_parts(PJ_TRY(tokenizer_from_json(folder)));
  for (const std::string_view name :
       {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model"}) {
    if (folder.has_file(name)) {
      return from_parts(PJ_TRY(tokenizer_from_sentencepiece(folder, path / name)));
    }
  }
  if (folder.has_file("vocab.json")) return from_parts(PJ_TRY(tokenizer_from_bpe_files(folder)));
  if (folder.has_file("vocab.txt")) return from_parts(PJ_TRY(tokenizer_from_word_list(folder)));
  return make_error(ErrorCode::kNotFound,
                    "'{}' has no tokenizer: expected tokenizer.json, tokenizer.model, vocab.json "
                    "with merges.txt, or vocab.txt",
                    path.string());
}

}  // namespace pajamas
