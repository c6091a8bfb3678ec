// SPDX-License-Identifier: Apache-2.0
// A text as one vector: the hidden states after the last norm, pooled.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "runtime/engine.h"

namespace pajamas {

enum class Pooling : std::uint8_t {
  kMean,   // of all tokens
  kFirst,  // the first token's ("cls")
  kLast,   // the last token's
};
// "mean", "cls" or "last".
Result<Pooling> parse_pooling(std::string_view name);

struct EmbedOptions {
  Pooling pooling = Pooling::kMean;
  bool normalize = true;  // to length 1
};

// parameters().hidden numbers. Uses a sequence of its own.
Result<std::vector<float>> embed_tokens(Engine& engine, std::span<const std::int32_t> tokens,
                                        const EmbedOptions& options, const CancelToken& cancel);

}  // namespace pajamas
