// SPDX-License-Identifier: Apache-2.0
// A context and a continuation as tokens, split the way lm-evaluation-harness splits them for a
// model of the Hugging Face library.
//
// Both are encoded as one text, because tokens span the place where they meet; white space at the
// end of the context belongs to the continuation. An empty context is the beginning (or, where a
// vocabulary has none, the end) of text. What is longer than the context of the model loses its
// beginning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/tokenizer.h"

namespace pajamas {

struct LikelihoodRequest {
  std::string context;
  std::string continuation;
};

struct RequestTokens {
  std::vector<std::int32_t> inputs;   // what goes into the model
  std::vector<std::int32_t> targets;  // of the last inputs, one each: the continuation

  // The first input whose output is needed.
  [[nodiscard]] std::size_t first_row() const { return inputs.size() - targets.size(); }
};

// A continuation without tokens of its own, or with more than `max_tokens`, is an error.
Result<RequestTokens> encode_request(const Tokenizer& tokenizer, const LikelihoodRequest& request,
                                     std::int64_t max_tokens);

}  // namespace pajamas
