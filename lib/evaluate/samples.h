// SPDX-License-Identifier: Apache-2.0
// How both models go on from the same prompts when each takes its most likely token: the difference
// that a reader can see.
//
// The original and the quantized models run one after the other, so that they need not be in memory
// together, and the original only once:
//
//   const auto expected = PJ_TRY(continue_prompts(original, text, prompts, options, cancel));
//   const auto found = PJ_TRY(continue_prompts(quantized, text, prompts, options, cancel));
//   quality.samples = compare_continuations(expected, found);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "evaluate/validation.h"
#include "generation/model_text.h"
#include "runtime/engine.h"

namespace pajamas {

struct Continuation {
  std::string prompt;
  std::vector<std::int32_t> tokens;  // that the model added, without an end-of-generation token
  std::string text;                  // of those tokens, valid UTF-8
};

struct ContinuationOptions {
  std::int64_t max_tokens = 64;
};

// All prompts go through the model together: as many forward passes as the longest continuation has
// tokens. The engine keeps its cache per sequence and has room for all prompts with their
// continuations. A text ends early where the model ends it or where the context does.
Result<std::vector<Continuation>> continue_prompts(Engine& engine, const ModelText& text,
                                                   std::span<const std::string> prompts,
                                                   const ContinuationOptions& options,
                                                   const CancelToken& cancel);

// Of the same prompts in the same order.
std::vector<SampleText> compare_continuations(std::span<const Continuation> original,
                                              std::span<const Continuation> quantized);

}  // namespace pajamas
