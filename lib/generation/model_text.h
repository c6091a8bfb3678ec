// SPDX-License-Identifier: Apache-2.0
// The text side of a model: its tokenizer, its chat template, and the vocabulary as samplers and
// grammars see it.
//
// Built once, then read-only: all functions may be called from several threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "models/opened_model.h"
#include "sampling/grammar/grammar.h"
#include "sampling/grammar/token_trie.h"
#include "sampling/vocabulary_view.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace pajamas {

class ModelText {
 public:
  // A folder's tokenizer comes from its own files, a GGUF file's from its keys. A chat template
  // that does not compile is an error only when it is used.
  static Result<ModelText> open(const OpenedModel& model);

  [[nodiscard]] const Tokenizer& tokenizer() const { return *tokenizer_; }
  // Views into this object.
  [[nodiscard]] VocabularyView vocabulary() const;

  // Instead of the model's own.
  Status set_chat_template(std::string_view text);
  [[nodiscard]] bool has_chat_template() const { return chat_template_ != nullptr; }
  // The prompt of a conversation. bos_token and eos_token are filled in; the text holds every
  // special token, so it is encoded without adding any. kUnsupported when the model has no
  // template.
  [[nodiscard]] Result<std::string> render_chat(ChatInput input) const;
  // A rendered prompt as ids: special tokens in it are read as such, and the beginning of text that
  // the template may have left out is added once.
  [[nodiscard]] Result<std::vector<std::int32_t>> encode_chat(std::string_view prompt) const;

  // Made when it is first asked for; one per model is enough.
  [[nodiscard]] Result<std::shared_ptr<const TokenTrie>> token_trie() const;

 private:
  ModelText() = default;

  std::unique_ptr<Tokenizer> tokenizer_;
  std::vector<std::string> pieces_;  // by id; empty for control tokens
  std::shared_ptr<const PromptTemplate> chat_template_;
  std::optional<Error> template_error_;
  struct Lazy;
  std::shared_ptr<Lazy> lazy_;
};

}  // namespace pajamas
