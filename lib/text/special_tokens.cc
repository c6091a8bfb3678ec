// SPDX-License-Identifier: Apache-2.0
#include "text/special_tokens.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include <fmt/format.h>

namespace pajamas {
namespace {

struct RoleKey {
  std::string_view role;
  std::string_view id_key;
};

// "seperator" is spelled so in the format.
constexpr std::array<RoleKey, 8> kIdKeys = {{
    {"bos", "tokenizer.ggml.bos_token_id"},
    {"eos", "tokenizer.ggml.eos_token_id"},
    {"unk", "tokenizer.ggml.unknown_token_id"},
    {"sep", "tokenizer.ggml.seperator_token_id"},
    {"pad", "tokenizer.ggml.padding_token_id"},
    {"mask", "tokenizer.ggml.mask_token_id"},
    {"eot", "tokenizer.ggml.eot_token_id"},
    {"eom", "tokenizer.ggml.eom_token_id"},
}};

constexpr std::array<RoleKey, 3> kAddKeys = {{
    {"bos", "tokenizer.ggml.add_bos_token"},
    {"eos", "tokenizer.ggml.add_eos_token"},
    {"sep", "tokenizer.ggml.add_sep_token"},
}};

// The "id" of a SpecialToken or Sequence item of a template, "" when the item is something else.
std::string item_id(const Json& item, std::string_view kind) {
  const Json* entry = find_member(item, kind);
  const Json* id = entry == nullptr ? nullptr : find_member(*entry, "id");
  return id != nullptr && id->is_string() ? id->get<std::string>() : "";
}

bool is_set(const Json& entry) {
  return !(entry.is_null() || (entry.is_string() && entry.get_ref<const std::string&>().empty()) ||
           (entry.is_structured() && entry.empty()));
}

class Finder {
 public:
  Finder(const TokenizerFolder& folder, const Json& config, std::int64_t token_count)
      : folder_(folder), config_(config), token_count_(token_count) {
    has_config_ = folder.tokenizer_config.has_value() && !folder.tokenizer_config->empty();
    for (const std::string_view role : {"bos", "eos", "unk", "sep", "pad", "cls", "mask"}) {
      roles_.emplace_back(role);
    }
    for (const std::string_view role :
         {"bos", "eos", "unk", "sep", "pad", "cls", "mask", "eot", "eom"}) {
      const Json* entry = folder.config_member(fmt::format("{}_token", role));
      entries_[std::string(role)] = entry == nullptr ? Json(nullptr) : *entry;
    }
  }

  SpecialTokens run() {
    if (folder_.tokenizer) read_post_processor(*folder_.tokenizer);
    if (has_config_) read_tokenizer_config();
    read_model_config();
    return std::move(result_);
  }

 private:
  // Entries are compared as JSON, so a token written as an object never equals a template's text:
  // the converter compares so too, and its files say the same then.
  Json& entry(std::string_view role) { return entries_[std::string(role)]; }

  void warn(std::string message) { result_.warnings.push_back(std::move(message)); }

  void set_add(std::string_view role, bool value) {
    for (auto& [name, old] : result_.add) {
      if (name == role) {
        old = value;
        return;
      }
    }
    result_.add.emplace_back(role, value);
  }

  void set_id(std::string_view role, std::int64_t id) {
    if (id < 0 || id >= token_count_) {
      warn(fmt::format("the {} token has the id {}, but there are {} tokens; it is left out", role,
                       id, token_count_));
      return;
    }
    if (!result_.id_of(role)) result_.ids.emplace_back(role, id);
  }

  void read_post_processor(const Json& tokenizer) {
    if (!is_set(entry("bos")) && is_set(entry("cls"))) entry("bos") = entry("cls");
    if (!is_set(entry("eos")) && is_set(entry("sep"))) entry("eos") = entry("sep");
    const Json* post = find_member(tokenizer, "post_processor");
    if (post == nullptr) return;
    if (const Json* list = find_member(*post, "processors"); list != nullptr && list->is_array()) {
      for (const Json& processor : *list) read_processor(processor);
    } else {
      read_processor(*post);
    }
  }

  void read_processor(const Json& processor) {
    const Json* type = find_member(processor, "type");
    if (type == nullptr) return;
    if (*type == "RobertaProcessing") {
      for (const std::string_view role : {"bos", "eos", "sep"}) set_add(role, true);
      if (has_config_) {
        default_entry("cls", processor, "bos");
        default_entry("sep", processor, "eos");
      }
    } else if (*type == "TemplateProcessing") {
      read_template(processor);
    }
  }

  // RobertaProcessing names its tokens as [text, id].
  void default_entry(std::string_view role, const Json& processor, std::string_view fallback) {
    if (is_set(entry(role))) return;
    const Json* pair = find_member(processor, role);
    entry(role) =
        pair != nullptr && pair->is_array() && !pair->empty() ? (*pair)[0] : entry(fallback);
  }

