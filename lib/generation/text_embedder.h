// SPDX-License-Identifier: Apache-2.0
// A text as one vector: the hidden states behind the model's last norm, pooled over its tokens.
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
  kMean,  // of all tokens
  kCls,   // the first token's
  kLast,  // the last token's
};
Result<Pooling> parse_pooling(std::string_view name);

struct EmbeddingOptions {
  Pooling pooling = Pooling::kMean;
  bool normalize = true;  // to Euclidean length 1; a vector of zeros stays one
};

// (hidden) numbers. Errors: no tokens, or more than the context.
Result<std::vector<float>> embed_tokens(Engine& engine, std::span<const std::int32_t> tokens,
                                        const EmbeddingOptions& options, const CancelToken& cancel);

}  // namespace pajamas
