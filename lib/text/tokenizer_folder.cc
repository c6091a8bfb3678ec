// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_folder.h"

#include <array>
#include <charconv>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "text/vocabulary.h"

namespace pajamas {
namespace {

constexpr JsonLimits kLimits{.max_bytes = kMaxTokenizerBytes, .max_depth = 64};

constexpr std::array<std::string_view, 7> kSpecialNames = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

Result<std::optional<Json>> read_optional_json(const TokenizerFolder& folder,
                                               std::string_view name) {
  if (!folder.has_file(name)) return std::nullopt;
  Json document = PJ_TRY(read_json_file(folder.path / name, kLimits));
  if (!document.is_object()) {
    return make_error(ErrorCode::kInvalidData, "'{}' holds {}, expected an object",
                      (folder.path / name).string(), document.type_name());
  }
  return document;
}

Result<bool> flag_or(const Json& entry, std::string_view key, bool fallback) {
  const std::optional<bool> value = PJ_TRY(get_bool(entry, key));
  return value.value_or(fallback);
}

Result<AddedToken> parse_added_token(const Json& entry, std::int64_t id) {
  if (id < 0 || id >= kMaxTokens) {
    return make_error(ErrorCode::kInvalidData,
                      "added token id {} is out of range, expected 0 to {}", id, kMaxTokens - 1);
  }
  const std::optional<std::string> text = PJ_TRY(get_string(entry, "content"));
  if (!text) {
    return make_error(ErrorCode::kInvalidData, "added token {} has no 'content'", id);
  }
  AddedToken token{.id = id, .text = *text};
  token.special = PJ_TRY(flag_or(entry, "special", false));
  token.normalized = PJ_TRY(flag_or(entry, "normalized", !token.special));
  token.single_word = PJ_TRY(flag_or(entry, "single_word", false));
  token.strip_left = PJ_TRY(flag_or(entry, "lstrip", false));
  token.strip_right = PJ_TRY(flag_or(entry, "rstrip", false));
  return token;
}

// Collects added tokens. A text that is there already keeps its id, as in the tokenizer library.
class Collector {
 public:
  void put(AddedToken token) {
    if (token.text.empty()) return;
    const auto [same_text, is_new] = ids_.try_emplace(token.text, token.id);
    token.id = same_text->second;
    const std::int64_t id = token.id;
    tokens_.insert_or_assign(id, std::move(token));
  }
  [[nodiscard]] bool has_id(std::int64_t id) const { return tokens_.contains(id); }
  AddedTokens take() { return std::move(tokens_); }

 private:
  AddedTokens tokens_;
  std::unordered_map<std::string, std::int64_t> ids_;
};

Status add_from_tokenizer(const Json& tokenizer, Collector& tokens) {
  const Json* list = find_member(tokenizer, "added_tokens");
  if (list == nullptr) return {};
  if (!list->is_array()) {
    return make_error(ErrorCode::kInvalidData, "'added_tokens' of tokenizer.json is no list");
  }
  for (const Json& entry : *list) {
    const std::optional<std::int64_t> id = PJ_TRY(get_int(entry, "id"));
    if (!id) {
      return make_error(ErrorCode::kInvalidData, "an entry of 'added_tokens' has no 'id'");
    }
    tokens.put(PJ_TRY(parse_added_token(entry, *id)));
  }
  return {};
}

Status add_from_decoder(const Json& decoder, Collector& tokens) {
  if (!decoder.is_object()) {
    return make_error(ErrorCode::kInvalidData, "'added_tokens_decoder' is no object");
  }
  for (const auto& [key, entry] : decoder.items()) {
    std::int64_t id = -1;
    const auto [end, problem] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (problem != std::errc{} || end != key.data() + key.size()) {
      return make_error(ErrorCode::kInvalidData,
                        "'added_tokens_decoder' has the key '{}', expected a token id", key);
    }
    tokens.put(PJ_TRY(parse_added_token(entry, id)));
  }
  return {};
}

Status add_from_added_tokens(const Json& file, Collector& tokens) {
  for (const auto& [text, value] : file.items()) {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
        value.get<std::int64_t>() >= kMaxTokens) {
      return make_error(ErrorCode::kInvalidData,
                        "added_tokens.json gives '{}' the id {}, expected 0 to {}", text,
                        value.dump(-1, ' ', false, Json::error_handler_t::replace), kMaxTokens - 1);
    }
    const auto id = value.get<std::int64_t>();
    if (!tokens.has_id(id)) tokens.put({.id = id, .text = text});
  }
  return {};
}

class NameList {
 public:
  void add(const Json& entry) {
    std::optional<std::string> content = token_content(entry);
    if (!content || content->empty() || !seen_.insert(*content).second) return;
    names_.push_back(std::move(*content));
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
  std::unordered_set<std::string> seen_;
};

void collect_named(const Json& source, NameList& names) {
  for (const std::string_view name : kSpecialNames) {
    if (const Json* entry = find_member(source, name)) names.add(*entry);
  }
  for (const std::string_view list_name : {"additional_special_tokens", "extra_special_tokens"}) {
    const Json* list = find_member(source, list_name);
    if (list == nullptr || !list->is_structured()) continue;
    for (const Json& entry : *list) names.add(entry);
  }
}

}  // namespace

bool TokenizerFolder::has_file(std::string_view name) const {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path / name, ignored);
}

const Json* TokenizerFolder::config_member(std::string_view key) const {
  return tokenizer_config ? find_member(*tokenizer_config, key) : nullptr;
}

std::string TokenizerFolder::tokenizer_class() const {
  const Json* name = config_member("tokenizer_class");
  return name != nullptr && name->is_string() ? name->get<std::string>() : "";
}

Result<TokenizerFolder> read_tokenizer_folder(const std::filesystem::path& path) {
  TokenizerFolder folder{.path = path};
  folder.tokenizer = PJ_TRY(read_optional_json(folder, "tokenizer.json"));
  folder.tokenizer_config = PJ_TRY(read_optional_json(folder, "tokenizer_config.json"));
  folder.special_tokens_map = PJ_TRY(read_optional_json(folder, "special_tokens_map.json"));
  folder.added_tokens = PJ_TRY(read_optional_json(folder, "added_tokens.json"));
  return folder;
}

Result<AddedTokens> read_added_tokens(const TokenizerFolder& folder) {
  Collector tokens;
  Status status;
  if (folder.tokenizer) status = add_from_tokenizer(*folder.tokenizer, tokens);
  const Json* decoder = folder.config_member("added_tokens_decoder");
  if (status && decoder != nullptr) status = add_from_decoder(*decoder, tokens);
  if (status && folder.added_tokens) status = add_from_added_tokens(*folder.added_tokens, tokens);
  if (!status) return std::unexpected(status.error().with_context(folder.path.string()));
  return tokens.take();
}

std::optional<std::string> token_content(const Json& entry) {
  const Json* content = entry.is_object() ? find_member(entry, "content") : &entry;
  if (content == nullptr || !content->is_string()) return std::nullopt;
  return content->get<std::string>();
}

std::vector<std::string> named_special_tokens(const TokenizerFolder& folder) {
  NameList list;
  if (folder.tokenizer_config) collect_named(*folder.tokenizer_config, list);
  if (folder.special_tokens_map) collect_named(*folder.special_tokens_map, list);
  std::vector<std::string> names = list.take();
  if (!names.empty() || folder.tokenizer) return names;
  return {"<|endoftext|>"};  // of the classes that read vocab.json (GPT-2, Qwen2)
}

}  // namespace pajamas
