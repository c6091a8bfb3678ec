// SPDX-License-Identifier: Apache-2.0
#include "text/text_pipeline.h"

#include <utility>

namespace pajamas {

Result<TextPipeline> TextPipeline::create(const AddedTokens& added, Normalizer normalizer,
                                          AddedText added_text) {
  TextPipeline pipeline;
  std::size_t bytes = 0;
  for (const auto& [id, token] : added) {
    bytes += token.text.size();
    if (token.text.size() > kMaxAddedTokenBytes || bytes > kMaxAddedTokensBytes) {
      return make_error(ErrorCode::kUnsupported,
                        "the added token {} has {} bytes and all up to it {}, expected at most {} "
                        "and {}",
                        id, token.text.size(), bytes, kMaxAddedTokenBytes, kMaxAddedTokensBytes);
    }
    if (!token.normalized) {
      pipeline.raw_tokens_.add(token);
      continue;
    }
    AddedToken normalized = token;
    if (added_text == AddedText::kNormalize) normalized.text = PJ_TRY(normalizer.run(token.text));
    pipeline.normalized_tokens_.add(normalized);
  }
  pipeline.normalizer_ = std::move(normalizer);
  return pipeline;
}

}  // namespace pajamas
