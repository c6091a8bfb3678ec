// SPDX-License-Identifier: Apache-2.0
// The chat templates of a model folder, as text: nothing is interpreted here.
//
// They come from tokenizer_config.json (one text, or a list of named ones), else from
// chat_template.jinja with additional_chat_templates/*.jinja, else from chat_template.json.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/metadata.h"
#include "text/tokenizer_folder.h"

namespace pajamas {

struct ChatTemplate {
  std::string name;  // "default" for the one that is used when none is asked for
  std::string text;
};

struct ChatTemplates {
  std::vector<ChatTemplate> templates;
  std::vector<std::string> warnings;
};

Result<ChatTemplates> read_chat_templates(const TokenizerFolder& folder);

// Adds tokenizer.chat_template, tokenizer.chat_template.{name} and tokenizer.chat_templates.
void write_chat_templates(const ChatTemplates& templates, Metadata& keys);

}  // namespace pajamas
