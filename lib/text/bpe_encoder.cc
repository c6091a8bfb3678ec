// SPDX-License-Identifier: Apache-2.0
#include "text/bpe_encoder.h"

#include <string>
#include <utility>

#include "text/utf8.h"

namespace pajamas {

Result<BpeEncoder> BpeEncoder::create(const BpeModel& model, const AddedTokens& added,
                                      const BpePipeline& pipeline) {
  BpeEncoder encoder(model);
  const Status status = encoder.set_pipeline(added, pipeline);
  if (!status) return std::unexpected(status.error());
  return encoder;
}

Status BpeEncoder::set_pipeline(const AddedTokens& added, const BpePipeline& pipeline) {
  Normalizer normalizer = PJ_TRY(Normalizer::from_json(pipeline.normalizer));
  PreTokenizer pre_tokenizer = PJ_TRY(PreTokenizer::from_json(pipeline.pre_tokenizer));
  pipeline_ = PJ_TRY(TextPipeline::create(added, std::move(normalizer)));
  pre_tokenizer_ = std::move(pre_tokenizer);
  words_.set_ignore_merges(pipeline.ignore_merges.value_or(ignore_merges_));
  return {};
}

Result<std::vector<std::int32_t>> BpeEncoder::encode(std::string_view text) const {
  if (text.size() > kMaxTextBytes || !is_valid_utf8(text)) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a text of {} bytes, expected valid UTF-8 of at most {}", text.size(),
                      kMaxTextBytes);
  }
  std::vector<std::int32_t> ids;
  const Status status = pipeline_.run(
      text, AddedTokenMatcher::Special::kMatch, [&](std::int32_t id) { ids.push_back(id); },
      [&](std::string_view part, bool is_start) -> Status {
        for (const std::string& word : PJ_TRY(pre_tokenizer_.run(part, is_start))) {
          words_.encode(word, ids);
        }
        return {};
      });
  if (!status) return std::unexpected(status.error());
  return ids;
}

}  // namespace pajamas
