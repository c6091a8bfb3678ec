// SPDX-License-Identifier: Apache-2.0
#include "generation/model_text.h"

#include <algorithm>
#include <mutex>

namespace pajamas {

struct ModelText::Lazy {
  std::mutex mutex;
  std::shared_ptr<const TokenTrie> trie;  // guarded by mutex
};

Result<ModelText> ModelText::open(const OpenedModel& model) {
  ModelText text;
  Tokenizer tokenizer = model.source.format == "gguf"
                            ? PJ_TRY(Tokenizer::from_metadata(model.gguf_keys))
                            : PJ_TRY(Tokenizer::open_folder(model.source.path));
  text.tokenizer_ = std::make_unique<Tokenizer>(std::move(tokenizer));
  text.lazy_ = std::make_shared<Lazy>();
  const Tokenizer& made = *text.tokenizer_;
  text.pieces_.reserve(static_cast<std::size_t>(made.vocab_size()));
  for (std::int32_t id = 0; id < made.vocab_size(); ++id) {
    text.pieces_.emplace_back(made.is_control(id) ? std::string_view() : made.piece(id));
  }
  // A model may have rows for more tokens than its tokenizer knows, or for fewer.
  const auto embedding = std::ranges::find(model.outputs, "token_embd.weight", &OutputTensor::name);
  if (embedding != model.outputs.end()) {
    text.pieces_.resize(static_cast<std::size_t>(embedding->shape.rows()));
  }
  if (const auto* found = model.gguf_keys.find_as<std::string>("tokenizer.chat_template")) {
    if (const Status status = text.set_chat_template(*found); !status) {
      text.template_error_ = status.error();
    }
  }
  return text;
}

VocabularyView ModelText::vocabulary() const {
  return {.pieces = pieces_, .end_of_generation = tokenizer_->end_of_generation_ids()};
}

Status ModelText::set_chat_template(std::string_view text) {
  chat_template_ = std::make_shared<const PromptTemplate>(PJ_TRY(PromptTemplate::compile(text)));
  template_error_.reset();
  return {};
}

Result<std::string> ModelText::render_chat(ChatInput input) const {
  if (template_error_) return std::unexpected(template_error_->with_context("the chat template"));
  if (chat_template_ == nullptr) {
    return make_error(ErrorCode::kUnsupported,
                      "this model has no chat template, so it may not be made for conversations; "
                      "use `generate`, or give a template with --chat-template FILE");
  }
  const auto add_token = [&](const char* name, std::optional<std::int32_t> id) {
    if (id && !input.extra.contains(name)) input.extra[name] = std::string(tokenizer_->text(*id));
  };
  add_token("bos_token", tokenizer_->bos_id());
  add_token("eos_token", tokenizer_->eos_id());
  return chat_template_->render(input);
}

Result<std::vector<std::int32_t>> ModelText::encode_chat(std::string_view prompt) const {
  std::vector<std::int32_t> ids =
      PJ_TRY(tokenizer_->encode(prompt, {.add_special = false, .parse_special = true}));
  const auto bos = tokenizer_->bos_id();
  if (bos && tokenizer_->adds_bos() && (ids.empty() || ids.front() != *bos)) {
    ids.insert(ids.begin(), *bos);
  }
  return ids;
}

Result<std::shared_ptr<const TokenTrie>> ModelText::token_trie() const {
  const std::lock_guard lock(lazy_->mutex);
  if (lazy_->trie == nullptr) lazy_->trie = PJ_TRY(TokenTrie::create(vocabulary()));
  return lazy_->trie;
}

}  // namespace pajamas
