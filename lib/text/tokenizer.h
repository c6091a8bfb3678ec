// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back, for programs that run a model.
//
// Opened from a model folder it works as the folder's own definition says (the ids are those of the
// Hugging Face tokenizers library or of SentencePiece); from the keys of a GGUF file as llama.cpp
// does. Tokens that mark the beginning or the end of a text are added, and special tokens spelled
// in the text are read as such, only where the options say so.
//
// Movable; built once, then read-only: all functions may be called from several threads at once.
// Files that contradict themselves or go beyond the limits are errors that name them. Text that is
// not valid UTF-8 is read as lossy decoders print it: U+FFFD for what is broken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tensor/metadata.h"

namespace pajamas {

struct TokenizerParts;

struct EncodeOptions {
  bool add_special = true;    // put the tokens of the definition before and behind the text
  bool parse_special = true;  // "<|im_end|>" in the text is that token, else its characters
};

struct DecodeOptions {
  bool skip_special = true;  // leave control tokens out
};

class Tokenizer {
 public:
  // tokenizer.json (BPE, Unigram, WordPiece); else tokenizer.model or spiece.model (SentencePiece,
  // tiktoken ranks); else vocab.json with merges.txt; else vocab.txt (WordPiece).
  static Result<Tokenizer> open_folder(const std::filesystem::path& folder);
  // tokenizer.ggml.model of gpt2, llama, bert or t5.
  static Result<Tokenizer> from_metadata(const Metadata& keys);
  static Result<Tokenizer> from_parts(TokenizerParts parts);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Fails on texts over 1 GiB and where a pattern of the definition takes too many steps.
  [[nodiscard]] Result<std::vector<std::int32_t>> encode(std::string_view text,
                                                         const EncodeOptions& options = {}) const;
  // Valid UTF-8. Ids that are no token stand for nothing.
  [[nodiscard]] std::string decode(const std::vector<std::int32_t>& ids,
                                   const DecodeOptions& options = {}) const;

  // The bytes a token stands for; a part of a character for some. "" for an id that is no token.
  [[nodiscard]] std::string_view piece(std::int32_t id) const;
  // How the files spell it.
  [[nodiscard]] std::string_view text(std::int32_t id) const;
  // By its spelling.
  [[nodiscard]] std::optional<std::int32_t> find(std::string_view text) const;
  [[nodiscard]] std::int32_t vocab_size() const;

  [[nodiscard]] std::optional<std::int32_t> bos_id() const;
  [[nodiscard]] std::optional<std::int32_t> eos_id() const;
  [[nodiscard]] std::optional<std::int32_t> eot_id() const;  // end of a turn, where that differs
  [[nodiscard]] std::optional<std::int32_t> pad_id() const;
  [[nodiscard]] std::optional<std::int32_t> unk_id() const;

  // A token that no text should show.
  [[nodiscard]] bool is_control(std::int32_t id) const;
  // A model that gives this one has finished.
  [[nodiscard]] bool is_end_of_generation(std::int32_t id) const;
  [[nodiscard]] const std::vector<std::int32_t>& end_of_generation_ids() const;  // sorted

  // What add_special does.
  [[nodiscard]] bool adds_bos() const;
  [[nodiscard]] bool adds_eos() const;
  // The first token of a text stands for its bytes without their first space.
  [[nodiscard]] bool drops_first_space() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace pajamas
