// SPDX-License-Identifier: Apache-2.0
#include "evaluate/samples.h"

#include <algorithm>

#include "base/check.h"
#include "formats/printable.h"
#include "text/utf8.h"

namespace pajamas {
namespace {

// A prompt that is being continued.
struct Writing {
  Sequence sequence;
  std::int32_t next = 0;  // the token that comes next
  bool has_ended = false;
};

std::int32_t most_likely(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin());
}

Result<std::vector<std::int32_t>> encode_prompt(const Engine& engine, const ModelText& text,
                                                const std::string& prompt) {
  std::vector<std::int32_t> ids = PJ_TRY(text.tokenizer().encode(prompt));
  // A model that ends every text with a token would have nothing to add.
  while (!ids.empty() && text.tokenizer().is_end_of_generation(ids.back())) ids.pop_back();
  if (ids.empty()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "a prompt has no tokens; give some text to go on from");
  }
  if (static_cast<std::int64_t>(ids.size()) >= engine.context()) {
    return make_error(ErrorCode::kInvalidArgument,
                      "the prompt '{}' has {} tokens, the context {}, and its continuation needs "
                      "room too; shorten the prompt",
                      printable(prompt), ids.size(), engine.context());
  }
  return ids;
}

}  // namespace

Result<std::vector<Continuation>> continue_prompts(Engine& engine, const ModelText& text,
                                                   std::span<const std::string> prompts,
                                                   const ContinuationOptions& options,
                                                   const CancelToken& cancel) {
  std::vector<Continuation> made;
  std::vector<Writing> writings;
  writings.reserve(prompts.size());  // a batch points into it
  std::vector<BatchToken> batch;
  std::vector<std::size_t> owners;  // of each token of the batch, in `writings`
  for (const std::string& prompt : prompts) {
    const std::vector<std::int32_t> ids = PJ_TRY(encode_prompt(engine, text, prompt));
    made.push_back({.prompt = replace_invalid_utf8(prompt)});
    Writing& writing = writings.emplace_back(engine.new_sequence());
    for (const std::int32_t id : ids) {
      batch.push_back({&writing.sequence, id});
      owners.push_back(writings.size() - 1);
    }
    batch.back().output = TokenOutput::kLogits;
  }
  const OutputSink take_next = [&](std::size_t index, std::span<const float> logits) {
    writings[owners[index]].next = most_likely(logits);
  };
  for (std::int64_t step = 0; step < options.max_tokens && !batch.empty(); ++step) {
    PJ_TRY(engine.forward(batch, take_next, cancel));
    batch.clear();
    owners.clear();
    for (std::size_t i = 0; i < writings.size(); ++i) {
      Writing& writing = writings[i];
      if (writing.has_ended) continue;
      writing.has_ended = text.tokenizer().is_end_of_generation(writing.next);
      if (writing.has_ended) continue;
      made[i].tokens.push_back(writing.next);
      writing.has_ended = writing.sequence.length() >= engine.context();
      if (writing.has_ended) continue;
      batch.push_back({&writing.sequence, writing.next, TokenOutput::kLogits});
      owners.push_back(i);
    }
  }
  for (Continuation& each : made) each.text = text.tokenizer().decode(each.tokens);
  return made;
}

std::vector<SampleText> compare_continuations(std::span<const Continuation> original,
                                              std::span<const Continuation> quantized) {
  PJ_CHECK(original.size() == quantized.size());
  std::vector<SampleText> samples;
  for (std::size_t i = 0; i < original.size(); ++i) {
    const std::vector<std::int32_t>& expected = original[i].tokens;
    const auto differ = std::ranges::mismatch(expected, quantized[i].tokens);
    samples.push_back({.prompt = original[i].prompt,
                       .original = original[i].text,
                       .quantized = quantized[i].text,
                       .tokens_in_common = differ.in1 - expected.begin()});
  }
  return samples;
}

}  // namespace pajamas
