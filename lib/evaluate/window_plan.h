// SPDX-License-Identifier: Apache-2.0
// Which stretches of a text a model reads, and which tokens of each count.
//
// Two known ways to cut a long text into what a context holds:
// - "llama.cpp", as llama-perplexity does it: windows side by side; of each the first half is only
//   read and the tokens after its middle are scored. The first token of each becomes the
//   beginning-of-text token where the model's tokenizer adds one.
// - "hf", the recipe of Hugging Face's documentation: a window every `stride` tokens, in which only
//   the tokens that no earlier window has seen are scored; where windows overlap, every token of
//   the text but the first counts once.
//
// Plain values; the functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/tokenizer.h"

namespace pajamas {

struct Window {
  std::int64_t begin = 0;         // its first token in the text
  std::int64_t length = 0;        // in tokens
  std::int64_t first_target = 1;  // in the window; this token and all after it are scored

  [[nodiscard]] std::int64_t scored() const { return length - first_target; }
  friend bool operator==(const Window&, const Window&) = default;
};

struct WindowPlan {
  std::string method;  // "llama.cpp" or "hf"
  std::int64_t context = 0;
  std::int64_t stride = 0;
  std::vector<std::int32_t> tokens;  // of the text, as far as windows reach
  std::optional<std::int32_t> bos;   // read instead of each window's first token
  std::vector<Window> windows;

  // The token the model reads at a place of a window.
  [[nodiscard]] std::int32_t input(const Window& window, std::int64_t place) const;
  // The token that stands there in the text, which is what a score is about.
  [[nodiscard]] std::int32_t target(const Window& window, std::int64_t place) const;
  [[nodiscard]] std::int64_t scored_tokens() const;
};

// The ids of a text as both recipes want them: the beginning-of-text token where the tokenizer adds
// one, no end token, and special tokens spelled in the text are read as plain characters.
Result<std::vector<std::int32_t>> tokenize_corpus(const Tokenizer& tokenizer,
                                                  std::string_view text);

// max_windows 0: all. Errors: a context below 4, a text of less than one window.
Result<WindowPlan> plan_llama_windows(std::vector<std::int32_t> tokens, std::int64_t context,
                                      std::optional<std::int32_t> bos, std::int64_t max_windows);

// stride: 1 to context. Errors: a text of less than two tokens.
Result<WindowPlan> plan_hf_windows(std::vector<std::int32_t> tokens, std::int64_t context,
                                   std::int64_t stride, std::int64_t max_windows);

}  // namespace pajamas
