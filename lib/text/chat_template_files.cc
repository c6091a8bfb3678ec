// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

constexpr std::uint64_t kMaxTemplateBytes = std::uint64_t{4} << 20;
constexpr std::size_t kMaxTemplates = 256;

Result<std::string> read_template(const std::filesystem::path& path) {
  std::string text = PJ_TRY(read_text_file(path, kMaxTemplateBytes));
  if (!is_valid_utf8(text)) {
    return make_error(ErrorCode::kInvalidData, "'{}' is not valid UTF-8", path.string());
  }
  // Line ends are read as one "\n", as the text files they are.
  return replace_all(replace_all(text, "\r\n", "\n"), "\r", "\n");
}

Result<std::vector<std::filesystem::path>> list_jinja_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code problem;
  for (std::filesystem::directory_iterator it(folder, problem), end; !problem && it != end;
       it.increment(problem)) {
    if (it->path().extension() != ".jinja") continue;
    if (paths.size() == kMaxTemplates) {
      return make_error(ErrorCode::kInvalidData, "'{}' has more than {} templates", folder.string(),
                        kMaxTemplates);
    }
    paths.push_back(it->path());
  }
  std::ranges::sort(paths);
  return paths;
}

Result<std::vector<ChatTemplate>> read_jinja_files(const TokenizerFolder& folder) {
  std::vector<ChatTemplate> templates;
  templates.push_back({"default", PJ_TRY(read_template(folder.path / "chat_template.jinja"))});
  for (const auto& path : PJ_TRY(list_jinja_files(folder.path / "additional_chat_templates"))) {
    templates.push_back({path.stem().string(), PJ_TRY(read_template(path))});
  }
  return templates;
}

// A text, or a list of {"name", "template"}; anything else is left out with a warning.
void take_value(const Json& value, ChatTemplates& result) {
  if (value.is_string()) {
    result.templates.push_back({"default", value.get<std::string>()});
    return;
  }
  if (!value.is_array() || value.size() > kMaxTemplates) {
    result.warnings.push_back(
        fmt::format("the chat template is {}, expected a text or a list of named ones; it is left "
                    "out",
                    value.type_name()));
    return;
  }
  for (const Json& entry : value) {
    const Json* name = find_member(entry, "name");
    const Json* text = find_member(entry, "template");
    if (name == nullptr || !name->is_string() || text == nullptr || !text->is_string()) continue;
    result.templates.push_back({name->get<std::string>(), text->get<std::string>()});
  }
}

bool is_name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Names become part of a key: every character but ASCII letters and digits is one underscore.
std::string key_name(std::string_view name) {
  std::string result;
  for (std::size_t offset = 0; offset < name.size();) {
    const std::size_t bytes = std::max<std::size_t>(code_point_at(name, offset).bytes, 1);
    result.push_back(is_name_char(name[offset]) ? name[offset] : '_');
    offset += bytes;
  }
  return result;
}

}  // namespace

Result<ChatTemplates> read_chat_templates(const TokenizerFolder& folder) {
  ChatTemplates result;
  // llama.cpp's converter takes template files only beside a tokenizer_config.json, and a
  // "chat_template": null there says that there is none.
  if (!folder.tokenizer_config || folder.tokenizer_config->empty()) return result;
  const auto in_config = folder.tokenizer_config->find("chat_template");
  if (in_config != folder.tokenizer_config->end()) {
    if (!in_config->is_null()) take_value(*in_config, result);
    return result;
  }
  if (folder.has_file("chat_template.jinja")) {
    result.templates = PJ_TRY(read_jinja_files(folder));
  } else if (folder.has_file("chat_template.json")) {
    const Json document = PJ_TRY(
        read_json_file(folder.path / "chat_template.json", {.max_bytes = kMaxTemplateBytes}));
    if (const Json* value = find_member(document, "chat_template")) take_value(*value, result);
  }
  return result;
}

void write_chat_templates(const ChatTemplates& templates, Metadata& keys) {
  std::vector<std::string> names;
  const std::string* default_text = nullptr;
  for (const ChatTemplate& entry : templates.templates) {
    const std::string name = key_name(entry.name);
    if (name.empty()) continue;
    if (name == "default") {
      default_text = &entry.text;
      continue;
    }
    keys.set("tokenizer.chat_template." + name, entry.text);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  if (!names.empty()) keys.set("tokenizer.chat_templates", std::move(names));
  if (default_text != nullptr) keys.set("tokenizer.chat_template", *default_text);
}

}  // namespace pajamas
