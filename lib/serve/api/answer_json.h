// SPDX-License-Identifier: Apache-2.0
// The JSON of answers: whole ones and the chunks of streams, for chat and for completions.
//
// AnswerWriter knows which of the two shapes it writes; it holds no text. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "serve/answer_part.h"
#include "serve/served_model.h"

namespace pajamas {

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t thought_tokens = 0;  // of the completion
};
Json usage_json(const Usage& usage);

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text
};

// What one choice has come to.
struct ChoiceResult {
  std::string text{};
  std::string thought{};
  std::vector<ToolCall> tool_calls{};
  std::vector<GenerationStep>
      steps{};                  // those with a token, kept when log probabilities are wanted
  std::string finish_reason{};  // "stop", "length", "tool_calls"

  void add(const AnswerPart& part);
};

enum class AnswerShape : std::uint8_t { kChat, kCompletion };

class AnswerWriter {
 public:
  // `id_prefix`-random; the time is now.
  AnswerWriter(AnswerShape shape, std::string model);

  [[nodiscard]] Json whole(const std::vector<ChoiceResult>& choices, const Usage& usage,
                           bool with_logprobs) const;

  // Chunks of a stream. Each has every member that clients look for.
  [[nodiscard]] Json first_chunk(std::size_t choice) const;  // chat: the role
  [[nodiscard]] Json text_chunk(std::size_t choice, const std::string& text,
                                const GenerationStep* logprobs_of) const;
  // Of any part. `call`: how many calls the choice has begun before this part's own.
  [[nodiscard]] Json part_chunk(std::size_t choice, const AnswerPart& part, std::size_t call,
                                const GenerationStep* logprobs_of) const;
  [[nodiscard]] Json last_chunk(std::size_t choice, const std::string& finish_reason) const;
  [[nodiscard]] Json usage_chunk(const Usage& usage) const;

  // Every chunk then says "usage": null until the one that has it.
  void announce_usage() { announces_usage_ = true; }

 private:
  [[nodiscard]] Json chunk(Json choices) const;
  [[nodiscard]] Json chat_chunk(std::size_t choice, Json delta, Json finish_reason) const;

  AnswerShape shape_;
  std::string model_;
  std::string id_;
  std::int64_t created_s_;
  bool announces_usage_ = false;
};

// "chatcmpl-" and random letters.
std::string make_answer_id(std::string_view prefix);

Json chat_logprobs_json(const std::vector<GenerationStep>& steps);
// `text_offset`: of the first of them in the answer, in bytes.
Json completion_logprobs_json(const std::vector<GenerationStep>& steps, std::size_t text_offset);

}  // namespace pajamas
