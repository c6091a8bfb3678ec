// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_export.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "text/bpe_model.h"
#include "text/chat_template_files.h"
#include "text/pre_tokenizer_name.h"
#include "text/sentencepiece_model.h"
#include "text/special_tokens.h"
#include "text/tokenizer_folder.h"
#include "text/vocabulary_export.h"

namespace pajamas {
namespace {

// Classes of config.json's "architectures" that llama.cpp's converter handles as it does llama:
// the folder's add_prefix_space is kept, and two vocabulary sizes stand for two models.
constexpr std::array<std::string_view, 11> kLlamaClasses = {
    "LlamaForCausalLM",   "LLaMAForCausalLM",      "LlamaModel",
    "MistralForCausalLM", "MixtralForCausalLM",    "SmolLM3ForCausalLM",
    "GraniteForCausalLM", "GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM",
    "ArceeForCausalLM",   "IQuestCoderForCausalLM"};
constexpr std::int64_t kCodeLlamaVocabulary = 32016;
constexpr std::uint32_t kCodeLlamaEndOfTurn = 32010;
constexpr std::int64_t kGraniteCodeVocabulary = 49152;

bool has_architecture(const Json& config, auto predicate) {
  const Json* list = find_member(config, "architectures");
  if (list == nullptr || !list->is_array() || list->empty() || !list->front().is_string()) {
    return false;
  }
  return predicate(list->front().get_ref<const std::string&>());
}

bool is_llama_like(const Json& config) {
  return has_architecture(config, [](std::string_view name) {
    return std::ranges::find(kLlamaClasses, name) != kLlamaClasses.end();
  });
}

bool is_phi3(const Json& config) {
  return has_architecture(config, [](std::string_view name) {
    return name == "Phi3ForCausalLM" || name == "PhiMoEForCausalLM";
  });
}

// tiktoken's text form: lines of base64 and a rank.
bool is_tiktoken_text(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == line.size()) return false;
  return std::ranges::all_of(line.substr(space + 1), [](char c) { return c >= '0' && c <= '9'; });
}

// The SentencePiece file to convert; nothing when the folder has none or its tokenizer.json is to
// be preferred.
Result<std::optional<SentencePieceModel>> read_sentencepiece(const TokenizerFolder& folder,
                                                             const Json& config,
                                                             std::vector<std::string>& warnings) {
  if (is_phi3(config) && folder.tokenizer_class() == "GPT2Tokenizer") return std::nullopt;
  std::string_view name = "tokenizer.model";
  if (!folder.has_file(name)) name = "spiece.model";
  if (!folder.has_file(name)) return std::nullopt;
  const std::filesystem::path path = folder.path / name;
  const std::string bytes = PJ_TRY(read_text_file(path, kMaxTokenizerBytes));
  if (is_tiktoken_text(bytes)) {
    if (!folder.tokenizer) {
      return make_error(ErrorCode::kUnsupported,
                        "'{}' is in tiktoken's format, which holds no merges; a tokenizer.json "
                        "beside it is needed",
                        path.string());
    }
    warnings.push_back(
        fmt::format("'{}' is in tiktoken's format; tokenizer.json is used instead", path.string()));
    return std::nullopt;
  }
  return PJ_TRY(
      parse_sentencepiece(std::as_bytes(std::span(bytes)), fmt::format("'{}'", path.string())));
}

std::string json_type(const Json* object) {
  const Json* type = object == nullptr ? nullptr : find_member(*object, "type");
  return type != nullptr && type->is_string() ? type->get<std::string>() : "";
}

void move_into(std::vector<std::string>& from, std::vector<std::string>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

// A BPE with byte fallback is a SentencePiece vocabulary in other clothes.
Result<VocabularyExport> export_bpe(const TokenizerFolder& folder, BpeModel model,
                                    const Json& config, const TokenizerRules& rules) {
  if (model.byte_fallback) return export_byte_fallback_bpe(folder, model, rules.vocab_size);
  if (model.merges.empty() && folder.has_file("merges.txt")) {
    model.merges = PJ_TRY(read_merges_file(folder.path / "merges.txt", model.warnings));
  }
  const AddedTokens added = PJ_TRY(complete_added_tokens(folder, model));
  const SpecialTokens special = find_special_tokens(folder, config, kMaxTokens);
  PreTokenizerName pre = name_pre_tokenizer({.model = model,
                                             .added = added,
                                             .folder = folder,
                                             .bos_id = special.id_of("bos"),
                                             .eos_id = special.id_of("eos"),
                                             .fallback = rules.pre_tokenizer});
  VocabularyExport result =
      PJ_TRY(export_byte_level_bpe(folder, model, added, pre.name, rules.vocab_size));
  move_into(pre.warnings, result.warnings);
  return result;
}

Result<std::optional<VocabularyExport>> export_vocabulary(const TokenizerFolder& folder,
                                                          const Json& config,
                                                          const TokenizerRules& rules,
                                                          std::vector<std::string>& warnings) {
  const auto sentencepiece = PJ_TRY(read_sentencepiece(folder, config, warnings));
  if (sentencepiece) {
    return PJ_TRY(export_sentencepiece(
        folder, *sentencepiece,
        {.vocab_size = rules.vocab_size, .tokenizer_json_last = is_phi3(config)}));
  }
  if (folder.tokenizer) {
    const std::string where = (folder.path / "tokenizer.json").string();
    const Json* model = find_member(*folder.tokenizer, "model");
    // Old files do not say the type; only BPE has merges.
    std::string type = json_type(model);
    if (type.empty() && model != nullptr && model->contains("merges")) type = "BPE";
    if (type != "BPE") {
      return make_error(ErrorCode::kUnsupported,
                        "'{}': the tokenizer model is of type '{}', expected BPE (a Unigram needs "
                        "its tokenizer.model)",
                        where, type);
    }
    Result<BpeModel> bpe = parse_bpe_model(*model);
    if (!bpe) return std::unexpected(bpe.error().with_context(fmt::format("'{}'", where)));
    return PJ_TRY(export_bpe(folder, std::move(*bpe), config, rules));
  }
  if (folder.has_file("vocab.json")) {
    BpeModel bpe = PJ_TRY(read_bpe_files(folder.path));
    return PJ_TRY(export_bpe(folder, std::move(bpe), config, rules));
  }
  if (folder.has_file("tekken.json")) {
    return make_error(ErrorCode::kUnsupported,
                      "'{}' has its tokenizer only as tekken.json; a tokenizer.json is needed",
                      folder.path.string());
  }
  if (folder.has_file("vocab.txt")) {
    return make_error(ErrorCode::kUnsupported,
                      "'{}' has a WordPiece tokenizer (vocab.txt), expected BPE or SentencePiece",
                      folder.path.string());
  }
  return std::nullopt;
}

void write_llama_rules(const TokenizerFolder& folder, std::int64_t vocab_size, Metadata& keys) {
  if (const Json* prefix = folder.config_member("add_prefix_space");
      prefix != nullptr && prefix->is_boolean()) {
    keys.set("tokenizer.ggml.add_space_prefix", prefix->get<bool>());
  }
  if (vocab_size == kCodeLlamaVocabulary) {
    keys.set("tokenizer.ggml.eot_token_id", kCodeLlamaEndOfTurn);
  }
  if (vocab_size == kGraniteCodeVocabulary) keys.set("tokenizer.ggml.add_bos_token", false);
}

}  // namespace

Result<TokenizerExport> export_tokenizer(const std::filesystem::path& model_dir, const Json& config,
                                         const TokenizerRules& rules) {
  if (rules.vocab_size < 0 || rules.vocab_size > kMaxTokens) {
    return make_error(ErrorCode::kInvalidData, "the vocabulary has {} entries, expected at most {}",
                      rules.vocab_size, kMaxTokens);
  }
  const TokenizerFolder folder = PJ_TRY(read_tokenizer_folder(model_dir));
  TokenizerExport result;
  auto vocabulary = PJ_TRY(export_vocabulary(folder, config, rules, result.warnings));
  if (!vocabulary) {
    result.keys.set("tokenizer.ggml.model", std::string("none"));
    result.warnings.push_back(
        fmt::format("'{}' has no tokenizer; the output has none either", model_dir.string()));
    return result;
  }
  result.keys = std::move(vocabulary->keys);
  result.token_count = vocabulary->token_count;
  move_into(vocabulary->warnings, result.warnings);

  SpecialTokens special = find_special_tokens(folder, config, result.token_count);
  write_special_tokens(special, result.keys);
  move_into(special.warnings, result.warnings);
  ChatTemplates templates = PJ_TRY(read_chat_templates(folder));
  write_chat_templates(templates, result.keys);
  move_into(templates.warnings, result.warnings);

  if (is_llama_like(config)) write_llama_rules(folder, result.token_count, result.keys);
  if (rules.add_space_prefix) {
    result.keys.set("tokenizer.ggml.add_space_prefix", *rules.add_space_prefix);
  }
  return result;
}

}  // namespace pajamas