  void read_template(const Json& processor) {
    std::string first;
    std::string last;
    const Json* single = find_member(processor, "single");
    if (single != nullptr && single->is_array() && single->size() > 1) {
      first = item_id(single->front(), "SpecialToken");
      last = item_id(single->back(), "SpecialToken");
      if (!first.empty()) read_first(first);
      if (!last.empty()) read_last(last);
    }
    const Json* pair = find_member(processor, "pair");
    if (pair != nullptr && pair->is_array() && !pair->empty()) read_pair(*pair, first, last);
  }

  void read_first(const std::string& first) {
    if (!has_config_) entry("bos") = first;
    const bool is_bos = entry("bos") == first || entry("cls") == first;
    set_add("bos", is_bos);
    if (!is_bos) {
      warn(fmt::format("the template starts with '{}', which is neither the BOS nor the CLS token",
                       first));
    }
  }

  // A template that ends with another token than eos_token makes that one the end of text; the
  // configured one then ends a turn.
  void read_last(const std::string& last) {
    if (has_config_ && entry("eos") != last) {
      const auto has_role = [&](std::string_view role) {
        return std::ranges::find(roles_, role) != roles_.end();
      };
      if (!has_role("eot")) {
        roles_.emplace_back("eot");
        entry("eot") = entry("eos");
      } else if (!has_role("eom")) {
        roles_.emplace_back("eom");
        entry("eom") = entry("eos");
      }
    }
    entry("eos") = last;
    set_add("eos", true);
  }

  // [first] A [separator [separator]] B [last]
  void read_pair(const Json& pair, const std::string& first, const std::string& last) {
    std::size_t begin = 0;
    std::size_t end = pair.size();
    if (!first.empty() && item_id(pair[0], "SpecialToken") == first) ++begin;
    if (!last.empty() && end > begin && item_id(pair[end - 1], "SpecialToken") == last) --end;
    if (end < begin + 3) return;
    if (item_id(pair[begin], "Sequence") != "A" || item_id(pair[end - 1], "Sequence") != "B")
      return;
    const auto is_separator = [&](const Json& item) {
      const std::string id = item_id(item, "SpecialToken");
      return !id.empty() && (entry("sep") == id || entry("eos") == id);
    };
    bool add = is_separator(pair[begin + 1]) && last.empty();
    if (end == begin + 4) add = add || is_separator(pair[begin + 2]);
    set_add("sep", add);
    if (add && !is_set(entry("sep")) && has_config_) entry("sep") = entry("eos");
  }

  void read_tokenizer_config() {
    for (const std::string& role : roles_) {
      const Json* add = folder_.config_member(fmt::format("add_{}_token", role));
      if (add != nullptr && add->is_boolean()) set_add(role, add->get<bool>());
      const std::optional<std::string> text = token_content(entry(role));
      if (!text) continue;
      if (const std::optional<std::int64_t> id = added_token_id(*text)) set_id(role, *id);
    }
  }

  // Only the list of tokenizer.json is asked, as the converter does; without that file config.json
  // decides.
  [[nodiscard]] std::optional<std::int64_t> added_token_id(const std::string& text) const {
    if (!folder_.tokenizer) return std::nullopt;
    const Json* list = find_member(*folder_.tokenizer, "added_tokens");
    if (list == nullptr || !list->is_array()) return std::nullopt;
    for (const Json& token : *list) {
      const Json* content = find_member(token, "content");
      const Json* id = find_member(token, "id");
      if (content != nullptr && *content == text && id != nullptr && id->is_number_integer()) {
        return id->get<std::int64_t>();
      }
    }
    return std::nullopt;
  }

  void read_model_config() {
    for (const std::string& role : roles_) {
      const std::string key = fmt::format("{}_token_id", role);
      const Json* id = find_member(config_, key);
      const Json* text_config = find_member(config_, "text_config");
      if (id == nullptr && text_config != nullptr) id = find_member(*text_config, key);
      if (id != nullptr && id->is_number_integer()) set_id(role, id->get<std::int64_t>());
    }
  }

  const TokenizerFolder& folder_;
  const Json& config_;
  std::int64_t token_count_;
  bool has_config_ = false;
  std::vector<std::string> roles_;
  std::map<std::string, Json> entries_;  // what {role}_token says, with what follows from templates
  SpecialTokens result_;
};

}  // namespace

std::optional<std::int64_t> SpecialTokens::id_of(std::string_view role) const {
  const auto found = std::ranges::find(ids, role, &std::pair<std::string, std::int64_t>::first);
  if (found == ids.end()) return std::nullopt;
  return found->second;
}

SpecialTokens find_special_tokens(const TokenizerFolder& folder, const Json& config,
                                  std::int64_t token_count) {
  return Finder(folder, config, token_count).run();
}

void write_special_tokens(const SpecialTokens& tokens, Metadata& keys) {
  for (const auto& [role, id] : tokens.ids) {
    const auto key = std::ranges::find(kIdKeys, role, &RoleKey::role);
    if (key != kIdKeys.end()) keys.set(key->id_key, static_cast<std::uint32_t>(id));
  }
  for (const auto& [role, value] : tokens.add) {
    const auto key = std::ranges::find(kAddKeys, role, &RoleKey::role);
    if (key != kAddKeys.end()) keys.set(key->id_key, value);
  }
}

}  // namespace pajamas
