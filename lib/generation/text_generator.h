// SPDX-License-Identifier: Apache-2.0
// A prompt in, text out, piece by piece: what `generate` and `chat` do with one sequence.
//
//   TextGenerator generator(*engine, text);
//   const GenerationResult result = PJ_TRY(generator.run(
//       sequence, prompt_ids, {.max_tokens = 100}, [](std::string_view piece) { ... }, cancel));
//
// Borrows the engine and the text; one call at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "generation/model_text.h"
#include "runtime/engine.h"
#include "sampling/grammar/grammar.h"
#include "sampling/sampler_options.h"

namespace pajamas {

struct GenerationOptions {
  SamplerOptions sampling = {};
  std::int64_t max_tokens = -1;  // -1: until the model ends or the context is full
  std::vector<std::string> stop = {};
  std::shared_ptr<const Grammar> grammar = nullptr;
  bool shift_context = false;  // forget the oldest text when the context is full, and go on
  std::int64_t keep = 0;       // tokens at the beginning that are not forgotten
  bool ignore_end = false;     // go on behind an end-of-generation token
  bool show_special = false;   // control tokens as they are spelled
};

enum class FinishReason : std::uint8_t {
  kEnd,  // the model ended its text
  kStopString,
  kMaxTokens,
  kContextFull,
  kCancelled,
};
std::string_view finish_reason_name(FinishReason reason);  // snake_case

struct GenerationResult {
  FinishReason finish = FinishReason::kEnd;
  std::uint64_t seed = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of the prompt, that the sequence held already
  std::int64_t generated_tokens = 0;
  double prompt_seconds = 0;
  double generation_seconds = 0;  // behind the first token
};

class TextGenerator {
 public:
  using OnText = std::function<void(std::string_view text)>;

  TextGenerator(Engine& engine, const ModelText& text) : engine_(engine), text_(text) {}

  // Brings `sequence` to `prompt` (what both have in common at the beginning is not computed
  // again) and generates behind it. The sequence then holds prompt and answer, but for the last
  // token. on_text gets valid UTF-8. Cancelling while text is generated is a finish reason, before
  // it an error.
  Result<GenerationResult> run(Sequence& sequence, std::span<const std::int32_t> prompt,
                               const GenerationOptions& options, const OnText& on_text,
                               const CancelToken& cancel);

 private:
  Result<std::span<const float>> evaluate_prompt(Sequence& sequence,
                                                 std::span<const std::int32_t> prompt,
                                                 GenerationResult& result,
                                                 const CancelToken& cancel);

  Engine& engine_;
  const ModelText& text_;
};

}  // namespace pajamas
